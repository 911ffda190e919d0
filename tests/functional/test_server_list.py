"""Listing servers over cells, with some of the cells away."""

from __future__ import annotations

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.errors import CellBroken, CellDown, CellLate, CellrigError
from cellrig_pytest.factory import RigFactory

THREE_CELLS = Topology(cells=[Cell("cell1", 1), Cell("cell2", 1), Cell("cell3", 1)])


def boot_in_each_cell(rig: Rig) -> dict[str, str]:
    """A server in each cell, the oldest in cell1; its id by cell."""
    booted = {}
    for cell in ("cell1", "cell2", "cell3"):
        rig.advance(1)
        booted[cell] = rig.servers.create(host=f"{cell}-host1").id
    return booted


@pytest.mark.topology(THREE_CELLS)
def test_servers_of_all_cells_come_the_newest_first(rig: Rig) -> None:
    booted = boot_in_each_cell(rig)
    rig.flavors.create("giant", memory_mb=10**9)
    rig.advance(1)
    buried = rig.servers.create(flavor="giant")
    listed = rig.servers.list()
    assert [server.id for server in listed] == [
        buried.id,
        booted["cell3"],
        booted["cell2"],
        booted["cell1"],
    ]
    assert listed.missing == {}


@pytest.mark.topology(THREE_CELLS)
def test_1726301_a_cell_that_is_down_is_named_and_the_rest_is_listed(rig: Rig) -> None:
    booted = boot_in_each_cell(rig)
    rig.databases["cell2"].take_down("connection refused")
    listed = rig.servers.list()
    assert [server.id for server in listed] == [booted["cell3"], booted["cell1"]]
    assert list(listed.missing) == ["cell2"]
    assert isinstance(listed.missing["cell2"], CellDown)
    assert "connection refused" in str(listed.missing["cell2"])
    rig.databases["cell2"].bring_back()
    assert len(rig.servers.list()) == 3


@pytest.mark.topology(THREE_CELLS)
def test_a_cell_that_is_late_costs_its_timeout_and_its_rows_only(rig: Rig) -> None:
    booted = boot_in_each_cell(rig)
    rule = rig.faults.delay("db.cell1.list_servers", 500)
    before = rig.runtime.now()
    listed = rig.servers.list()
    assert [server.id for server in listed] == [booted["cell3"], booted["cell2"]]
    assert isinstance(listed.missing["cell1"], CellLate)
    assert rig.runtime.now() - before < 120
    rule.clear()


@pytest.mark.topology(THREE_CELLS)
@pytest.mark.parametrize("error", [CellrigError("torn page"), RuntimeError("torn page")])
def test_a_cell_that_is_broken_is_told_apart(rig: Rig, error: Exception) -> None:
    boot_in_each_cell(rig)
    rig.faults.fail("db.cell3.list_servers", error)
    listed = rig.servers.list()
    assert isinstance(listed.missing["cell3"], CellBroken)
    assert "torn page" in str(listed.missing["cell3"])
    assert len(listed) == 2


@pytest.mark.topology(THREE_CELLS)
def test_all_cells_down_is_an_empty_list_with_all_of_them_named(rig: Rig) -> None:
    boot_in_each_cell(rig)
    for cell in ("cell0", "cell1", "cell2", "cell3"):
        rig.databases[cell].take_down("fire")
    listed = rig.servers.list()
    assert len(listed) == 0
    assert sorted(listed.missing) == ["cell0", "cell1", "cell2", "cell3"]


@pytest.mark.topology(THREE_CELLS)
def test_showing_a_server_of_a_cell_that_is_down_says_so(rig: Rig) -> None:
    booted = boot_in_each_cell(rig)
    rig.databases["cell2"].take_down("fire")
    with pytest.raises(CellrigError, match="cell2.*fire"):
        rig.servers.show(booted["cell2"])
    assert rig.servers.show(booted["cell1"]).status == "ACTIVE"


@pytest.mark.topology(THREE_CELLS)
def test_a_cell_that_is_down_gets_no_servers_and_the_others_go_on(rig: Rig) -> None:
    rig.databases["cell2"].take_down("fire")
    servers = rig.servers.create(count=4)
    assert {server.status for server in servers} == {"ACTIVE"}
    assert {server.cell for server in servers} == {"cell1", "cell3"}


def test_a_user_lists_the_servers_of_the_own_project(rig: Rig) -> None:
    ann, bob = rig.as_user("ann", "blue").servers, rig.as_user("bob", "red").servers
    mine = ann.create(name="mine")
    bob.create(name="his")
    with rig.holding():
        building = ann.create(name="building")
        assert {server.id for server in ann.list()} == {mine.id, building.id}
    assert [server.name for server in bob.list()] == ["his"]
    assert len(rig.servers.list()) == 3


@pytest.mark.parametrize("seed", range(10))
def test_11_1548980_a_server_that_is_deleted_while_it_is_listed_spoils_no_list(
    rig_factory: RigFactory, seed: int
) -> None:
    rig: Rig = rig_factory(THREE_CELLS, seed=seed)
    servers = rig.servers.create(count=6)
    outcomes = rig.concurrently(
        *[lambda server=server: rig.servers.delete(server) for server in servers[:3]],
        *[lambda: list(rig.servers.list())] * 4,
    )
    for listed in outcomes[3:]:
        assert {server.id for server in servers[3:]} <= {server.id for server in listed}


@pytest.mark.parametrize("seed", range(10))
def test_a_server_on_its_way_into_a_cell_is_listed_exactly_once(
    rig_factory: RigFactory,
    seed: int,
) -> None:
    rig: Rig = rig_factory(THREE_CELLS, seed=seed)
    outcomes = rig.concurrently(
        lambda: rig.servers.create(count=3), *[lambda: list(rig.servers.list())] * 6
    )
    for listed in outcomes[1:]:
        ids = [server.id for server in listed]
        assert len(ids) == len(set(ids))
        assert len(ids) in (0, 3)
