"""Drivers that are installed for one test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import pytest
from stevedore import ExtensionManager

from cellrig.driver.loading import driver_class


class Install(Protocol):
    """Installs entry points: group to name to object reference."""

    def __call__(self, entry_points: Mapping[str, Mapping[str, str]]) -> None: ...


@pytest.fixture
def install(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Install]:
    """Install a distribution that has nothing but entry points, for one test."""

    def make(entry_points: Mapping[str, Mapping[str, str]]) -> None:
        place = tmp_path_factory.mktemp("installed")
        information = place / "installed_for_a_test-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Name: installed-for-a-test\nVersion: 1.0\n")
        lines = []
        for group, names in entry_points.items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in names.items())]
        (information / "entry_points.txt").write_text("\n".join(lines) + "\n")
        monkeypatch.syspath_prepend(place)
        _look_again()

    yield make
    monkeypatch.undo()
    _look_again()


def _look_again() -> None:
    """Forget what was installed: what is found once a process is found anew."""
    ExtensionManager.ENTRY_POINT_CACHE.clear()
    driver_class.cache_clear()
