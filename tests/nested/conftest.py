"""What the tests of provider trees share: looking at a host's tree, and refitting a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cellrig import Cell, Host, Rig, Topology
from cellrig.driver.loading import driver_options, load_driver
from cellrig.placement.types import ProviderRecord
from cellrig_fake.driver import FakeDriver

Trees = Callable[[Rig, str], dict[str, ProviderRecord]]
Refit = Callable[..., None]
Clouds = Callable[..., Topology]
Writes = Callable[[Rig, Callable[[], object]], list[str]]


@pytest.fixture
def cloud() -> Clouds:
    """Make a topology of one cell with the hosts host1, host2, ..., each with its options."""

    def make(*options: Mapping[str, Any]) -> Topology:
        hosts = [Host(f"host{n}", options=each) for n, each in enumerate(options, start=1)]
        return Topology(cells=[Cell("cell1", hosts)])

    return make


@pytest.fixture
def tree() -> Trees:
    """Return the providers of a node by name."""

    def read(rig: Rig, node: str) -> dict[str, ProviderRecord]:
        (root,) = rig.placement.list_providers(name=node)
        return {record.name: record for record in rig.placement.get_provider_tree(root.uuid)}

    return read


@pytest.fixture
def refit() -> Refit:
    """Give a host other options, with its guests in place, and start its service again."""

    def change(rig: Rig, host: str, **options: Any) -> None:
        old = rig.driver(host)
        assert isinstance(old, FakeDriver)
        new = load_driver("fake", driver_options("fake", options), old.context)
        assert isinstance(new, FakeDriver)
        new.restore(old.checkpoint())
        rig.cloud.drivers[host] = new
        rig.restart(host)

    return change


@pytest.fixture
def writes() -> Writes:
    """Return what was written to placement while something was done."""

    def listen(rig: Rig, action: Callable[[], object]) -> list[str]:
        passed = rig.faults.seams_passed(action)
        written = ("placement.set_", "placement.create_", "placement.delete_", "placement.re")
        return [each.seam for each in passed if each.seam.startswith(written)]

    return listen
