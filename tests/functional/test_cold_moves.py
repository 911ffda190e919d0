"""Cold migrations and resizes: the way there, what a user makes of it, and the way back."""

from __future__ import annotations

import pytest
from move_looks import (
    SMALL,
    TINY,
    attached,
    bootable,
    fake,
    guests,
    held,
    history,
    holders,
    is_as_before,
    kept,
    move_of,
    seams,
    told,
    under_way,
)

from cellrig import Cell, Host, Rig, SchedulerOptions, Server, Topology
from cellrig.compute.options import ComputeOptions
from cellrig.driver.errors import HypervisorError, MigrationError
from cellrig.errors import Conflict, NotFound
from cellrig.model import Flavor, MigrationStatus, MigrationType, PowerState
from cellrig.topology import DEFAULT_FLAVORS
from cellrig_faults import Passed
from cellrig_pytest.factory import RigFactory

FLAVORS = (*DEFAULT_FLAVORS, Flavor("5", "diskless", vcpus=1, memory_mb=1024, root_gb=0))
TWO = Topology(cells=[Cell("cell1", 2)], flavors=FLAVORS)
THREE = Topology(cells=[Cell("cell1", 3)], flavors=FLAVORS)
FOUR = Topology(cells=[Cell("cell1", 4)], scheduler=SchedulerOptions(max_attempts=4))
SAME_HOST = Topology(
    cells=[Cell("cell1", 1)], compute=ComputeOptions(allow_resize_to_same_host=True)
)
WINDOW = Topology(cells=[Cell("cell1", 2)], compute=ComputeOptions(resize_confirm_window=100))
ZONES = Topology(cells=[Cell("cell1", 2)], zones={"east": ["cell1-host1"], "west": ["cell1-host2"]})

pytestmark = pytest.mark.topology(THREE)

#: Where a cold move can be broken off, in the order in which it passes.
PHASES = (
    "db.cell1.migration_create",
    "bus.scheduler.select_destinations",
    "placement.put_allocations",
    "bus.compute.prep_resize",
    "bus.compute.resize_instance",
    "driver.migrate_disk_and_power_off",
    "bus.compute.finish_resize",
    "driver.finish_migration",
)


def create(rig: Rig, *, from_volume: bool = False, volumes: int = 0) -> Server:
    """A server on the first host."""
    devices = [bootable(rig)] if from_volume else []
    more = [rig.volumes.create() for _each in range(volumes)]
    return rig.servers.create(host=rig.host_names[0], block_devices=devices, volumes=more)


def start(rig: Rig, kind: str, server: Server) -> Server:
    """Migrate a server, or resize it to m1.small."""
    return rig.servers.migrate(server) if kind == "migrate" else rig.servers.resize(server, "2")


def above_the_cell(passed: list[Passed]) -> list[str]:
    """The passages that a cell's services make into what belongs above the cell."""
    return [
        passage.seam
        for passage in passed
        if passage.service in ("compute", "conductor")
        and passage.cell is not None
        and passage.seam.startswith(("db.api.", "bus.scheduler.", "db.cell0."))
    ]


# -- there and confirmed, there and back -----------------------------------------------------------


@pytest.mark.parametrize(("kind", "size"), [("migrate", TINY), ("resize", SMALL)])
def test_29_one_consumer_a_side_until_the_move_is_confirmed(
    rig: Rig, kind: str, size: dict[str, int]
) -> None:
    server = start(rig, kind, create(rig))
    migration = move_of(rig, server)
    assert (server.status, server.host) == ("VERIFY_RESIZE", "cell1-host2")
    assert held(rig, migration) == {"cell1-host1": TINY}
    assert held(rig, server) == {"cell1-host2": size}
    assert (guests(rig, server), kept(rig, "cell1-host1")) == (["cell1-host2"], {server.id})
    server = rig.servers.confirm_resize(server)
    assert (server.status, server.host, server.task_state) == ("ACTIVE", "cell1-host2", None)
    assert (held(rig, migration), held(rig, server)) == ({}, {"cell1-host2": size})
    assert kept(rig, "cell1-host1") == set()
    assert rig.guest(server).power_state == PowerState.RUNNING


@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_29_one_consumer_a_side_until_the_move_is_reverted(rig: Rig, kind: str) -> None:
    before = create(rig, volumes=1)
    server = start(rig, kind, before)
    server = rig.servers.revert_resize(server)
    assert is_as_before(rig, before)
    assert held(rig, server) == {"cell1-host1": TINY}
    assert holders(rig) == 1
    assert (guests(rig, server), kept(rig, "cell1-host1")) == (["cell1-host1"], set())
    assert attached(rig, server) == [("cell1-host1", "attached")]
    assert rig.guest(server).memory_mb == 512


