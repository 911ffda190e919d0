"""Migrations, instance actions and services of all cells: sorted, filtered, page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.errors import CellDown, Invalid, MarkerNotFound, NotFound
from cellrig.model import Migration, MigrationStatus, MigrationType

TWO_CELLS = Topology(cells=[Cell("cell1", 2), Cell("cell2", 2)])

pytestmark = pytest.mark.topology(TWO_CELLS)


def moved(rig: Rig) -> list[Migration]:
    """Moves in both cells, the newest first."""
    for _round in range(2):
        for cell in ("cell1", "cell2"):
            rig.advance(1)
            server = rig.servers.create(host=f"{cell}-host1")
            rig.servers.confirm_resize(rig.servers.migrate(server))
    listed = rig.migrations.list()
    assert len(listed) == 4
    assert list(listed) == sorted(listed, key=lambda m: (m.created_at, m.uuid), reverse=True)
    return list(listed)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_migrations_of_all_cells_are_paged(rig: Rig, size: int) -> None:
    everything = moved(rig)
    found: list[Migration] = []
    while page := rig.migrations.list(limit=size, marker=found[-1] if found else None):
        found += page
    assert found == everything


def test_migrations_are_filtered(rig: Rig) -> None:
    everything = moved(rig)
    newest = everything[0]
    listed = rig.migrations.list
    of_cell2 = [m for m in everything if m.source_compute.startswith("cell2")]
    assert listed(host="cell2-host1") == listed(host="cell2-host2") == of_cell2
    assert listed(server=newest.instance_uuid) == [newest]
    assert listed(status=MigrationStatus.CONFIRMED, type=MigrationType.MIGRATION) == everything
    assert listed(status=MigrationStatus.ERROR) == []
    assert listed(changes_since=newest.updated_at) == [newest]
    assert listed(changes_before=newest.updated_at - 0.5) == everything[1:]


def test_a_marker_that_no_cell_has_as_a_migration_is_refused(rig: Rig) -> None:
    everything = moved(rig)
    with pytest.raises(MarkerNotFound, match="'nothing'"):
        rig.migrations.list(marker="nothing")
    rig.databases["cell2"].take_down("fire")
    with pytest.raises(CellDown, match="fire"):
        rig.migrations.list(marker=next(m for m in everything if m.source_compute[4] == "2"))
    assert {m.source_compute for m in rig.migrations.list()} == {"cell1-host1"}


def test_actions_of_a_server_are_paged_by_request_id(rig: Rig) -> None:
    """Microversion 2.58."""
    server = rig.servers.create()
    for act in (rig.servers.stop, rig.servers.start, rig.servers.reboot):
        rig.advance(1)
        act(server)
    everything = rig.servers.actions(server)
    assert [a.action for a in everything] == ["reboot", "start", "stop", "create"]
    assert all(action.events for action in everything)
    found = list(rig.servers.actions(server, limit=1))
    while page := rig.servers.actions(server, limit=1, marker=found[-1].request_id):
        found += page
    assert found == list(everything)
    since = everything[1].start_time
    assert rig.servers.actions(server, changes_since=since) == everything[:2]
    assert rig.servers.actions(server, changes_before=since) == everything[1:]


@pytest.mark.parametrize("marker", ["req-of-nobody", "of another server"])
def test_a_marker_that_is_no_request_on_the_server_is_refused(rig: Rig, marker: str) -> None:
    server, other = rig.servers.create(), rig.servers.create()
    if marker == "of another server":
        marker = rig.servers.actions(other)[0].request_id
    with pytest.raises(MarkerNotFound):
        rig.servers.actions(server, marker=marker)


def test_actions_of_a_server_in_a_cell_that_is_down_are_an_error(rig: Rig) -> None:
    server = rig.servers.create()
    assert server.cell is not None
    rig.databases[server.cell].take_down("fire")
    with pytest.raises(CellDown, match="fire"):
        rig.servers.actions(server)
    with pytest.raises(NotFound):
        rig.servers.actions("nobody")


def test_actions_of_a_deleted_server_are_listed(rig: Rig) -> None:
    server = rig.servers.create()
    rig.servers.delete(server)
    assert [a.action for a in rig.servers.actions(server)] == ["delete", "create"]


def test_services_of_all_cells_come_by_host(rig: Rig) -> None:
    hosts = [service.host for service in rig.services.list()]
    assert hosts == ["cell1-host1", "cell1-host2", "cell2-host1", "cell2-host2"]
    rig.databases["cell1"].take_down("fire")
    assert [service.host for service in rig.services.list()] == hosts[2:]


@pytest.mark.parametrize(
    "listed",
    [lambda rig: rig.migrations.list(limit=-1), lambda rig: rig.servers.actions("x", limit=-1)],
)
def test_a_negative_limit_is_refused(rig: Rig, listed: Callable[[Rig], Sequence[object]]) -> None:
    with pytest.raises(Invalid, match="0 or more"):
        listed(rig)
