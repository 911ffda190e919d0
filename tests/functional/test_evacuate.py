"""Evacuations: the way there, and what fails."""

from __future__ import annotations

import pytest
from evacuated_servers import THREE, TWO, come_back, create, die
from move_looks import (
    TINY,
    attached,
    fake,
    guests,
    held,
    history,
    holders,
    is_as_before,
    move_of,
    seams,
    told,
)

from cellrig import Cell, Host, Rig, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.errors import Invalid
from cellrig.model import MigrationStatus, PowerState
from cellrig_pytest.factory import RigFactory

pytestmark = pytest.mark.topology(THREE)


# -- there -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("volumes", [0, 2])
@pytest.mark.parametrize("from_volume", [False, True])
def test_39_a_server_of_a_dead_host_goes_on_elsewhere(
    rig: Rig, from_volume: bool, volumes: int
) -> None:
    before = create(rig, from_volume=from_volume, volumes=volumes)
    names = {disk.serial: disk.target for disk in rig.guest(before).disks}
    die(rig)
    server = rig.servers.evacuate(before)
    assert (server.status, server.host, server.task_state) == ("ACTIVE", "cell1-host2", None)
    assert {disk.serial: disk.target for disk in rig.guest(server).disks} == names
    assert list(held(rig, server)) == ["cell1-host2"]
    assert holders(rig) == 1
    assert attached(rig, server) == [("cell1-host2", "attached")] * len(rig.servers.volumes(server))
    assert history(move_of(rig, server)) == ["accepted", "pre-migrating", "migrating", "done"]
    come_back(rig)
    assert move_of(rig, server).status == MigrationStatus.COMPLETED
    assert guests(rig, server) == ["cell1-host2"]
    assert fake(rig, "cell1-host1").volume_connections().volumes == ()


def test_39_a_server_goes_to_the_host_that_is_named(rig: Rig) -> None:
    server = create(rig)
    die(rig)
    assert rig.servers.evacuate(server, "cell1-host3").host == "cell1-host3"
    come_back(rig)


def test_39_each_side_has_one_owner_while_the_server_is_built_again(rig: Rig) -> None:
    server = create(rig, volumes=1)
    die(rig)
    hold = rig.faults.hold("driver.spawn", host="cell1-host2")
    with rig.holding():
        rig.servers.evacuate(server)
        rig.settle()
        assert rig.servers.show(server).status == "REBUILD"
        assert held(rig, move_of(rig, server)) == {"cell1-host1": TINY}
        assert held(rig, server) == {"cell1-host2": TINY}
        assert attached(rig, server) == [("cell1-host1", "attached"), ("cell1-host2", "attaching")]
        hold.release()
        rig.settle()
    assert attached(rig, server) == [("cell1-host2", "attached")]
    come_back(rig)


def test_a_stopped_server_stays_stopped(rig: Rig) -> None:
    server = rig.servers.stop(create(rig, volumes=1))
    die(rig)
    server = rig.servers.evacuate(server)
    assert (server.status, server.power_state) == ("SHUTOFF", PowerState.SHUTDOWN)
    assert rig.guest(server).power_state == PowerState.SHUTDOWN
    come_back(rig)


def test_a_server_in_error_is_active_when_it_has_been_built_again(rig: Rig) -> None:
    server = rig.servers.reset_state(create(rig), "error")
    die(rig)
    assert rig.servers.evacuate(server).status == "ACTIVE"
    come_back(rig)


def test_a_server_is_in_the_zone_of_the_host_that_it_is_on(rig_factory: RigFactory) -> None:
    rig = rig_factory(Topology(cells=[Cell("cell1", 2)], zones={"west": ["cell1-host2"]}))
    server = create(rig)
    die(rig)
    assert rig.servers.evacuate(server).availability_zone == "west"
    come_back(rig)


@pytest.mark.topology(Topology(cells=[Cell("cell1", 2), Cell("cell2", 2)]))
def test_14_1823370_a_server_is_evacuated_within_its_cell(rig: Rig) -> None:
    servers = rig.servers.create(count=2, host="cell1-host1")
    die(rig)
    assert {rig.servers.evacuate(server).host for server in servers} == {"cell1-host2"}
    die(rig, "cell1-host2")
    server = rig.servers.evacuate(servers[0])
    assert server.host == "cell1-host2"
    assert "no valid host" in told(server)
    for host in ("cell1-host1", "cell1-host2"):
        come_back(rig, host)


# -- refused ---------------------------------------------------------------------------------------


