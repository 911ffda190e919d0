"""Where a server's record is while it goes from one cell to another: always in one, seen once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from move_looks import kept, move_of, told

from cellrig import Cell, ComputeOptions, Rig, Server, Topology
from cellrig.db.instances import InstanceStore
from cellrig.db.mappings import MappingStore
from cellrig.db.migrations import MigrationStore
from cellrig.errors import ChangingCells, GroupPolicyViolated
from cellrig.hooks import hookimpl
from cellrig.model import MigrationStatus
from cellrig.seams import Passage

CELLS = Topology(
    cells=[Cell("cell1", 1), Cell("cell2", 2)],
    compute=ComputeOptions(allow_cross_cell_moves=True),
)
NAMES = ("cell1", "cell2")
#: Where the record is half here and half there.
SEAMS = (
    "db.cell1.transfer_depart",
    "db.cell2.transfer_receive",
    "db.api.mapping_instance_move",
    "db.cell2.transfer_show",
    "db.cell1.transfer_forget",
)

pytestmark = pytest.mark.topology(CELLS)

Do = Callable[[Rig, Server], object]


def ask(name: str) -> Do:
    return lambda rig, server: getattr(rig.servers, name)(server)


class Watch:
    """Looks after each seam for the server's record, past all seams."""

    def __init__(self, rig: Rig, server: Server) -> None:
        self._rig = rig
        self._uuid = server.id
        self._has_moved = False
        self.looks = 0
        self.cells: list[str] = []
        self.wrong: list[str] = []

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """See where the server is."""
        if not passage.seam.startswith("db."):
            return
        self.looks += 1
        databases, now = self._rig.databases, self._rig.runtime.now
        cell = str(MappingStore(databases["api"]).instance_get(self._uuid).cell)
        if cell not in self.cells[-1:]:
            self.cells.append(cell)
        known = InstanceStore(databases[cell], now).all_by_uuid([self._uuid])
        moves = MigrationStore(databases[cell], now).of_instance(self._uuid)
        seen = [
            name
            for name in NAMES
            for each in InstanceStore(databases[name], now).all_by_uuid([self._uuid])
            if not each.hidden
        ]
        changed = [name for name in seen if name != cell]
        leaving = [
            name for name in changed if InstanceStore(databases[name], now).get(self._uuid).leaving
        ]
        self._has_moved |= bool(moves)
        if not (known and bool(moves) == self._has_moved and seen and changed == leaving):
            self.wrong.append(f"{passage.seam}: by its mapping in {cell}, seen in {seen}")


@pytest.mark.parametrize("do", ["revert_resize", "confirm_resize"])
def test_at_each_moment_one_cell_has_the_server(rig: Rig, do: str) -> None:
    server = rig.servers.create(host="cell1-host1")
    watch = Watch(rig, server)
    rig.plugins.register(watch, name="watch")
    with rig.faults.record():
        rig.servers.migrate(server)
        getattr(rig.servers, do)(server)
    rig.plugins.unregister(watch)
    assert watch.wrong == []
    assert watch.looks > 50
    assert watch.cells == ["cell1", "cell2", "cell1"][: 3 if do == "revert_resize" else 2]


@pytest.mark.parametrize("seam", SEAMS)
def test_a_list_has_it_once_whatever_its_order_and_it_is_shown(rig: Rig, seam: str) -> None:
    server = rig.servers.create(host="cell1-host1", tags=["red"], name="moving")
    others = [rig.servers.create(host="cell2-host1", name=f"other{n}") for n in range(2)]
    hold = rig.faults.hold(seam)
    with rig.holding():
        rig.servers.migrate(server)
        rig.settle()
        assert hold.reached
    everybody = sorted([server.id, *(other.id for other in others)])
    for key in ("created_at", "host", "updated_at", "task_state", "display_name"):
        found = [each.id for each in rig.servers.list(sort_keys=[key], sort_dirs=["asc"])]
        assert sorted(found) == everybody, key
    assert [each.id for each in rig.servers.list(tags="red")] == [server.id]
    shown = rig.servers.show(server)
    assert (shown.status, shown.tags) == ("RESIZE", ("red",))
    assert [each.instance_uuid for each in rig.migrations.list()] == [server.id]
    assert len(rig.migrations.list(server=server)) == 1
    assert [each.action for each in rig.servers.actions(server)] == ["migrate", "create"]
    hold.release()
    rig.settle()
    assert rig.servers.show(server).status == "VERIFY_RESIZE"


