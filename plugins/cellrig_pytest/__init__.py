"""The pytest plugin: fixtures ``rig`` and ``rig_factory``, the marker ``topology``, two options.

pytest imports this in every run, also where no test asks for a rig, so nothing of Cellrig is
imported before a fixture or an option needs it.
"""

from cellrig_pytest.factory import RigFactory
from cellrig_pytest.fixtures import rig, rig_factory
from cellrig_pytest.options import (
    pytest_addoption,
    pytest_configure,
    pytest_configure_node,
    pytest_report_header,
)
from cellrig_pytest.report import pytest_runtest_makereport

__all__ = [
    "RigFactory",
    "pytest_addoption",
    "pytest_configure",
    "pytest_configure_node",
    "pytest_report_header",
    "pytest_runtest_makereport",
    "rig",
    "rig_factory",
]