def test_a_server_is_not_evacuated_from_a_host_that_is_up(rig: Rig) -> None:
    before = create(rig)
    with pytest.raises(Invalid, match="the compute service of host cell1-host1 is up"):
        rig.servers.evacuate(before)
    assert is_as_before(rig, before)
    assert list(rig.migrations.list()) == []


def test_a_host_is_dead_when_it_has_not_reported_for_a_minute(rig: Rig) -> None:
    before = create(rig)
    rig.crash("cell1-host1")
    with pytest.raises(Invalid, match="is up"):
        rig.servers.evacuate(before)
    rig.advance(90)
    assert rig.servers.evacuate(before).host == "cell1-host2"
    rig.restart("cell1-host1")


# -- what fails ------------------------------------------------------------------------------------


@pytest.mark.topology(TWO)
def test_38_1713783_an_evacuation_without_a_host_is_over_and_the_guest_stays(rig: Rig) -> None:
    before = create(rig, volumes=1)
    rig.services.disable("cell1-host2")
    die(rig)
    server = rig.servers.evacuate(before)
    assert is_as_before(rig, before)
    assert "no valid host" in told(server)
    assert move_of(rig, server).status == MigrationStatus.ERROR
    assert held(rig, server) == {"cell1-host1": TINY}
    come_back(rig)
    assert is_as_before(rig, before)
    assert guests(rig, server) == ["cell1-host1"]
    assert rig.guest(server).power_state == PowerState.RUNNING
    assert attached(rig, server) == [("cell1-host1", "attached")]


@pytest.mark.parametrize("seam", ["driver.spawn", "volume.attachment_update"])
@pytest.mark.parametrize("error", [HypervisorError("out of ink"), RuntimeError("a bug")])
def test_39_a_server_that_cannot_be_built_again_is_in_error_and_holds_its_source_only(
    rig: Rig, seam: str, error: Exception
) -> None:
    before = create(rig, volumes=2)
    mappings = rig.servers.volumes(before)
    die(rig)
    rig.faults.fail(seam, error, service="compute", times=1)
    server = rig.servers.evacuate(before)
    assert (server.status, server.host, server.task_state) == ("ERROR", "cell1-host1", None)
    assert str(error) in told(server)
    assert held(rig, server) == {"cell1-host1": TINY}
    assert holders(rig) == 1
    assert rig.servers.volumes(server) == mappings
    assert attached(rig, server) == [("cell1-host1", "attached")] * 2
    assert guests(rig, server) == ["cell1-host1"]
    assert fake(rig, "cell1-host2").volume_connections().volumes == ()
    server = rig.servers.evacuate(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    assert attached(rig, server) == [("cell1-host2", "attached")] * 2
    come_back(rig)


def test_39_a_failed_evacuation_leaves_the_volumes_to_the_source_that_returns(rig: Rig) -> None:
    server = create(rig, volumes=1)
    die(rig)
    rig.faults.fail("driver.spawn", HypervisorError("out of ink"), times=1)
    rig.servers.evacuate(server)
    come_back(rig)
    rig.advance(1300)
    server = rig.servers.reset_state(server, "active")
    assert rig.servers.reboot(server, "HARD").status == "ACTIVE"
    assert attached(rig, server) == [("cell1-host1", "attached")]


def test_27_1702454_a_host_that_is_named_and_fails_is_the_only_one_tried(rig: Rig) -> None:
    server = create(rig)
    die(rig)
    rig.faults.fail("driver.spawn", HypervisorError("out of ink"), times=1)
    server = rig.servers.evacuate(server, "cell1-host3")
    assert (server.status, server.host) == ("ERROR", "cell1-host1")
    assert len(seams(rig, "bus.compute.evacuate_instance")) == 1
    come_back(rig)


def test_27_1702454_a_host_that_is_named_is_judged_and_no_other(rig_factory: RigFactory) -> None:
    options = {"vcpus": 1, "cpu_allocation_ratio": 1}
    rig = rig_factory(Topology(cells=[Cell("cell1", 3)], options=options))
    before = create(rig)
    rig.servers.create(host="cell1-host3")
    die(rig)
    server = rig.servers.evacuate(before, "cell1-host3")
    assert is_as_before(rig, before)
    assert "no valid host" in told(server)
    come_back(rig)


def test_a_host_whose_driver_cannot_take_servers_in_says_so(rig_factory: RigFactory) -> None:
    hosts = [
        Host("cell1-host1"),
        Host("cell1-host2", options={"capabilities": {"evacuate": False}}),
    ]
    rig = rig_factory(Topology(cells=[Cell("cell1", hosts)]))
    before = create(rig)
    die(rig)
    server = rig.servers.evacuate(before)
    assert is_as_before(rig, before)
    assert "cannot take it in" in told(server)
    come_back(rig)
