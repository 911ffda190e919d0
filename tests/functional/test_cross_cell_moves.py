"""Cold migrations and resizes from one cell to another: the server's record goes with it."""

from __future__ import annotations

from typing import Any

import pytest
from move_looks import attached, bootable, guests, held, history, is_as_before, kept, move_of, told

from cellrig import Cell, ComputeOptions, Host, Rig, Server, Topology
from cellrig.cells import Cells
from cellrig.db import ApiDatabase
from cellrig.driver.errors import HypervisorError
from cellrig.errors import Conflict, Invalid
from cellrig.model import MigrationStatus
from cellrig_pytest import RigFactory

ALLOWED = ComputeOptions(allow_cross_cell_moves=True)
#: The server's own cell has no other host.
CELLS = Topology(cells=[Cell("cell1", 1), Cell("cell2", 2)], compute=ALLOWED)
#: Its own cell has one, which is small.
ROOMY = Topology(
    cells=[
        Cell("cell1", [Host("cell1-host1"), Host("cell1-host2", options={"memory_mb": 2048})]),
        Cell("cell2", 1),
    ],
    compute=ALLOWED,
)
SRIOV = {"sriov": [{"address": "0000:81:00.0", "physical_network": "public", "vfs": 2}]}

pytestmark = pytest.mark.topology(CELLS)


def at_home(rig: Rig, **asked: Any) -> Server:
    """A server in the first cell, on its first host."""
    server: Server = rig.servers.create(host="cell1-host1", **asked)
    return server


def api_side(rig: Rig) -> tuple[ApiDatabase, Cells]:
    """The API database and all cells."""
    return rig.cloud.api_side(rig.cloud.processes["api"])


def in_cells(rig: Rig, server: Server) -> list[str]:
    """The cells whose databases have anything of a server."""
    cells = api_side(rig)[1].with_hosts()
    return [name for name, cell in cells.items() if cell.transfers.find(server.id) is not None]


# -- where to --------------------------------------------------------------------------------------


@pytest.mark.topology(ROOMY)
def test_a_host_of_the_servers_own_cell_is_preferred(rig: Rig) -> None:
    server = rig.servers.migrate(at_home(rig))
    assert (server.status, server.host) == ("VERIFY_RESIZE", "cell1-host2")
    assert not move_of(rig, server).cross_cell


@pytest.mark.topology(ROOMY)
def test_what_its_own_cell_has_no_room_for_goes_to_another(rig: Rig) -> None:
    server = rig.servers.resize(at_home(rig), "m1.medium")
    assert (server.status, server.cell, server.host) == ("VERIFY_RESIZE", "cell2", "cell2-host1")
    assert move_of(rig, server).cross_cell


@pytest.mark.topology(ROOMY)
def test_an_administrator_names_a_host_of_another_cell(rig: Rig) -> None:
    server = rig.servers.migrate(at_home(rig), "cell2-host1")
    assert (server.status, server.host) == ("VERIFY_RESIZE", "cell2-host1")


@pytest.mark.topology(Topology(cells=CELLS.cells))
def test_14_a_host_of_another_cell_is_refused_where_that_is_not_allowed(rig: Rig) -> None:
    server = at_home(rig)
    with pytest.raises(Invalid, match="host cell2-host1 is in cell cell2"):
        rig.servers.migrate(server, "cell2-host1")
    assert "no valid host" in told(rig.servers.migrate(server))
    assert is_as_before(rig, server)


def test_14_1823370_running_and_lost_servers_stay_in_their_cell_all_the_same(rig: Rig) -> None:
    server = at_home(rig)
    with pytest.raises(Invalid, match="host cell2-host1 is in cell cell2"):
        rig.servers.live_migrate(server, "cell2-host1")
    assert "no valid host" in told(rig.servers.live_migrate(server))
    rig.crash("cell1-host1")
    rig.services.force_down("cell1-host1")
    with pytest.raises(Invalid, match="host cell2-host1 is in cell cell2"):
        rig.servers.evacuate(server, "cell2-host1")
    assert "no valid host" in told(rig.servers.evacuate(server))
    rig.services.force_down("cell1-host1", False)
    rig.restart("cell1-host1")
    assert rig.servers.show(server).host == "cell1-host1"


@pytest.mark.parametrize(
    ("host", "why"),
    [("cell1-host1", "is on host cell1-host1 already"), ("nowhere", "does not exist")],
)
def test_a_host_that_cannot_be_is_refused(rig: Rig, host: str, why: str) -> None:
    server = at_home(rig)
    with pytest.raises(Invalid, match=why):
        rig.servers.migrate(server, host)
    assert is_as_before(rig, server)


