"""The ownership table: for each kind of move, who owns what after which seam.

A line tells the seam after which owners have changed, who passed it, and what there is from then
on: what the server and its migration hold (``s`` is the source, ``d`` the destination; the old or
the new size), and where its one volume has attachments (``-``: on no host). Every other seam that
the move passes changes none of it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace
from ownership import Sides, changes_of

from cellrig import Cell, Rig, Server, Topology
from cellrig.compute.options import ComputeOptions
from cellrig.driver.errors import HypervisorError
from cellrig_pytest.factory import RigFactory

Do = Callable[[Rig, Server], object]

TWO = Topology(cells=[Cell("cell1", 2)])
ONE = Topology(cells=[Cell("cell1", 1)], compute=ComputeOptions(allow_resize_to_same_host=True))
TIGHT = replace(ONE, options={"memory_mb": 2048, "ram_allocation_ratio": 1})
CELLS = Topology(
    cells=[Cell("cell1", 1), Cell("cell2", 1)],
    compute=ComputeOptions(allow_cross_cell_moves=True),
)
NEVER = Topology(cells=[Cell("cell1", 2)], compute=ComputeOptions(shelved_offload_time=-1))


class Kind(msgspec.Struct, frozen=True):
    """A kind of move.

    Args:
        move: makes it; its changes are recorded.
        before, after: what is done before and afterwards, and not recorded.
        new: the flavor that the server gets.
        topology: of the rig.
    """

    move: Do
    before: Do = lambda _rig, _server: None
    after: Do = lambda _rig, _server: None
    new: str = "m1.tiny"
    topology: Topology = TWO


def ask(name: str, *arguments: object) -> Do:
    return lambda rig, server: getattr(rig.servers, name)(server, *arguments)


def failing(seam: str, then: Do) -> Do:
    def do(rig: Rig, server: Server) -> object:
        rig.faults.fail(seam, HypervisorError("out of ink"), times=1)
        return then(rig, server)

    return do


def failing_always(seam: str, then: Do) -> Do:
    def do(rig: Rig, server: Server) -> object:
        rig.faults.fail(seam, HypervisorError("out of ink"))
        return then(rig, server)

    return do


def die(rig: Rig, _server: Server) -> None:
    rig.crash("cell1-host1")
    rig.services.force_down("cell1-host1")


def come_back(rig: Rig, _server: Server) -> None:
    rig.services.force_down("cell1-host1", False)
    rig.restart("cell1-host1")


def both(first: Do, second: Do) -> Do:
    return lambda rig, server: (first(rig, server), second(rig, server))


MIGRATE, RESIZE = ask("migrate"), ask("resize", "2")
KINDS: dict[str, Kind] = {
    "cold migrate": Kind(MIGRATE),
    "confirm": Kind(ask("confirm_resize"), before=MIGRATE),
    "revert": Kind(ask("revert_resize"), before=MIGRATE),
    "resize": Kind(RESIZE, new="m1.small"),
    "confirm a resize": Kind(ask("confirm_resize"), before=RESIZE, new="m1.small"),
    "revert a resize": Kind(ask("revert_resize"), before=RESIZE, new="m1.small"),
    "resize on the same host": Kind(RESIZE, new="m1.small", topology=ONE),
    "confirm on the same host": Kind(
        ask("confirm_resize"), before=RESIZE, new="m1.small", topology=ONE
    ),
    "revert on the same host": Kind(
        ask("revert_resize"), before=RESIZE, new="m1.small", topology=ONE
    ),
    "resize on a host with room for one": Kind(RESIZE, new="m1.small", topology=TIGHT),
    "confirm on a host with room for one": Kind(
        ask("confirm_resize"), before=RESIZE, new="m1.small", topology=TIGHT
    ),
    "revert on a host with room for one": Kind(
        ask("revert_resize"), before=RESIZE, new="m1.small", topology=TIGHT
    ),
    "a resize that its destination refuses": Kind(
        failing("bus.conductor.migration_arrive", RESIZE), new="m1.small"
    ),
    "a resize that fails at its source": Kind(
        failing("driver.migrate_disk_and_power_off", RESIZE), new="m1.small"
    ),
    "a resize that fails at its destination": Kind(
        failing("driver.finish_migration", RESIZE), new="m1.small"
    ),
    "a server that is deleted instead of confirmed": Kind(
        ask("delete"), before=RESIZE, new="m1.small"
    ),
    "live-migrate": Kind(ask("live_migrate")),
    "a live migration that is rolled back": Kind(
        failing("driver.live_migration", ask("live_migrate"))
    ),
    "a live migration that is not prepared": Kind(
        failing("driver.pre_live_migration", ask("live_migrate"))
    ),
    "a live migration that is refused": Kind(
        failing("driver.check_can_live_migrate_source", ask("live_migrate"))
    ),
    "evacuate": Kind(ask("evacuate"), before=die, after=come_back),
    "an evacuation that fails": Kind(
        failing("driver.spawn", ask("evacuate")), before=die, after=come_back
    ),
    "the source returns": Kind(come_back, before=both(die, ask("evacuate"))),
    "shelve": Kind(ask("shelve")),
    "shelve and stay": Kind(ask("shelve"), topology=NEVER),
    "offload": Kind(ask("shelve_offload"), before=ask("shelve"), topology=NEVER),
    "unshelve": Kind(ask("unshelve"), before=ask("shelve")),
    "unshelve where it is": Kind(ask("unshelve"), before=ask("shelve"), topology=NEVER),
    "an unshelving that fails": Kind(
        failing("driver.spawn", ask("unshelve")), before=ask("shelve")
    ),
    "resize to another cell": Kind(RESIZE, new="m1.small", topology=CELLS),
    "confirm in another cell": Kind(
        ask("confirm_resize"), before=RESIZE, new="m1.small", topology=CELLS
    ),
    "revert from another cell": Kind(
        ask("revert_resize"), before=RESIZE, new="m1.small", topology=CELLS
    ),
    "a move to another cell that its destination refuses": Kind(
        failing("bus.compute.prep_arrival", MIGRATE), topology=CELLS
    ),
    "a move to another cell that fails at its source": Kind(
        failing("driver.snapshot", MIGRATE), topology=CELLS
    ),
    "a move to another cell whose record cannot be written there": Kind(
        failing_always("db.cell2.transfer_receive", MIGRATE), topology=CELLS
    ),
    "a move to another cell that fails at its destination": Kind(
        failing("driver.spawn", MIGRATE), topology=CELLS
    ),
    "a server that is deleted in another cell instead of confirmed": Kind(
        ask("delete"), before=MIGRATE, topology=CELLS
    ),
}


_TEXT = """
[cold migrate]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.old, migration s.old; s attached
volume.attachment_create (source): server d.old, migration s.old; s attached, - reserved
volume.attachment_delete (source): server d.old, migration s.old; - reserved
volume.attachment_update (destination): server d.old, migration s.old; d attaching
volume.attachment_complete (destination): server d.old, migration s.old; d attached

