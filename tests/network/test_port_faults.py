"""Whatever call to the network service fails, or is its caller's last: all ports end right."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.errors import CellrigError, MessagingTimeout, NotFound
from cellrig.model import Server
from cellrig.network.starting import NetworkTopology

#: Of so many passages one is tried; 1 for all.
ONE_IN = int(os.environ.get("CELLRIG_MOVE_CASES_ONE_IN", "9"))

_TOPOLOGY = Topology(
    cells=[Cell("cell1", 3)], networks=[NetworkTopology("private", subnets=["10.0.0.0/24"])]
)
_CALLS = ("network.allocate", "network.bind", "network.unbind", "network.release")

_STEPS: tuple[Callable[[Rig, Server], object], ...] = (
    lambda rig, server: rig.servers.migrate(server),
    lambda rig, server: rig.servers.revert_resize(server),
    lambda rig, server: rig.servers.live_migrate(server),
    lambda rig, server: rig.servers.shelve(server),
    lambda rig, server: rig.servers.unshelve(server),
    lambda rig, server: rig.servers.delete(server),
)


def _live(rig: Rig, errors: list[CellrigError]) -> None:
    """Let a server live its life, as far as it gets."""
    try:
        port = rig.networks.create_port(rig.networks.find("private"))
        server = rig.servers.create(networks=[rig.networks.find("private"), port])
    except CellrigError as error:
        errors.append(error)
        return
    for step in _STEPS:
        try:
            step(rig, server)
        except CellrigError as error:
            errors.append(error)


def _tidy(rig: Rig) -> None:
    """Let the services that died come back, and time pass; delete what is left."""
    for label, process in list(rig.cloud.processes.items()):
        if process.crashed and label != "api":
            rig.restart(label)
    rig.advance(800.0)
    for server in rig.servers.list().servers:
        try:
            rig.servers.delete(server)
        except NotFound:
            continue


@cache
def _passages() -> dict[str, int]:
    """Return how often a life passes each seam."""
    with Rig(_TOPOLOGY) as rig:
        with rig.faults.record() as passed:
            _live(rig, [])
        seams = [each.seam for each in passed]
    return {seam: seams.count(seam) for seam in _CALLS}


@pytest.mark.parametrize("way", ["fail", "fail_after", "crash_before", "crash_after"])
@pytest.mark.parametrize("seam", _CALLS)
def test_no_fault_leaves_a_port_behind(seam: str, way: str) -> None:
    passages = _passages()[seam]
    assert passages
    for nth in range(1, passages + 1, ONE_IN):
        with Rig(_TOPOLOGY) as rig:
            if way in ("fail", "fail_after"):
                error = MessagingTimeout("a call", "the network service", 60.0)
                rule = getattr(rig.faults, way)(seam, error, nth=nth)
            elif seam == "network.allocate":
                pytest.skip("the compute API does not die")
            else:
                rule = getattr(rig.faults, way)(seam, nth=nth, service="compute")
            _live(rig, [])
            _tidy(rig)
            assert rule.fired == 1
            assert [(each.device_id, each.host) for each in rig.networks.ports()] == [("", "")]