@pytest.mark.parametrize("end", ["confirm", "revert"])
@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_a_move_tells_its_type_its_hosts_its_sizes_and_the_statuses_it_had(
    rig: Rig, kind: str, end: str
) -> None:
    server = start(rig, kind, create(rig))
    rig.advance(5)
    (rig.servers.confirm_resize if end == "confirm" else rig.servers.revert_resize)(server)
    migration = move_of(rig, server)
    assert migration.type == {"migrate": "migration", "resize": "resize"}[kind]
    assert (migration.source_compute, migration.dest_compute) == ("cell1-host1", "cell1-host2")
    assert migration.old_flavor.name == "m1.tiny"
    assert migration.new_flavor.name == {"migrate": "m1.tiny", "resize": "m1.small"}[kind]
    ways = {"confirm": ["confirming", "confirmed"], "revert": ["reverting", "reverted"]}
    there = ["accepted", "pre-migrating", "migrating", "post-migrating", "finished"]
    assert history(migration) == there + ways[end]
    times = [when for _status, when in migration.history]
    assert times == sorted(times)
    assert times[-1] - times[0] >= 5
    assert migration.updated_at == times[-1]


@pytest.mark.parametrize("host", ["cell1-host2", "cell1-host3"])
def test_a_migration_goes_to_the_host_that_is_named(rig: Rig, host: str) -> None:
    assert rig.servers.migrate(create(rig), host).host == host


@pytest.mark.topology(SAME_HOST)
@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_29_a_resize_may_end_on_the_host_where_it_began(rig: Rig, end: str) -> None:
    before = create(rig, volumes=1)
    server = rig.servers.resize(before, "2")
    assert (server.status, server.host, told_or_none(server)) == (
        "VERIFY_RESIZE",
        "cell1-host1",
        None,
    )
    assert held(rig, server) == {"cell1-host1": SMALL}
    assert move_of(rig, server).in_place
    if end == "confirm":
        server = rig.servers.confirm_resize(server)
        assert (server.status, rig.guest(server).memory_mb) == ("ACTIVE", 2048)
    else:
        server = rig.servers.revert_resize(server)
        assert is_as_before(rig, before)
        assert rig.guest(server).memory_mb == 512
    assert holders(rig) == 1
    assert attached(rig, server) == [("cell1-host1", "attached")]


def told_or_none(server: Server) -> str | None:
    """What went wrong last, if anything."""
    return None if server.fault is None else server.fault.message


@pytest.mark.topology(
    Topology(
        cells=[Cell("cell1", 1)],
        compute=ComputeOptions(allow_resize_to_same_host=True),
        options={"memory_mb": 2048, "ram_allocation_ratio": 1},
    )
)
def test_30_1790204_a_resize_in_place_needs_room_for_the_larger_size_only(rig: Rig) -> None:
    before = create(rig)
    server = rig.servers.resize(before, "2")
    assert server.status == "VERIFY_RESIZE", told(server)
    rig.servers.revert_resize(server)
    assert is_as_before(rig, before)
    server = rig.servers.confirm_resize(rig.servers.resize(before, "2"))
    assert held(rig, server) == {"cell1-host1": SMALL}
    assert holders(rig) == 1


@pytest.mark.topology(TWO)
def test_a_resize_keeps_away_from_its_host_unless_the_cloud_allows_it(rig: Rig) -> None:
    assert rig.servers.resize(create(rig), "2").host == "cell1-host2"


@pytest.mark.topology(ZONES)
@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_a_server_is_in_the_zone_of_the_host_that_it_is_on(rig: Rig, end: str) -> None:
    server = create(rig)
    assert server.availability_zone == "east"
    server = rig.servers.migrate(server)
    assert (server.host, server.availability_zone) == ("cell1-host2", "west")
    if end == "confirm":
        assert rig.servers.confirm_resize(server).availability_zone == "west"
    else:
        assert rig.servers.revert_resize(server).availability_zone == "east"


# -- sizes -----------------------------------------------------------------------------------------