[confirm]
placement.delete_allocations (source): server d.old; d attached

[revert]
volume.attachment_create (destination): server d.old, migration s.old; d attached, - reserved
volume.attachment_delete (destination): server d.old, migration s.old; - reserved
placement.post_allocations (destination): server s.old; - reserved
volume.attachment_update (source): server s.old; s attaching
volume.attachment_complete (source): server s.old; s attached

[resize]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.new, migration s.old; s attached
volume.attachment_create (source): server d.new, migration s.old; s attached, - reserved
volume.attachment_delete (source): server d.new, migration s.old; - reserved
volume.attachment_update (destination): server d.new, migration s.old; d attaching
volume.attachment_complete (destination): server d.new, migration s.old; d attached

[confirm a resize]
placement.delete_allocations (source): server d.new; d attached

[revert a resize]
volume.attachment_create (destination): server d.new, migration s.old; d attached, - reserved
volume.attachment_delete (destination): server d.new, migration s.old; - reserved
placement.post_allocations (destination): server s.old; - reserved
volume.attachment_update (source): server s.old; s attaching
volume.attachment_complete (source): server s.old; s attached

[resize on the same host]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server s.new, migration s.old; s attached
volume.attachment_create (source): server s.new, migration s.old; s attached, - reserved
volume.attachment_delete (source): server s.new, migration s.old; - reserved
volume.attachment_update (source): server s.new, migration s.old; s attaching
volume.attachment_complete (source): server s.new, migration s.old; s attached

