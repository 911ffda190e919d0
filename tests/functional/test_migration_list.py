"""The records of moves as administrators see them: over cells, filtered, one by one."""

from __future__ import annotations

import pytest
from move_looks import history, move_of

from cellrig import Cell, Rig, Server, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.errors import Forbidden, NotFound
from cellrig.model import MigrationStatus, MigrationType

CELLS = Topology(
    cells=[Cell("cell1", 3), Cell("cell2", 2)],
    options={"behaviours": [{"on": "live_migration", "does": "hold", "skip": 1}]},
)

pytestmark = pytest.mark.topology(CELLS)


def moves(rig: Rig) -> dict[str, Server]:
    """Servers of two cells, each with a move of another kind."""
    names = ("migrated", "resized", "live", "failed", "elsewhere")
    hosts = ("cell1-host1",) * 4 + ("cell2-host1",)
    servers = {
        name: rig.servers.create(name=name, host=host)
        for name, host in zip(names, hosts, strict=True)
    }
    rig.servers.confirm_resize(rig.servers.migrate(servers["migrated"]))
    rig.advance(10)
    rig.servers.resize(servers["resized"], "2")
    rig.advance(10)
    rig.servers.live_migrate(servers["live"], "cell1-host3")
    rig.advance(10)
    rig.faults.fail("driver.finish_migration", HypervisorError("no"), times=1)
    rig.servers.migrate(servers["failed"])
    rig.advance(10)
    rig.servers.migrate(servers["elsewhere"])
    return servers


def names(servers: dict[str, Server], migrations: object) -> list[str]:
    """The names of the servers of migrations, in their order."""
    by_id = {server.id: name for name, server in servers.items()}
    assert isinstance(migrations, list)
    return [by_id[each.instance_uuid] for each in migrations]


def test_all_cells_are_listed_the_newest_first(rig: Rig) -> None:
    servers = moves(rig)
    found = rig.migrations.list()
    assert names(servers, found) == ["elsewhere", "failed", "live", "resized", "migrated"]
    assert len({each.uuid for each in found}) == 5


def test_each_filter_and_all_of_them_together(rig: Rig) -> None:
    servers = moves(rig)

    def listed(**filters: object) -> list[str]:
        return names(servers, rig.migrations.list(**filters))  # type: ignore[arg-type]

    assert listed(server=servers["live"]) == ["live"]
    assert listed(server=servers["live"].id) == ["live"]
    assert listed(type=MigrationType.MIGRATION) == ["elsewhere", "failed", "migrated"]
    assert listed(type=MigrationType.RESIZE) == ["resized"]
    assert listed(type=MigrationType.EVACUATION) == []
    assert listed(status=MigrationStatus.FINISHED) == ["elsewhere", "resized"]
    assert listed(status=MigrationStatus.ERROR) == ["failed"]
    # From it or to it.
    to_host3 = [
        name for name in servers if move_of(rig, servers[name]).dest_compute == "cell1-host3"
    ]
    assert "live" in to_host3
    assert listed(host="cell1-host3") == to_host3[::-1]
    assert listed(host="cell2-host1") == ["elsewhere"]
    assert listed(host="cell2-host2") == ["elsewhere"]
    assert listed(host="cell1-host1") == ["failed", "live", "resized", "migrated"]
    assert listed(host="nowhere") == []
    together = listed(
        host="cell1-host1", status=MigrationStatus.FINISHED, type=MigrationType.RESIZE
    )
    assert together == ["resized"]
    assert listed(server=servers["live"], type=MigrationType.RESIZE) == []


@pytest.mark.parametrize("down", ["cell1", "cell2"])
def test_a_cell_that_is_down_costs_its_own_migrations_and_no_others(rig: Rig, down: str) -> None:
    servers = moves(rig)
    rig.faults.take_down(down)
    of_cell1 = ["failed", "live", "resized", "migrated"]
    left = {"cell1": ["elsewhere"], "cell2": of_cell1}[down]
    assert names(servers, rig.migrations.list()) == left
    rig.faults.bring_back(down)


def test_a_move_lists_once_although_it_was_read_from_several_cells(rig: Rig) -> None:
    servers = moves(rig)
    for _each in range(2):
        server = rig.servers.confirm_resize(servers["elsewhere"])
        rig.servers.migrate(server)
    found = rig.migrations.list(server=servers["elsewhere"])
    assert len(found) == len({each.uuid for each in found}) == 3
    assert [each.created_at for each in found] == sorted(
        (each.created_at for each in found), reverse=True
    )


def test_moves_of_a_deleted_server_stay_listed(rig: Rig) -> None:
    servers = moves(rig)
    rig.servers.delete(servers["migrated"])
    assert "migrated" in names(servers, rig.migrations.list(host="cell1-host1"))


def test_in_progress_are_live_migrations_that_are_not_over(rig: Rig) -> None:
    server = rig.servers.create(host="cell1-host1")
    server = rig.servers.live_migrate(server)
    assert rig.migrations.in_progress(server) == []
    rig.servers.confirm_resize(rig.servers.migrate(server, "cell1-host1"))
    with rig.holding():
        rig.servers.live_migrate(server, "cell1-host3")
        rig.settle()
        (found,) = rig.migrations.in_progress(server)
        assert (found.status, found.dest_compute) == (MigrationStatus.RUNNING, "cell1-host3")
        assert rig.migrations.show(server, found.id) == found
        rig.servers.abort_live_migration(server, found.id)
        rig.settle()
    assert rig.migrations.in_progress(server) == []
    assert rig.migrations.show(server, found.uuid).status == MigrationStatus.CANCELLED
    waiting = rig.servers.migrate(server)
    assert waiting.status == "VERIFY_RESIZE"
    assert rig.migrations.in_progress(server) == []


@pytest.mark.parametrize("by", ["number", "number in words", "uuid"])
def test_a_migration_is_ended_by_its_number_or_uuid(rig: Rig, by: str) -> None:
    server = rig.servers.live_migrate(rig.servers.create(host="cell1-host1"), "cell1-host2")
    rig.servers.confirm_resize(rig.servers.migrate(server, "cell1-host1"))
    with rig.holding():
        rig.servers.live_migrate(server, "cell1-host3")
        rig.settle()
        (found,) = rig.migrations.in_progress(server)
        ways: dict[str, int | str] = {
            "number": found.id,
            "number in words": str(found.id),
            "uuid": found.uuid,
        }
        rig.servers.abort_live_migration(server, ways[by])
        rig.settle()
    assert history(rig.migrations.show(server, ways[by]))[-1] == "cancelled"


def test_a_migration_is_shown_by_its_own_server_only(rig: Rig) -> None:
    servers = moves(rig)
    other = move_of(rig, servers["live"])
    for key in (other.id, other.uuid, 4711):
        with pytest.raises(NotFound, match=f"migration of server {servers['migrated'].id}"):
            rig.migrations.show(servers["migrated"], key)


def test_migrations_are_for_administrators(rig: Rig) -> None:
    user = rig.as_user("alice", "wonderland")
    server = user.servers.create()
    asks = (
        user.migrations.list,
        lambda: user.migrations.in_progress(server),
        lambda: user.migrations.show(server, 1),
    )
    for ask in asks:
        with pytest.raises(Forbidden, match="alice"):
            ask()
