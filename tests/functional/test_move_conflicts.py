"""Behaviour 42: placement answers 409 while owners change, and each path ends as it should.

Once is no more than another write in between: the owners are looked at again. For ever is a service
that is out of order: the move is taken back, or goes on when it is in order again.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from move_looks import attached, guests, held, holders, move_of

from cellrig import Cell, Rig, Server, Topology
from cellrig.compute.options import ComputeOptions
from cellrig.placement.errors import ConcurrentUpdate
from cellrig_faults import Fail, Passed, passage_fault
from cellrig_pytest.factory import RigFactory

Do = Callable[[Rig, Server], object]

TWO = Topology(cells=[Cell("cell1", 3)])
ONE = Topology(cells=[Cell("cell1", 1)], compute=ComputeOptions(allow_resize_to_same_host=True))
WRITES = ("placement.put_allocations", "placement.post_allocations", "placement.delete_allocations")


class Path(msgspec.Struct, frozen=True, eq=False):
    """A kind of move in which owners change.

    Args:
        move: makes it.
        statuses: that the server may have in the end.
        before, after: what is done before, and afterwards.
        topology: of the rig.
    """

    move: Do
    statuses: tuple[str, ...]
    before: Do = lambda _rig, _server: None
    after: Do = lambda _rig, _server: None
    topology: Topology = TWO


def ask(name: str, *arguments: object) -> Do:
    return lambda rig, server: getattr(rig.servers, name)(server, *arguments)


def die(rig: Rig, _server: Server) -> None:
    rig.crash("cell1-host1")
    rig.services.force_down("cell1-host1")


def come_back(rig: Rig, _server: Server) -> None:
    rig.services.force_down("cell1-host1", False)
    rig.restart("cell1-host1")


MIGRATE, RESIZE = ask("migrate"), ask("resize", "2")
PATHS = {
    "migrate": Path(MIGRATE, ("VERIFY_RESIZE", "ACTIVE")),
    "resize": Path(RESIZE, ("VERIFY_RESIZE", "ACTIVE")),
    "resize in place": Path(RESIZE, ("VERIFY_RESIZE", "ACTIVE"), topology=ONE),
    "confirm": Path(ask("confirm_resize"), ("ACTIVE",), before=MIGRATE),
    "confirm in place": Path(ask("confirm_resize"), ("ACTIVE",), before=RESIZE, topology=ONE),
    "revert": Path(ask("revert_resize"), ("ACTIVE",), before=MIGRATE),
    "revert in place": Path(ask("revert_resize"), ("ACTIVE",), before=RESIZE, topology=ONE),
    "live-migrate": Path(ask("live_migrate"), ("ACTIVE",)),
    "evacuate": Path(ask("evacuate"), ("ACTIVE", "ERROR"), before=die, after=come_back),
    "offload": Path(ask("shelve"), ("SHELVED_OFFLOADED", "SHELVED")),
    "unshelve": Path(ask("unshelve"), ("ACTIVE", "SHELVED_OFFLOADED"), before=ask("shelve")),
}


def prepared(rig: Rig, path: Path) -> Server:
    """A server where a path begins."""
    server = rig.servers.create(host="cell1-host1", volumes=[rig.volumes.create()])
    path.before(rig, server)
    return server


def writes_of(path: Path) -> list[Passed]:
    """The passages in which a path changes owners."""
    with Rig(path.topology) as rig:
        server = prepared(rig, path)
        passed = rig.faults.seams_passed(lambda: path.move(rig, server))
        path.after(rig, server)
    return [each for each in passed if each.seam in WRITES]


CASES = [
    pytest.param(name, write, id=f"{name}: {write}")
    for name, path in PATHS.items()
    for write in writes_of(path)
]


@pytest.mark.parametrize(("name", "write"), CASES)
def test_42_an_owner_that_changed_in_between_is_looked_at_again(
    rig_factory: RigFactory, name: str, write: Passed
) -> None:
    path = PATHS[name]
    rig = rig_factory(path.topology)
    server = prepared(rig, path)
    rig.faults.add(passage_fault(write, Fail(ConcurrentUpdate("a consumer", "1", 2))))
    path.move(rig, server)
    path.after(rig, server)
    check(rig, server, path)


@pytest.mark.parametrize(("name", "write"), CASES)
def test_42_placement_that_refuses_for_ever_leaves_the_server_whole(
    rig_factory: RigFactory, name: str, write: Passed
) -> None:
    path = PATHS[name]
    rig = rig_factory(path.topology)
    server = prepared(rig, path)
    rule = rig.faults.fail(
        write.seam,
        ConcurrentUpdate("a consumer", "1", 2),
        service=write.service,
        from_nth=write.nth,
    )
    path.move(rig, server)
    rig.advance(10)
    rule.clear()
    path.after(rig, server)
    rig.advance(1300)
    check(rig, server, path)


def check(rig: Rig, server: Server, path: Path) -> None:
    """The server is where it says it is, with what it holds, and moves again."""
    server = rig.servers.show(server)
    assert server.status in path.statuses
    assert server.task_state is None
    hosts = [server.host] if server.host else []
    assert guests(rig, server) == hosts
    assert list(held(rig, server)) == hosts
    assert {host for host, _status in attached(rig, server)} == {server.host}
    waits = server.status == "VERIFY_RESIZE"
    migration = move_of(rig, server) if rig.migrations.list(server=server) else None
    kept = migration is not None and bool(held(rig, migration))
    assert holders(rig) == len(hosts) + kept
    assert not kept or waits
    if waits:
        server = rig.servers.confirm_resize(server)
    if server.status in ("SHELVED", "SHELVED_OFFLOADED"):
        server = rig.servers.unshelve(server)
    if server.status == "ERROR":
        server = rig.servers.reset_state(server, "active")
        rig.servers.reboot(server, "HARD")
    assert rig.servers.stop(server).status == "SHUTOFF"