[confirm on the same host]
placement.delete_allocations (source): server s.new; s attached

[revert on the same host]
volume.attachment_create (source): server s.new, migration s.old; s attached, - reserved
volume.attachment_delete (source): server s.new, migration s.old; - reserved
placement.post_allocations (source): server s.old; - reserved
volume.attachment_update (source): server s.old; s attaching
volume.attachment_complete (source): server s.old; s attached

[resize on a host with room for one]
placement.post_allocations (conductor): migration s.old; s attached
placement.post_allocations (conductor): server s.new; s attached
volume.attachment_create (source): server s.new; s attached, - reserved
volume.attachment_delete (source): server s.new; - reserved
volume.attachment_update (source): server s.new; s attaching
volume.attachment_complete (source): server s.new; s attached

[confirm on a host with room for one]

[revert on a host with room for one]
volume.attachment_create (source): server s.new; s attached, - reserved
volume.attachment_delete (source): server s.new; - reserved
placement.post_allocations (source): server s.old; - reserved
volume.attachment_update (source): server s.old; s attaching
volume.attachment_complete (source): server s.old; s attached

[a resize that its destination refuses]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.new, migration s.old; s attached
placement.delete_allocations (destination): migration s.old; s attached
placement.post_allocations (conductor of the cell): server s.old; s attached

[a resize that fails at its source]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.new, migration s.old; s attached
placement.post_allocations (source): server s.old; s attached

[a resize that fails at its destination]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.new, migration s.old; s attached
volume.attachment_create (source): server d.new, migration s.old; s attached, - reserved
volume.attachment_delete (source): server d.new, migration s.old; - reserved
volume.attachment_update (destination): server d.new, migration s.old; d attaching
volume.attachment_create (destination): server d.new, migration s.old; d attaching, - reserved
volume.attachment_delete (destination): server d.new, migration s.old; - reserved
placement.post_allocations (destination): server s.old; - reserved
volume.attachment_update (source): server s.old; s attaching
volume.attachment_complete (source): server s.old; s attached

[a server that is deleted instead of confirmed]
volume.attachment_delete (destination): server d.new, migration s.old; none
placement.delete_allocations (destination): server d.new; none
placement.delete_allocations (destination): nobody; none

[live-migrate]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.old, migration s.old; s attached
volume.attachment_create (destination): server d.old, migration s.old; s attached, - reserved
volume.attachment_update (destination): server d.old, migration s.old; s attached, d attaching
volume.attachment_delete (source): server d.old, migration s.old; d attaching
volume.attachment_complete (destination): server d.old, migration s.old; d attached
placement.delete_allocations (destination): server d.old; d attached

[a live migration that is rolled back]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.old, migration s.old; s attached
volume.attachment_create (destination): server d.old, migration s.old; s attached, - reserved
volume.attachment_update (destination): server d.old, migration s.old; s attached, d attaching
placement.post_allocations (source): server s.old; s attached, d attaching
volume.attachment_delete (destination): server s.old; s attached

[a live migration that is not prepared]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.old, migration s.old; s attached
volume.attachment_create (destination): server d.old, migration s.old; s attached, - reserved
volume.attachment_update (destination): server d.old, migration s.old; s attached, d attaching
placement.post_allocations (source): server s.old; s attached, d attaching
volume.attachment_delete (destination): server s.old; s attached

[a live migration that is refused]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.old, migration s.old; s attached
placement.delete_allocations (conductor): migration s.old; s attached
placement.post_allocations (conductor): server s.old; s attached

[evacuate]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.old, migration s.old; s attached
volume.attachment_create (destination): server d.old, migration s.old; s attached, - reserved
volume.attachment_update (destination): server d.old, migration s.old; s attached, d attaching
volume.attachment_complete (destination): server d.old, migration s.old; s attached, d attached
volume.attachment_delete (destination): server d.old, migration s.old; d attached
placement.delete_allocations (destination): server d.old; d attached

[an evacuation that fails]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.old, migration s.old; s attached
volume.attachment_create (destination): server d.old, migration s.old; s attached, - reserved
volume.attachment_update (destination): server d.old, migration s.old; s attached, d attaching
volume.attachment_delete (destination): server d.old, migration s.old; s attached
placement.post_allocations (destination): server s.old; s attached

