"""The moves that policies bind, and the clouds of their tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cellrig import Cell, Host, Rig, SchedulerOptions, Server, Topology

Move = Callable[[Rig, Server], Server]


def cell(hosts: int, **options: Any) -> Topology:
    """Make a topology of one cell with the hosts host1, host2, ..."""
    named = [Host(f"host{n + 1}") for n in range(hosts)]
    return Topology(cells=[Cell("cell1", named)], **options)


def with_filter(name: str, **options: Any) -> SchedulerOptions:
    """Set the scheduler up with a filter that is off by default."""
    return SchedulerOptions(filters=("availability_zone", "compute", name), **options)


def told(server: Server) -> str:
    """The message of a server's fault."""
    assert server.fault is not None
    return server.fault.message


def die(rig: Rig, *hosts: str) -> None:
    """Let hosts be dead for everybody."""
    for host in hosts:
        rig.crash(host)
    rig.advance(70)


def resize(rig: Rig, server: Server) -> Server:
    if all(flavor.name != "bigger" for flavor in rig.flavors.list()):
        specs = server.flavor.extra_specs
        rig.flavors.create("bigger", vcpus=2, memory_mb=1024, root_gb=1, extra_specs=specs)
    return rig.servers.resize(server, "bigger")


def migrate(rig: Rig, server: Server) -> Server:
    return rig.servers.migrate(server)


def live(rig: Rig, server: Server) -> Server:
    return rig.servers.live_migrate(server)


def evacuate(rig: Rig, server: Server) -> Server:
    die(rig, str(server.host))
    return rig.servers.evacuate(server)


def unshelve(rig: Rig, server: Server) -> Server:
    source = str(server.host)
    rig.servers.shelve(server)
    rig.services.disable(source)
    return rig.servers.unshelve(server)


MOVES: dict[str, Move] = {
    "resize": resize,
    "migrate": migrate,
    "live": live,
    "evacuate": evacuate,
    "unshelve": unshelve,
}


each_move = pytest.mark.parametrize("kind", MOVES)


def end(rig: Rig, server: Server) -> Server:
    """Confirm what waits for it, and bring dead hosts back."""
    if server.status == "VERIFY_RESIZE":
        server = rig.servers.confirm_resize(server)
    for host in rig.host_names:
        if not rig.services.is_up(host):
            rig.restart(host)
    rig.advance(70)
    return rig.servers.show(server)
