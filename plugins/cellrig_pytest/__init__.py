"""The pytest plugin: fixtures ``rig`` and ``rig_factory``, the marker ``topology``, its options.

The conformance suite has its fixtures here, too: ``lab``, ``cellrig_setup``, ``cellrig_declared``.

pytest imports this in every run, also where no test asks for a rig, so nothing of Cellrig is
imported before a fixture or an option needs it.
"""

from cellrig_pytest.conformance import (
    cellrig_declared,
    cellrig_setup,
    lab,
    pytest_runtest_call,
)
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
    "cellrig_declared",
    "cellrig_setup",
    "lab",
    "pytest_addoption",
    "pytest_configure",
    "pytest_configure_node",
    "pytest_report_header",
    "pytest_runtest_call",
    "pytest_runtest_makereport",
    "rig",
    "rig_factory",
]