[the source returns]

[shelve]
volume.attachment_create (source): server s.old; s attached, - reserved
volume.attachment_delete (source): server s.old; - reserved
placement.delete_allocations (source): nobody; - reserved

[shelve and stay]

[offload]
volume.attachment_create (source): server s.old; s attached, - reserved
volume.attachment_delete (source): server s.old; - reserved
placement.delete_allocations (source): nobody; - reserved

[unshelve]
placement.put_allocations (scheduler): server s.old; - reserved
volume.attachment_update (source): server s.old; s attaching
volume.attachment_complete (source): server s.old; s attached

[unshelve where it is]

[an unshelving that fails]
placement.put_allocations (scheduler): server s.old; - reserved
volume.attachment_update (source): server s.old; s attaching
volume.attachment_create (source): server s.old; s attaching, - reserved
volume.attachment_delete (source): server s.old; - reserved
placement.delete_allocations (source): nobody; - reserved

[resize to another cell]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.new, migration s.old; s attached
volume.attachment_create (source): server d.new, migration s.old; s attached, - reserved
volume.attachment_delete (source): server d.new, migration s.old; - reserved
volume.attachment_update (destination): server d.new, migration s.old; d attaching
volume.attachment_complete (destination): server d.new, migration s.old; d attached

[confirm in another cell]
placement.delete_allocations (source): server d.new; d attached

[revert from another cell]
volume.attachment_create (destination): server d.new, migration s.old; d attached, - reserved
volume.attachment_delete (destination): server d.new, migration s.old; - reserved
placement.post_allocations (destination): server s.old; - reserved
volume.attachment_update (source): server s.old; s attaching
volume.attachment_complete (source): server s.old; s attached

[a move to another cell that its destination refuses]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.old, migration s.old; s attached
placement.delete_allocations (conductor): migration s.old; s attached
placement.post_allocations (conductor): server s.old; s attached

[a move to another cell that fails at its source]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.old, migration s.old; s attached
placement.post_allocations (source): server s.old; s attached

[a move to another cell whose record cannot be written there]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.old, migration s.old; s attached
volume.attachment_create (source): server d.old, migration s.old; s attached, - reserved
volume.attachment_delete (source): server d.old, migration s.old; - reserved
placement.post_allocations (conductor): server s.old; - reserved
volume.attachment_update (source): server s.old; s attaching
volume.attachment_complete (source): server s.old; s attached

[a move to another cell that fails at its destination]
placement.post_allocations (conductor): migration s.old; s attached
placement.put_allocations (scheduler): server d.old, migration s.old; s attached
volume.attachment_create (source): server d.old, migration s.old; s attached, - reserved
volume.attachment_delete (source): server d.old, migration s.old; - reserved
volume.attachment_update (destination): server d.old, migration s.old; d attaching
volume.attachment_create (destination): server d.old, migration s.old; d attaching, - reserved
volume.attachment_delete (destination): server d.old, migration s.old; - reserved
placement.post_allocations (destination): server s.old; - reserved
volume.attachment_update (source): server s.old; s attaching
volume.attachment_complete (source): server s.old; s attached

[a server that is deleted in another cell instead of confirmed]
placement.delete_allocations (source): server d.old; d attached
volume.attachment_delete (destination): server d.old; none
placement.delete_allocations (destination): nobody; none
"""


def _table() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for part in _TEXT.strip().split("\n\n"):
        name, *changes = part.splitlines()
        table[name.strip("[]")] = tuple(changes)
    return table


TABLE = _table()


@pytest.mark.parametrize("name", KINDS)
def test_29_39_owners_change_as_the_table_says(rig_factory: RigFactory, name: str) -> None:
    kind = KINDS[name]
    rig = rig_factory(kind.topology)
    server = rig.servers.create(host="cell1-host1", volumes=[rig.volumes.create()])
    kind.before(rig, server)
    flavors = {flavor.name: flavor for flavor in rig.flavors.list()}
    destination = "cell2-host1" if kind.topology is CELLS else "cell1-host2"
    sides = Sides("cell1-host1", destination, flavors["m1.tiny"], flavors[kind.new])
    changes = changes_of(rig, server, sides, lambda: kind.move(rig, server))
    kind.after(rig, server)
    assert changes == TABLE[name]