def test_a_host_of_another_cell_that_is_disabled_is_refused(rig: Rig) -> None:
    rig.services.disable("cell2-host1")
    with pytest.raises(Invalid, match="cell2-host1 is disabled"):
        rig.servers.migrate(at_home(rig), "cell2-host1")
    assert rig.servers.migrate(at_home(rig)).host == "cell2-host2"


def test_the_next_host_is_tried_where_the_first_cannot_take_it(rig_factory: RigFactory) -> None:
    hosts = [Host(f"cell2-host{n}") for n in (1, 2)]
    hosts[0] = Host("cell2-host1", options={"capabilities": {"cold_migration": False}})
    rig = rig_factory(Topology(cells=[Cell("cell1", 1), Cell("cell2", hosts)], compute=ALLOWED))
    server = rig.servers.migrate(at_home(rig))
    assert (server.status, server.host) == ("VERIFY_RESIZE", "cell2-host2")
    other = rig.servers.migrate(at_home(rig), "cell2-host1")
    assert (other.status, other.host) == ("ACTIVE", "cell1-host1")
    assert "the driver of host cell2-host1 cannot move it" in told(other)


# -- what goes with it -----------------------------------------------------------------------------


def test_all_of_its_record_goes_with_it_and_comes_back(rig: Rig) -> None:
    group = rig.server_groups.create("apart", "anti-affinity")
    server = at_home(rig, tags=("red", "blue"), metadata={"who": "me"}, group=group.uuid)
    volume = rig.volumes.create(size=1)
    rig.servers.attach_volume(server, volume)
    rig.faults.fail("driver.reboot", HypervisorError("out of ink"), times=1)
    rig.servers.reboot(server, "HARD")
    before = rig.servers.show(server)
    assert before.fault is not None
    actions = rig.servers.actions(server)

    def check(after: Server, cell: str) -> None:
        for name in ("name", "tags", "metadata", "hostname", "server_group", "created_at", "fault"):
            assert getattr(after, name) == getattr(before, name), name
        assert rig.servers.actions(server)[-len(actions) :] == actions
        assert [each.volume_id for each in rig.servers.volumes(server)] == [volume.id]
        assert attached(rig, after) == [(after.host, "attached")]
        assert (after.cell, in_cells(rig, after)) == (cell, [cell])
        assert guests(rig, after) == [after.host]
        assert api_side(rig)[0].mappings.count_of_project(after.project_id) == 1
        assert [each.id for each in rig.servers.list()] == [server.id]
        assert len(rig.migrations.list(server=server)) == 1
        assert [image.name for image in rig.images.list()] == ["cirros"]
        rig.audit()

    check(rig.servers.migrate(server), "cell2")
    check(rig.servers.revert_resize(server), "cell1")


def test_the_migration_owns_the_source_and_the_server_the_destination(rig: Rig) -> None:
    server = rig.servers.resize(at_home(rig), "m1.small")
    move = move_of(rig, server)
    assert list(held(rig, move)) == ["cell1-host1"]
    assert list(held(rig, server)) == [server.host]
    assert kept(rig, "cell1-host1") == {server.id}
    assert history(move) == ["accepted", "pre-migrating", "migrating", "post-migrating", "finished"]
    confirmed = rig.servers.confirm_resize(server)
    assert (confirmed.status, confirmed.flavor.name) == ("ACTIVE", "m1.small")
    assert held(rig, move_of(rig, server)) == {}
    assert kept(rig, "cell1-host1") == set()


def test_a_server_that_boots_from_a_volume_takes_no_image_along(rig: Rig) -> None:
    server = at_home(rig, block_devices=[bootable(rig)])
    with rig.faults.record() as passed:
        moved = rig.servers.migrate(server)
    assert moved.status == "VERIFY_RESIZE"
    assert not [each for each in passed if each.seam in ("driver.snapshot", "image.create")]
    assert attached(rig, moved) == [(moved.host, "attached")]


def test_a_server_that_is_off_stays_off(rig: Rig) -> None:
    server = at_home(rig)
    rig.servers.stop(server)
    rig.servers.migrate(server)
    assert rig.servers.confirm_resize(server).status == "SHUTOFF"