@pytest.mark.parametrize(
    "change",
    [
        lambda rig, server: rig.servers.update(server, name="other"),
        lambda rig, server: rig.servers.update(server, metadata={"a": "b"}),
        lambda rig, server: rig.servers.update(server, tags=["t"]),
    ],
)
def test_who_changes_it_on_the_way_is_told_to_ask_again(rig: Rig, change: Do) -> None:
    server = rig.servers.create(host="cell1-host1")
    hold = rig.faults.hold("db.cell2.transfer_receive")
    with rig.holding():
        rig.servers.migrate(server)
        rig.settle()
    with pytest.raises(ChangingCells, match="ask again in a moment"):
        change(rig, server)
    hold.release()
    rig.settle()
    change(rig, server)
    assert rig.servers.show(server).status == "VERIFY_RESIZE"


@pytest.mark.parametrize("seam", SEAMS)
def test_who_deletes_it_on_the_way_waits_for_its_cell(rig: Rig, seam: str) -> None:
    server = rig.servers.create(host="cell1-host1")
    hold = rig.faults.hold(seam)
    with rig.holding():
        rig.servers.migrate(server)
        rig.settle()
        assert hold.reached
    rig.spawn(lambda: (rig.runtime.sleep(0.5), hold.release()), name="release")
    rig.servers.delete(server)
    rig.advance(130)
    assert not rig.servers.list()
    assert rig.placement.list_allocations() == ()
    assert kept(rig, "cell1-host1") == set()
    rig.audit()


# -- a cell that is down in the middle -------------------------------------------------------------


def test_a_cell_that_is_down_before_the_record_comes_keeps_the_server_at_home(rig: Rig) -> None:
    server = rig.servers.create(host="cell1-host1")
    rig.faults.take_down_at("db.cell2.transfer_receive", "cell2", times=1)
    server = rig.servers.migrate(server)
    assert (server.status, server.host, server.cell) == ("ACTIVE", "cell1-host1", "cell1")
    assert "cell2" in told(server)
    rig.faults.bring_back("cell2")
    rig.advance(130)
    assert rig.servers.migrate(server).cell == "cell2"


@pytest.mark.parametrize("seam", ["db.cell2.transfer_show", "db.cell1.transfer_forget"])
@pytest.mark.parametrize("cell", ["cell1", "cell2"])
def test_a_cell_that_is_down_when_the_record_has_come_is_waited_for(
    rig: Rig, seam: str, cell: str
) -> None:
    server = rig.servers.create(host="cell1-host1")
    rig.faults.take_down_at(seam, cell, times=1)
    with rig.holding():
        rig.servers.migrate(server)
        rig.advance(200)
    rig.faults.bring_back(cell)
    rig.advance(700)
    moved = rig.servers.show(server)
    assert moved.status in ("VERIFY_RESIZE", "ACTIVE"), moved
    assert moved.status == "VERIFY_RESIZE" or moved.fault is not None
    rig.audit()
    rig.servers.list()


def test_a_way_back_waits_for_a_cell_that_is_down(rig: Rig) -> None:
    server = rig.servers.migrate(rig.servers.create(host="cell1-host1"))
    rig.faults.take_down_at("db.cell1.transfer_receive", "cell1", times=1)
    reverted = rig.servers.revert_resize(server)
    assert (reverted.status, reverted.cell) == ("REVERT_RESIZE", "cell2")
    rig.faults.bring_back("cell1")
    rig.advance(700)
    back = rig.servers.show(server)
    assert (back.status, back.host, back.cell) == ("ACTIVE", "cell1-host1", "cell1")
    assert move_of(rig, server).status == MigrationStatus.REVERTED


def test_a_group_is_checked_again_when_the_record_comes(rig: Rig) -> None:
    group = rig.server_groups.create("apart", "anti-affinity")
    server = rig.servers.create(host="cell1-host1", group=group.uuid)
    refused = GroupPolicyViolated(server.id, "cell2-host1", "anti-affinity", group.uuid)
    rig.faults.fail("db.cell2.transfer_receive", refused)
    server = rig.servers.migrate(server)
    assert (server.status, server.host, server.cell) == ("ACTIVE", "cell1-host1", "cell1")
    assert "anti-affinity" in told(server)
