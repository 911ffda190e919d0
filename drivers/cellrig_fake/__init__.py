"""The fake driver: a hypervisor in memory that enforces what a real one does."""

from cellrig_fake.behaviours import Behaviour
from cellrig_fake.device_options import CustomChild, Gpu, PhysicalFunction
from cellrig_fake.driver import FakeDriver
from cellrig_fake.options import FakeOptions
from cellrig_fake.personalities import PERSONALITIES

__all__ = [
    "PERSONALITIES",
    "Behaviour",
    "CustomChild",
    "FakeDriver",
    "FakeOptions",
    "Gpu",
    "PhysicalFunction",
]
