"""Evacuations: a server of a dead host goes on elsewhere, and the host that returns finds that."""

from __future__ import annotations

import pytest
from move_looks import (
    TINY,
    attached,
    bootable,
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

from cellrig import Cell, Host, Rig, Server, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.errors import Conflict, Invalid, NotFound
from cellrig.model import MigrationStatus, PowerState
from cellrig_pytest.factory import RigFactory

TWO = Topology(cells=[Cell("cell1", 2)])
THREE = Topology(cells=[Cell("cell1", 3)])
SHARED = Topology(cells=[Cell("cell1", 2)], options={"shared_storage": True})
ZONES = Topology(cells=[Cell("cell1", 2)], zones={"east": ["cell1-host1"], "west": ["cell1-host2"]})

pytestmark = pytest.mark.topology(THREE)

#: Where an evacuation can be broken off, in the order in which it passes.
BEFORE = (
    "db.cell1.migration_create",
    "bus.scheduler.select_destinations",
    "placement.put_allocations",
    "bus.compute.evacuate_instance",
    "bus.conductor.migration_arrive",
)
AFTER = ("driver.spawn", "volume.attachment_complete", "volume.attachment_delete")


def create(rig: Rig, *, from_volume: bool = False, volumes: int = 0) -> Server:
    """A server on the first host."""
    devices = [bootable(rig)] if from_volume else []
    more = [rig.volumes.create() for _each in range(volumes)]
    return rig.servers.create(host="cell1-host1", block_devices=devices, volumes=more)


def die(rig: Rig, host: str = "cell1-host1") -> None:
    """Let a host be dead, and everybody know it."""
    rig.crash(host)
    rig.services.force_down(host)


def come_back(rig: Rig, host: str = "cell1-host1") -> None:
    """Let a dead host be back."""
    rig.services.force_down(host, False)
    rig.restart(host)


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
        assert attached(rig, server) == [
            ("cell1-host1", "attached"),
            ("cell1-host2", "attaching"),
        ]
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


# -- the source returns ----------------------------------------------------------------------------


@pytest.mark.parametrize("seam", BEFORE)
def test_38_a_source_that_returns_before_a_host_has_begun_keeps_the_server(
    rig: Rig, seam: str
) -> None:
    before = create(rig, volumes=1)
    die(rig)
    hold = rig.faults.hold(seam, from_nth=1)
    with rig.holding():
        rig.servers.evacuate(before)
        rig.settle()
        assert hold.reached
        come_back(rig)
        hold.release()
        rig.settle()
    server = rig.servers.show(before)
    assert is_as_before(rig, before)
    assert "host cell1-host1 is back" in told(server)
    assert move_of(rig, server).status in (MigrationStatus.CANCELLED, MigrationStatus.ERROR)
    assert guests(rig, server) == [server.host]
    assert held(rig, server) == {server.host: TINY}
    assert holders(rig) == 1
    assert attached(rig, server) == [(server.host, "attached")]


@pytest.mark.parametrize("fails", [False, True])
def test_38_1764883_a_source_that_returns_in_the_middle_stops_its_guest(
    rig: Rig, fails: bool
) -> None:
    server = create(rig, volumes=1)
    die(rig)
    hold = rig.faults.hold("driver.spawn", host="cell1-host2")
    if fails:
        rig.faults.fail("driver.spawn", HypervisorError("out of ink"), host="cell1-host2", times=1)
    with rig.holding():
        rig.servers.evacuate(server)
        rig.settle()
        come_back(rig)
        (left,) = rig.driver("cell1-host1").list_guests()
        assert left.power_state == PowerState.SHUTDOWN
        assert rig.servers.show(server).task_state == "rebuild_spawning"
        hold.release()
        rig.settle()
    server = rig.servers.show(server)
    if fails:
        assert (server.status, server.host) == ("ERROR", "cell1-host1")
        assert guests(rig, server) == ["cell1-host1"]
    else:
        assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
        assert guests(rig, server) == ["cell1-host2"]
    assert holders(rig) == 1
    assert attached(rig, server) == [(server.host, "attached")]


@pytest.mark.parametrize("seam", AFTER)
def test_40_a_source_that_is_back_for_long_does_not_end_an_evacuation_under_way(
    rig: Rig, seam: str
) -> None:
    server = create(rig, volumes=1)
    die(rig)
    hold = rig.faults.hold(seam, service="compute")
    with rig.holding():
        rig.servers.evacuate(server)
        rig.settle()
        assert hold.reached
        come_back(rig)
        rig.advance(1300)
        hold.release()
        rig.settle()
    server = rig.servers.show(server)
    assert (server.status, server.host, server.fault) == ("ACTIVE", "cell1-host2", None)
    assert guests(rig, server) == ["cell1-host2"]
    assert attached(rig, server) == [("cell1-host2", "attached")]


def test_38_the_source_cleans_up_what_was_evacuated_and_only_that(rig: Rig) -> None:
    servers = rig.servers.create(count=4, host="cell1-host1")
    die(rig)
    for server in servers[:2]:
        rig.servers.evacuate(server)
    come_back(rig)
    here = {info.uuid for info in rig.driver("cell1-host1").list_guests()}
    assert here == {server.id for server in servers[2:]}
    assert {rig.servers.show(server).status for server in servers} == {"ACTIVE"}
    assert holders(rig) == 4


def test_38_1794996_a_server_that_is_evacuated_and_then_deleted_does_not_keep_its_source_down(
    rig: Rig,
) -> None:
    server, other = create(rig, volumes=1), create(rig)
    die(rig)
    rig.servers.delete(rig.servers.evacuate(server))
    with pytest.raises(NotFound):
        rig.servers.show(server)
    come_back(rig)
    assert rig.services.is_up("cell1-host1")
    assert guests(rig, server) == []
    assert guests(rig, other) == ["cell1-host1"]
    assert [each.status for each in rig.migrations.list()] == [MigrationStatus.COMPLETED]
    assert fake(rig, "cell1-host1").volume_connections().volumes == ()


def test_38_a_server_that_goes_on_moving_is_cleaned_up_at_its_first_source(rig: Rig) -> None:
    server = create(rig)
    die(rig)
    server = rig.servers.evacuate(server, "cell1-host2")
    server = rig.servers.live_migrate(server, "cell1-host3")
    come_back(rig)
    assert guests(rig, server) == ["cell1-host3"]
    assert rig.servers.live_migrate(server, "cell1-host1").host == "cell1-host1"
    rig.restart("cell1-host1")
    assert guests(rig, server) == ["cell1-host1"]


def test_38_a_source_that_cannot_clean_up_starts_all_the_same(rig: Rig) -> None:
    server = create(rig)
    die(rig)
    server = rig.servers.evacuate(server)
    rig.faults.fail("driver.destroy", HypervisorError("busy"), host="cell1-host1", times=1)
    come_back(rig)
    assert rig.services.is_up("cell1-host1")
    rig.advance(2000)
    assert guests(rig, server) == ["cell1-host2"]
    assert move_of(rig, server).status == MigrationStatus.COMPLETED


@pytest.mark.parametrize(
    ("topology", "erases"),
    [
        (THREE, True),
        (SHARED, False),
        (
            Topology(
                cells=[
                    Cell(
                        "cell1",
                        [
                            Host("cell1-host1"),
                            Host("cell1-host2", options={"shared_storage": True}),
                        ],
                    )
                ]
            ),
            True,
        ),
    ],
    ids=["local", "shared", "shared by the other one only"],
)
def test_38_the_source_erases_disks_unless_they_are_those_of_the_destination(
    rig_factory: RigFactory, topology: Topology, erases: bool
) -> None:
    rig = rig_factory(topology)
    server = create(rig)
    die(rig)
    rig.servers.evacuate(server)
    asked = rig.faults.delay(
        "driver.destroy",
        0.001,
        host="cell1-host1",
        when=lambda passage: passage.arguments["destroy_disks"] is erases,
    )
    come_back(rig)
    assert asked.fired == 1
    assert guests(rig, server) == ["cell1-host2"]


@pytest.mark.topology(SHARED)
def test_39_an_evacuation_that_fails_on_shared_storage_erases_no_disk(rig: Rig) -> None:
    server = create(rig)
    die(rig)
    rig.faults.fail_after("driver.spawn", HypervisorError("out of ink"), times=1)
    kept = rig.faults.delay(
        "driver.destroy",
        0.001,
        host="cell1-host2",
        when=lambda passage: passage.arguments["destroy_disks"] is False,
    )
    assert rig.servers.evacuate(server).status == "ERROR"
    assert kept.fired == 1
    come_back(rig)


# -- deleted on the way ----------------------------------------------------------------------------


@pytest.mark.parametrize("seam", [*BEFORE, *AFTER])
def test_31_1848343_a_server_that_is_deleted_on_the_way_leaves_nothing(rig: Rig, seam: str) -> None:
    server = create(rig, volumes=1)
    die(rig)
    hold = rig.faults.hold(seam, when=lambda passage: passage.process.service != "api")
    with rig.holding():
        rig.servers.evacuate(server)
        rig.settle()
        assert hold.reached
        rig.servers.delete(server)
        rig.settle()
        hold.release()
        rig.settle()
    with pytest.raises(NotFound):
        rig.servers.show(server)
    assert holders(rig) == 0
    assert attached(rig, server) == []
    come_back(rig)
    assert guests(rig, server) == []
    assert {volume.status for volume in rig.volumes.list()} <= {"available"}


# -- several at once -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_28_1735407_evacuations_at_once_keep_the_members_of_a_group_apart(
    rig_factory: RigFactory, seed: int
) -> None:
    rig = rig_factory(Topology(cells=[Cell("cell1", 4)]), seed=seed)
    group = rig.server_groups.create("apart", "anti-affinity")
    servers = [
        rig.servers.create(group=group.uuid, host=f"cell1-host{number}") for number in (1, 2)
    ]
    for host in ("cell1-host1", "cell1-host2"):
        die(rig, host)
    rig.concurrently(*(lambda each=each: rig.servers.evacuate(each) for each in servers))
    hosts = [rig.servers.show(server).host for server in servers]
    assert len(set(hosts)) == 2
    for host in ("cell1-host1", "cell1-host2"):
        come_back(rig, host)
    shown = [rig.servers.show(server) for server in servers]
    assert len({server.host for server in shown}) == 2


@pytest.mark.parametrize("seed", range(6))
def test_two_evacuations_of_one_server_cannot_run_at_once(
    rig_factory: RigFactory, seed: int
) -> None:
    rig = rig_factory(THREE, seed=seed)
    server = create(rig, volumes=1)
    die(rig)
    outcomes = rig.concurrently(*[lambda: rig.servers.evacuate(server)] * 2)
    refused = [each for each in outcomes if isinstance(each, Exception)]
    # The second may also have come when the first had ended.
    assert all(isinstance(each, Conflict | Invalid) for each in refused)
    assert len(rig.migrations.list(server=server)) == 1
    assert rig.servers.show(server).status == "ACTIVE"
    come_back(rig)