def test_a_resize_to_less_memory_takes_less(rig: Rig) -> None:
    server = rig.servers.create(flavor="2", host="cell1-host1")
    flavor = rig.flavors.create("leaner", vcpus=1, memory_mb=512, root_gb=20)
    server = rig.servers.confirm_resize(rig.servers.resize(server, flavor.id))
    assert held(rig, server) == {"cell1-host2": {**SMALL, "MEMORY_MB": 512}}
    assert rig.guest(server).memory_mb == 512


@pytest.mark.parametrize("flavor", ["1", "2", "diskless"])
def test_56_a_server_that_boots_from_a_volume_takes_any_root_disk(rig: Rig, flavor: str) -> None:
    server = rig.servers.create(flavor="3", host="cell1-host1", block_devices=[bootable(rig)])
    server = rig.servers.confirm_resize(rig.servers.resize(server, flavor))
    assert server.status == "ACTIVE"
    assert "DISK_GB" not in held(rig, server)["cell1-host2"]
    assert attached(rig, server) == [("cell1-host2", "attached")]


# -- what the server was ---------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["confirm", "revert"])
@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_a_stopped_server_stays_stopped(rig: Rig, kind: str, end: str) -> None:
    server = rig.servers.stop(create(rig, volumes=1))
    server = start(rig, kind, server)
    assert (server.status, server.power_state) == ("VERIFY_RESIZE", PowerState.SHUTDOWN)
    assert rig.guest(server).power_state == PowerState.SHUTDOWN
    server = (rig.servers.confirm_resize if end == "confirm" else rig.servers.revert_resize)(server)
    assert (server.status, server.power_state) == ("SHUTOFF", PowerState.SHUTDOWN)
    assert rig.guest(server).power_state == PowerState.SHUTDOWN
    assert rig.servers.start(server).status == "ACTIVE"


@pytest.mark.parametrize("end", ["confirm", "revert"])
@pytest.mark.parametrize("from_volume", [True, False])
def test_volumes_keep_their_device_names(rig: Rig, from_volume: bool, end: str) -> None:
    server = create(rig, from_volume=from_volume)
    volumes = [rig.volumes.create() for _each in range(3)]
    for volume, device in zip(volumes, ["/dev/sdd", "/dev/sdb", "/dev/sdf"], strict=True):
        rig.servers.attach_volume(server, volume, device=device)

    def names() -> dict[str | None, str]:
        return {disk.serial: disk.target for disk in rig.guest(server).disks}

    before = names()
    rig.servers.migrate(server)
    assert names() == before
    (rig.servers.confirm_resize if end == "confirm" else rig.servers.revert_resize)(server)
    assert names() == before
    host = {"confirm": "cell1-host2", "revert": "cell1-host1"}[end]
    assert set(attached(rig, server)) == {(host, "attached")}


def test_a_volume_that_is_attached_before_confirming_goes_back_with_the_server(rig: Rig) -> None:
    server, volume = rig.servers.migrate(create(rig)), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    server = rig.servers.revert_resize(server)
    assert server.status == "ACTIVE"
    assert attached(rig, server) == [("cell1-host1", "attached")]
    assert rig.guest(server).disk(serial=volume.id)


def test_a_volume_that_is_detached_before_reverting_stays_away(rig: Rig) -> None:
    server = rig.servers.migrate(create(rig, volumes=1))
    rig.servers.detach_volume(server, rig.volumes.list()[0])
    server = rig.servers.revert_resize(server)
    assert attached(rig, server) == []
    assert [disk.serial for disk in rig.guest(server).disks] == [None]


def test_a_moved_server_moves_again(rig: Rig) -> None:
    server = create(rig, volumes=1)
    for _each in range(3):
        server = rig.servers.confirm_resize(rig.servers.migrate(server))
        server = rig.servers.revert_resize(rig.servers.migrate(server))
    assert server.status == "ACTIVE"
    assert len(rig.migrations.list(server=server)) == 6
    assert holders(rig) == 1


# -- confirmed by itself ---------------------------------------------------------------------------