def test_a_virtual_function_is_given_back_and_another_one_taken(rig_factory: RigFactory) -> None:
    cells = [
        Cell("cell1", [Host("cell1-host1", options=SRIOV)]),
        Cell("cell2", [Host("cell2-host1", options=SRIOV)]),
    ]
    rig = rig_factory(Topology(cells=cells, compute=ALLOWED))
    specs = {"resources1:SRIOV_NET_VF": "1"}
    rig.flavors.create("vf", vcpus=1, memory_mb=512, root_gb=1, extra_specs=specs)
    server = rig.servers.migrate(at_home(rig, flavor="vf"))
    assert (server.status, server.host) == ("VERIFY_RESIZE", "cell2-host1")
    assert len(rig.guest(server).devices) == 1
    assert rig.servers.revert_resize(server).host == "cell1-host1"
    assert len(rig.guest(server).devices) == 1


def test_a_member_of_a_group_keeps_its_place_where_it_may_come_back_to(rig: Rig) -> None:
    group = rig.server_groups.create("apart", "anti-affinity")
    server = rig.servers.migrate(at_home(rig, group=group.uuid), "cell2-host1")
    assert server.status == "VERIFY_RESIZE"
    other = rig.servers.create(group=group.uuid)
    assert (other.status, other.host) == ("ACTIVE", "cell2-host2")
    third = rig.servers.create(group=group.uuid)
    assert third.status == "ERROR"


def test_36_1729371_upkeep_spares_what_a_server_on_its_way_from_another_cell_holds(
    rig: Rig,
) -> None:
    hold = rig.faults.hold("driver.snapshot")
    server = at_home(rig)
    with rig.holding():
        rig.servers.migrate(server)
    rig.advance(130)
    assert list(held(rig, server)) == ["cell2-host1"] or list(held(rig, server)) == ["cell2-host2"]
    hold.release()
    rig.advance(130)
    assert rig.servers.show(server).status == "VERIFY_RESIZE"
    rig.audit()


# -- how it ends -----------------------------------------------------------------------------------


def test_it_is_confirmed_by_itself_after_a_time(rig_factory: RigFactory) -> None:
    window = ComputeOptions(allow_cross_cell_moves=True, resize_confirm_window=600)
    rig = rig_factory(Topology(cells=CELLS.cells, compute=window))
    server = rig.servers.migrate(at_home(rig))
    rig.advance(500)
    assert rig.servers.show(server).status == "VERIFY_RESIZE"
    rig.advance(200)
    assert rig.servers.show(server).status == "ACTIVE"
    assert kept(rig, "cell1-host1") == set()


def test_a_destination_that_fails_sends_it_back_with_the_reason(rig: Rig) -> None:
    server = at_home(rig)
    rig.faults.fail("driver.spawn", HypervisorError("out of ink"), times=1)
    server = rig.servers.resize(server, "m1.small")
    assert (server.status, server.host, server.cell) == ("ACTIVE", "cell1-host1", "cell1")
    assert (server.flavor.name, in_cells(rig, server)) == ("m1.tiny", ["cell1"])
    assert "out of ink" in told(server)
    assert move_of(rig, server).status == MigrationStatus.ERROR
    assert rig.servers.resize(server, "m1.small").status == "VERIFY_RESIZE"


def test_a_source_that_is_down_is_waited_for_by_who_confirms_and_refused_to_who_reverts(
    rig: Rig,
) -> None:
    server = rig.servers.migrate(at_home(rig))
    rig.crash("cell1-host1")
    rig.advance(120)
    with pytest.raises(Conflict, match="host cell1-host1 is down"):
        rig.servers.revert_resize(server)
    assert rig.servers.confirm_resize(server).status == "VERIFY_RESIZE"
    rig.restart("cell1-host1")
    rig.advance(120)
    assert rig.servers.show(server).status == "ACTIVE"
    assert kept(rig, "cell1-host1") == set()


@pytest.mark.parametrize("ask", ["migrate", "revert_resize", "confirm_resize"])
def test_a_server_that_is_deleted_afterwards_leaves_nothing_in_either_cell(
    rig: Rig, ask: str
) -> None:
    server = rig.servers.migrate(at_home(rig))
    if ask != "migrate":
        getattr(rig.servers, ask)(server)
    rig.servers.delete(server)
    assert not rig.servers.list()
    assert rig.placement.list_allocations() == ()
    assert kept(rig, "cell1-host1") == set()
    assert not guests(rig, server)
    assert len(in_cells(rig, server)) == 1  # as deleted


def test_a_server_that_is_deleted_while_its_destination_is_down_leaves_nothing(rig: Rig) -> None:
    server = rig.servers.migrate(at_home(rig))
    rig.crash(str(server.host))
    rig.advance(120)
    rig.servers.delete(server)
    rig.advance(120)
    assert rig.placement.list_allocations() == ()
    assert kept(rig, "cell1-host1") == set()
    rig.restart(str(server.host))
    assert not guests(rig, server)
