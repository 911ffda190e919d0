"""Whatever of ours is imported first can be: nothing needs something else imported before it."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from importlib.metadata import entry_points
from importlib.resources import files

import pytest

import cellrig

PACKAGES = (
    "cellrig",
    "cellrig_audit",
    "cellrig_domxml",
    "cellrig_fake",
    "cellrig_faults",
    "cellrig_libvirt",
    "cellrig_pytest",
    "cellrig_timeline",
)


def _entrances() -> list[str]:
    """Return our packages and what is directly in them: all else is reached through these."""
    found = []
    for name in PACKAGES:
        package = importlib.import_module(name)
        found.append(name)
        if name == "cellrig":
            found += [each.name for each in pkgutil.iter_modules(package.__path__, f"{name}.")]
    return found


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


def test_every_package_can_be_imported_first(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {}
    for module in _entrances():
        with monkeypatch.context() as patch:
            for known in [name for name in sys.modules if _is_ours(name)]:
                patch.delitem(sys.modules, known)
            try:
                importlib.import_module(module)
            except ImportError as error:
                broken[module] = str(error)
            for fresh in [name for name in sys.modules if _is_ours(name)]:
                del sys.modules[fresh]
    assert broken == {}


@pytest.mark.parametrize("name", cellrig.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(cellrig, name).__name__ == name


@pytest.mark.parametrize(
    "group",
    [
        "cellrig.drivers",
        "cellrig.plugins",
        "cellrig.scheduler.filters",
        "cellrig.scheduler.weighers",
        "pytest11",
        "console_scripts",
    ],
)
def test_every_entry_point_leads_to_something(group: str) -> None:
    ours = [point for point in entry_points(group=group) if _is_ours(point.module)]
    assert ours
    for point in ours:
        point.load()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_that_it_is_typed(package: str) -> None:
    assert (files(package) / "py.typed").is_file()