@pytest.mark.topology(WINDOW)
def test_a_resize_is_confirmed_when_its_time_is_over(rig: Rig) -> None:
    server = rig.servers.resize(create(rig), "2")
    rig.advance(90)
    assert rig.servers.show(server).status == "VERIFY_RESIZE"
    rig.advance(90)
    server = rig.servers.show(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    assert history(move_of(rig, server))[-2:] == ["confirming", "confirmed"]
    assert (holders(rig), kept(rig, "cell1-host1")) == (1, set())


@pytest.mark.topology(THREE)
def test_a_resize_waits_for_its_user_where_the_cloud_sets_no_time(rig: Rig) -> None:
    server = rig.servers.resize(create(rig), "2")
    rig.advance(7200)
    assert rig.servers.show(server).status == "VERIFY_RESIZE"


@pytest.mark.topology(WINDOW)
def test_a_resize_is_not_confirmed_by_itself_while_its_user_reverts_it(rig: Rig) -> None:
    before = create(rig)
    server = rig.servers.resize(before, "2")
    hold = rig.faults.hold("driver.destroy", host="cell1-host2")
    with rig.holding():
        rig.servers.revert_resize(server)
        rig.advance(300)
        hold.release()
        rig.settle()
    assert is_as_before(rig, before)


@pytest.mark.topology(WINDOW)
def test_a_resize_whose_source_is_down_is_confirmed_when_that_is_back(rig: Rig) -> None:
    server = rig.servers.resize(create(rig), "2")
    rig.crash("cell1-host1")
    rig.advance(300)
    rig.restart("cell1-host1")
    rig.settle()
    assert rig.servers.show(server).status == "ACTIVE"
    assert kept(rig, "cell1-host1") == set()


def test_a_user_confirms_a_move_whose_source_is_down_and_it_ends_when_that_is_back(
    rig: Rig,
) -> None:
    server = rig.servers.migrate(create(rig))
    rig.crash("cell1-host1")
    rig.servers.confirm_resize(server)
    rig.restart("cell1-host1")
    rig.settle()
    assert rig.servers.show(server).status == "ACTIVE"
    assert (holders(rig), kept(rig, "cell1-host1")) == (1, set())


@pytest.mark.parametrize("state", ["active", "error"])
def test_a_reset_state_lets_no_move_wait_for_its_user_for_ever(rig: Rig, state: str) -> None:
    server = rig.servers.migrate(create(rig))
    server = rig.servers.reset_state(server, state)
    assert (server.status, server.host) == (state.upper(), "cell1-host2")
    assert move_of(rig, server).status == MigrationStatus.CONFIRMED
    assert (holders(rig), kept(rig, "cell1-host1")) == (1, set())
    rig.servers.reset_state(server, "active")
    assert rig.servers.migrate(server).status == "VERIFY_RESIZE"


# -- alternates ------------------------------------------------------------------------------------


@pytest.mark.topology(FOUR)
@pytest.mark.parametrize("failures", [1, 2])
@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_16_a_failed_prep_resize_goes_on_to_the_next_of_the_list(
    rig: Rig, kind: str, failures: int
) -> None:
    server = create(rig, volumes=1)
    before = len(seams(rig, "bus.scheduler.select_destinations"))
    rig.faults.fail(
        "bus.conductor.migration_arrive", HypervisorError("no room here"), times=failures
    )
    server = start(rig, kind, server)
    assert (server.status, server.host) == ("VERIFY_RESIZE", f"cell1-host{failures + 2}")
    assert len(seams(rig, "bus.scheduler.select_destinations")) == before + 1
    assert held(rig, server).keys() == {server.host}
    assert held(rig, move_of(rig, server)).keys() == {"cell1-host1"}
    there = ["accepted", "pre-migrating"] * (failures + 1)
    assert history(move_of(rig, server))[: len(there)] == there


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_16_when_the_list_runs_out_the_server_is_in_error_and_no_tried_host_holds_anything(
    rig: Rig, kind: str
) -> None:
    server = create(rig, volumes=1)
    rig.faults.fail("bus.conductor.migration_arrive", HypervisorError("no room here"))
    server = start(rig, kind, server)
    assert (server.status, server.host, server.task_state) == ("ERROR", "cell1-host1", None)
    assert told(server).count("no room here") == 2
    assert held(rig, server) == {"cell1-host1": TINY}
    assert holders(rig) == 1
    assert move_of(rig, server).status == MigrationStatus.ERROR
    assert guests(rig, server) == ["cell1-host1"]
    assert attached(rig, server) == [("cell1-host1", "attached")]


@pytest.mark.topology(THREE)
def test_17_1837955_an_alternate_that_filled_up_is_passed_over(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(
        Topology(
            cells=[Cell("cell1", 4)],
            options={"vcpus": 1, "cpu_allocation_ratio": 1, "memory_mb": 4096, "disk_gb": 100},
        )
    )
    server = create(rig)
    hold = rig.faults.hold("bus.conductor.migration_arrive", times=1)
    rig.faults.fail("bus.conductor.migration_arrive", HypervisorError("no room here"), times=1)
    with rig.holding():
        rig.servers.migrate(server)
        rig.settle()
        filler = rig.servers.create(host="cell1-host3")
        rig.settle()
    assert rig.servers.show(filler).host == "cell1-host3"
    hold.release()
    rig.settle()
    server = rig.servers.show(server)
    assert (server.status, server.host) == ("VERIFY_RESIZE", "cell1-host4")


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_18_1741125_a_second_attempt_does_not_meet_the_way_back_of_the_first(
    rig: Rig, kind: str
) -> None:
    before = create(rig, volumes=1)
    rig.faults.fail("driver.finish_migration", MigrationError("x", "no"), times=1)
    server = start(rig, kind, before)
    assert server.status == "ACTIVE"
    assert "no" in told(server)
    assert is_as_before(rig, before)
    assert start(rig, kind, server).status == "VERIFY_RESIZE"


@pytest.mark.topology(THREE)
def test_20_1781286_the_next_host_is_tried_without_anything_above_the_cell(rig: Rig) -> None:
    server = create(rig, volumes=1)
    hold = rig.faults.hold("bus.conductor.migration_arrive", times=1)
    rig.faults.fail("bus.conductor.migration_arrive", HypervisorError("no"), times=1)
    with rig.holding():
        rig.servers.migrate(server)
        rig.settle()
        rig.crash("scheduler")
        rig.crash("conductor")
        rig.faults.take_down("api")
        with rig.faults.record() as passed:
            hold.release()
            rig.settle()
    rig.faults.bring_back("api")
    rig.restart("scheduler")
    rig.restart("conductor")
    server = rig.servers.show(server)
    assert (server.status, server.host) == ("VERIFY_RESIZE", "cell1-host3")
    assert above_the_cell(passed) == []
    rig.servers.confirm_resize(server)


@pytest.mark.topology(ZONES)
def test_20_1781286_the_zone_of_the_next_host_is_known_without_asking_above_the_cell(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(Topology(cells=[Cell("cell1", 3)], zones={"west": ["cell1-host3"]}))
    server = create(rig)
    rig.faults.fail("bus.conductor.migration_arrive", HypervisorError("no"), times=1)
    server = rig.servers.migrate(server)
    assert (server.host, server.availability_zone) == ("cell1-host3", "west")


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("policy", ["anti-affinity", "soft-anti-affinity"])
def test_21_1830747_a_server_of_a_group_is_handed_on(rig: Rig, policy: str) -> None:
    group = rig.server_groups.create("g", policy)
    server = rig.servers.create(group=group.uuid, host="cell1-host1")
    rig.faults.fail("bus.conductor.migration_arrive", HypervisorError("no"), times=1)
    server = rig.servers.migrate(server)
    assert (server.status, server.host) == ("VERIFY_RESIZE", "cell1-host3")


@pytest.mark.topology(THREE)
def test_22_1784353_the_first_host_leaves_the_volumes_to_the_second(rig: Rig) -> None:
    server = create(rig, from_volume=True, volumes=2)
    rig.faults.fail("bus.conductor.migration_arrive", HypervisorError("no"), times=1)
    server = rig.servers.migrate(server)
    assert server.host == "cell1-host3"
    assert attached(rig, server) == [("cell1-host3", "attached")] * 3


@pytest.mark.topology(THREE)
def test_23_1718512_a_host_that_failed_a_move_takes_the_server_later(rig: Rig) -> None:
    server = create(rig)
    rig.faults.fail("bus.conductor.migration_arrive", HypervisorError("no"), times=1)
    server = rig.servers.confirm_resize(rig.servers.migrate(server))
    assert server.host == "cell1-host3"
    assert rig.servers.live_migrate(server, "cell1-host2").host == "cell1-host2"


@pytest.mark.topology(TWO)
@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_24_1669054_a_resize_that_kept_away_from_a_host_forgets_it(rig: Rig, end: str) -> None:
    server = rig.servers.resize(create(rig), "2")
    server = (rig.servers.confirm_resize if end == "confirm" else rig.servers.revert_resize)(server)
    dead = str(server.host)
    rig.crash(dead)
    rig.services.force_down(dead)
    server = rig.servers.evacuate(server)
    assert server.status == "ACTIVE", told(server)
    assert server.host != dead
    rig.services.force_down(dead, False)
    rig.restart(dead)


@pytest.mark.topology(THREE)
def test_24_1718455_one_of_many_claims_for_itself_only(rig: Rig) -> None:
    servers = rig.servers.create(count=3, host="cell1-host1")
    moved = rig.servers.migrate(servers[1])
    assert held(rig, moved) == {moved.host: TINY}
    assert holders(rig) == 4


@pytest.mark.topology(THREE)
def test_25_1797580_a_named_target_binds_that_move_only(rig: Rig) -> None:
    server = rig.servers.confirm_resize(rig.servers.migrate(create(rig), "cell1-host3"))
    rig.services.disable("cell1-host3")
    server = rig.servers.live_migrate(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host1"), told_or_none(server)
    assert rig.servers.migrate(server).host == "cell1-host2"


@pytest.mark.topology(THREE)
def test_25_1815153_a_named_target_is_kept_to_although_another_is_better(rig: Rig) -> None:
    rig.servers.create(count=3, host="cell1-host3")
    assert rig.servers.migrate(create(rig), "cell1-host3").host == "cell1-host3"


@pytest.mark.topology(THREE)
def test_26_1845291_a_host_that_was_forced_at_boot_binds_no_move(rig: Rig) -> None:
    server = rig.servers.create(zone="nova:cell1-host1")
    rig.faults.fail("bus.conductor.migration_arrive", HypervisorError("no"), times=1)
    server = rig.servers.migrate(server)
    assert (server.status, server.host) == ("VERIFY_RESIZE", "cell1-host3")


@pytest.mark.topology(FOUR)
def test_27_a_target_that_is_named_and_fails_is_the_only_one_tried(rig: Rig) -> None:
    server = create(rig)
    rig.faults.fail("bus.conductor.migration_arrive", HypervisorError("no room here"), times=1)
    server = rig.servers.migrate(server, "cell1-host3")
    assert (server.status, server.host) == ("ERROR", "cell1-host1")
    assert "cell1-host3: the hypervisor refused: no room here" in told(server)
    assert len(seams(rig, "bus.compute.prep_resize")) == 1
    assert held(rig, server) == {"cell1-host1": TINY}
    assert holders(rig) == 1


@pytest.mark.topology(
    Topology(
        cells=[
            Cell(
                "cell1",
                [
                    Host("cell1-host1"),
                    Host("cell1-host2", options={"capabilities": {"cold_migration": False}}),
                    Host("cell1-host3"),
                ],
            )
        ]
    )
)
def test_a_host_whose_driver_cannot_move_servers_is_passed_over(rig: Rig) -> None:
    assert rig.servers.migrate(create(rig)).host == "cell1-host3"


# -- what fails on the way -------------------------------------------------------------------------


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("seam", ["driver.migrate_disk_and_power_off", "driver.finish_migration"])
@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_32_1825537_what_fails_on_a_host_brings_the_server_back(
    rig: Rig, kind: str, seam: str, stopped: bool
) -> None:
    before = create(rig, volumes=1)
    if stopped:
        before = rig.servers.stop(before)
    rig.faults.fail(seam, HypervisorError("out of ink"), times=1)
    server = start(rig, kind, before)
    assert is_as_before(rig, before)
    assert "out of ink" in told(server)
    assert move_of(rig, server).status == MigrationStatus.ERROR
    assert held(rig, server) == {"cell1-host1": TINY}
    assert holders(rig) == 1
    assert guests(rig, server) == ["cell1-host1"]
    assert attached(rig, server) == [("cell1-host1", "attached")]
    assert start(rig, kind, server).status == "VERIFY_RESIZE"


@pytest.mark.topology(SAME_HOST)
@pytest.mark.parametrize(
    "seam",
    [
        "bus.conductor.migration_arrive",
        "driver.migrate_disk_and_power_off",
        "driver.finish_migration",
    ],
)
def test_32_a_resize_in_place_that_fails_holds_the_old_size(rig: Rig, seam: str) -> None:
    before = create(rig, volumes=1)
    rig.faults.fail(seam, HypervisorError("out of ink"), times=1)
    server = rig.servers.resize(before, "2")
    assert "out of ink" in told(server)
    assert (server.host, server.flavor.name) == ("cell1-host1", "m1.tiny")
    assert held(rig, server) == {"cell1-host1": TINY}
    assert holders(rig) == 1
    assert rig.guest(server).memory_mb == 512


@pytest.mark.topology(THREE)
def test_32_a_server_that_cannot_even_go_back_is_in_error_where_it_was(rig: Rig) -> None:
    before = create(rig)
    rig.faults.fail("driver.finish_migration", HypervisorError("out of ink"), times=1)
    rig.faults.fail("driver.finish_revert_migration", HypervisorError("out of paper"))
    server = rig.servers.migrate(before)
    assert (server.status, server.host, server.task_state) == ("ERROR", "cell1-host1", None)
    assert "out of paper" in told(server)
    assert held(rig, server) == {"cell1-host1": TINY}
    assert holders(rig) == 1


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("error", [HypervisorError("out of ink"), RuntimeError("a bug")])
def test_33_1821594_a_confirmation_that_the_hypervisor_fails_frees_the_source_all_the_same(
    rig: Rig, error: Exception
) -> None:
    server = rig.servers.migrate(create(rig))
    rig.faults.fail("driver.confirm_migration", error, times=1)
    server = rig.servers.confirm_resize(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    assert move_of(rig, server).status == MigrationStatus.CONFIRMED
    assert holders(rig) == 1


@pytest.mark.topology(THREE)
def test_34_1741307_a_server_that_holds_nothing_is_not_moved_and_says_so(rig: Rig) -> None:
    before = create(rig)
    rig.placement.delete_allocations(before.id)
    server = rig.servers.migrate(before)
    assert is_as_before(rig, before)
    assert "holds nothing in placement" in told(server)
    rig.advance(120)
    assert held(rig, server) == {"cell1-host1": TINY}
    assert rig.servers.migrate(server).status == "VERIFY_RESIZE"


# -- deleted on the way ----------------------------------------------------------------------------


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("seam", PHASES)
@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_31_1848343_a_server_that_is_deleted_on_the_way_leaves_nothing(
    rig: Rig, kind: str, seam: str
) -> None:
    server = create(rig, volumes=1)
    hold = rig.faults.hold(seam)
    with rig.holding():
        start(rig, kind, server)
        rig.settle()
        assert hold.reached
        rig.servers.delete(server)
        rig.settle()
        hold.release()
        rig.settle()
    leaves_nothing(rig, server)


@pytest.mark.topology(THREE)
@pytest.mark.parametrize(
    "seam",
    ["bus.conductor.migration_update", "placement.put_allocations", "bus.compute.prep_resize"],
)
def test_31_1848343_a_server_that_is_deleted_between_two_hosts_leaves_nothing(
    rig: Rig, seam: str
) -> None:
    server = create(rig, volumes=1)
    rig.faults.fail("bus.conductor.migration_arrive", HypervisorError("no room here"), times=1)
    service = "compute" if seam.endswith("update") else "conductor"
    hold = rig.faults.hold(seam, service=service, cell="cell1")
    with rig.holding():
        rig.servers.migrate(server)
        rig.settle()
        assert hold.reached
        rig.servers.delete(server)
        rig.settle()
        hold.release()
        rig.settle()
    leaves_nothing(rig, server)


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_31_1848343_a_server_that_is_deleted_on_the_way_to_its_end_leaves_nothing(
    rig: Rig, end: str
) -> None:
    ways = {
        "confirm": (rig.servers.confirm_resize, "driver.confirm_migration"),
        "revert": (rig.servers.revert_resize, "driver.finish_revert_migration"),
    }
    ask, seam = ways[end]
    server = rig.servers.migrate(create(rig, volumes=1))
    hold = rig.faults.hold(seam)
    with rig.holding():
        ask(server)
        rig.settle()
        assert hold.reached
        rig.servers.delete(server)
        rig.settle()
        hold.release()
        rig.settle()
    leaves_nothing(rig, server)


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_31_a_server_that_is_deleted_instead_of_confirmed_leaves_nothing(
    rig: Rig, kind: str
) -> None:
    server = start(rig, kind, create(rig, volumes=1))
    rig.servers.delete(server)
    leaves_nothing(rig, server)


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("down", ["cell1-host1", "cell1-host2"])
def test_35_a_moved_server_is_deleted_although_one_of_its_hosts_is_down(
    rig: Rig, down: str
) -> None:
    server = rig.servers.migrate(create(rig, volumes=1))
    rig.crash(down)
    rig.services.force_down(down)
    rig.servers.delete(server)
    assert holders(rig) == 0
    rig.services.force_down(down, False)
    rig.restart(down)
    rig.advance(2000)
    leaves_nothing(rig, server)


def leaves_nothing(rig: Rig, server: Server) -> None:
    """No guest, nothing kept, nothing held, no attachment, no move under way, no record."""
    with pytest.raises(NotFound):
        rig.servers.show(server)
    assert holders(rig) == 0
    assert attached(rig, server) == []
    assert {volume.status for volume in rig.volumes.list()} <= {"available"}
    for host in rig.host_names:
        assert list(rig.driver(host).list_guests()) == []
        assert kept(rig, host) == set()
        assert fake(rig, host).volume_connections().volumes == ()
    assert under_way(rig, server) == []


# -- moves and the periodic work -------------------------------------------------------------------


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("seam", PHASES[4:])
def test_40_1879878_the_periodic_work_changes_no_owner_while_a_server_moves(
    rig: Rig, seam: str
) -> None:
    server = create(rig)
    hold = rig.faults.hold(seam)
    with rig.holding():
        rig.servers.migrate(server)
        rig.settle()
        migration = move_of(rig, server)
        before = held(rig, migration), held(rig, server)
        rig.advance(130)
        assert (held(rig, migration), held(rig, server)) == before
        assert before == ({"cell1-host1": TINY}, {"cell1-host2": TINY})
        hold.release()
        rig.settle()
    assert rig.servers.show(server).status == "VERIFY_RESIZE"


@pytest.mark.topology(THREE)
@pytest.mark.parametrize(
    ("end", "seam"),
    [
        ("confirm", "driver.confirm_migration"),
        ("confirm", "placement.delete_allocations"),
        ("revert", "driver.destroy"),
        ("revert", "placement.post_allocations"),
        ("revert", "driver.finish_revert_migration"),
    ],
)
def test_40_1879878_the_periodic_work_claims_nothing_twice_when_a_move_ends(
    rig: Rig, end: str, seam: str
) -> None:
    server = rig.servers.resize(create(rig), "2")
    hold = rig.faults.hold(seam, service="compute")
    with rig.holding():
        (rig.servers.confirm_resize if end == "confirm" else rig.servers.revert_resize)(server)
        rig.advance(130)
        assert hold.reached
        hold.release()
        rig.settle()
    server = rig.servers.show(server)
    rig.advance(130)
    assert held(rig, server) == {server.host: {"confirm": SMALL, "revert": TINY}[end]}
    assert holders(rig) == 1


@pytest.mark.topology(THREE)
def test_42_1818914_what_a_confirmed_move_freed_is_free_at_once(rig_factory: RigFactory) -> None:
    rig = rig_factory(
        Topology(cells=[Cell("cell1", 2)], options={"vcpus": 1, "cpu_allocation_ratio": 1})
    )
    server = rig.servers.migrate(create(rig))
    assert rig.servers.create().status == "ERROR"
    rig.servers.confirm_resize(server)
    assert rig.servers.create().host == "cell1-host1"


# -- one at a time ---------------------------------------------------------------------------------


@pytest.mark.topology(FOUR)
@pytest.mark.parametrize("second", ["migrate", "resize", "live-migrate", "shelve", "stop"])
@pytest.mark.parametrize("seed", range(6))
def test_two_moves_of_one_server_cannot_run_at_once(
    rig_factory: RigFactory, seed: int, second: str
) -> None:
    rig = rig_factory(FOUR, seed=seed)
    server = create(rig, volumes=1)
    others = {
        "migrate": lambda: rig.servers.migrate(server),
        "resize": lambda: rig.servers.resize(server, "2"),
        "live-migrate": lambda: rig.servers.live_migrate(server),
        "shelve": lambda: rig.servers.shelve(server),
        "stop": lambda: rig.servers.stop(server),
    }
    outcomes = rig.concurrently(lambda: rig.servers.migrate(server), others[second])
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert [type(each) for each in refused] in ([Conflict], [])
    assert refused or second in ("stop", "live-migrate")
    types = [each.type for each in rig.migrations.list(server=server)]
    assert len(types) <= 1 or types == [MigrationType.MIGRATION, MigrationType.LIVE_MIGRATION]
    assert len(guests(rig, server)) <= 1
    assert len(under_way(rig, server)) <= 1


@pytest.mark.topology(FOUR)
@pytest.mark.parametrize("seed", range(6))
def test_of_confirm_and_revert_at_once_only_one_gets_through(
    rig_factory: RigFactory, seed: int
) -> None:
    rig = rig_factory(FOUR, seed=seed)
    server = rig.servers.resize(create(rig, volumes=1), "2")
    outcomes = rig.concurrently(
        lambda: rig.servers.confirm_resize(server), lambda: rig.servers.revert_resize(server)
    )
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [Conflict]
    server = rig.servers.show(server)
    assert (server.status, server.task_state) == ("ACTIVE", None)
    assert holders(rig) == 1
