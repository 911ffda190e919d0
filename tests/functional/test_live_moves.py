"""Live migrations: checks on both sides, two attachments a volume, and every way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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

from cellrig import Cell, Host, Rig, SchedulerOptions, Server, Topology
from cellrig.compute.options import ComputeOptions
from cellrig.db.migrations import MigrationStore
from cellrig.driver.errors import HypervisorError, MigrationPreCheckError
from cellrig.driver.values import Disk
from cellrig.errors import CellrigError, Invalid, MessagingTimeout, NotFound
from cellrig.model import Migration, MigrationStatus, PowerState
from cellrig.seams import Passage
from cellrig_pytest.factory import RigFactory

#: A copy that the test ends, and one that takes a minute.
HOLD = {"behaviours": [{"on": "live_migration", "does": "hold"}]}
SLOW = {"latencies": {"live_migration": 60}}
THREE = Topology(cells=[Cell("cell1", 3)])
SHARED = Topology(cells=[Cell("cell1", 2)], options={"shared_storage": True})
HELD = Topology(cells=[Cell("cell1", 3)], options=HOLD)
HELD_SHARED = Topology(cells=[Cell("cell1", 2)], options={**HOLD, "shared_storage": True})
ZONES = Topology(cells=[Cell("cell1", 2)], zones={"east": ["cell1-host1"], "west": ["cell1-host2"]})

pytestmark = pytest.mark.topology(THREE)


def create(rig: Rig, *, from_volume: bool = False, volumes: int = 0) -> Server:
    """A server on the first host."""
    devices = [bootable(rig)] if from_volume else []
    more = [rig.volumes.create() for _each in range(volumes)]
    return rig.servers.create(host=rig.host_names[0], block_devices=devices, volumes=more)


def ended(rig: Rig, server: Server) -> Migration:
    """Check that a server has arrived with all that it has, and return its move."""
    server = rig.servers.show(server)
    assert server.task_state is None
    assert guests(rig, server) == [server.host]
    assert held(rig, server) == {server.host: TINY} or server.boots_from_volume
    assert holders(rig) == len(list(rig.servers.list()))
    assert set(attached(rig, server)) <= {(server.host, "attached")}
    for host in rig.host_names:
        assert not fake(rig, host).hypervisor.state.incoming
    return move_of(rig, server)


# -- there -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_volume", [True, False])
def test_a_running_server_goes_to_another_host_with_its_volumes(
    rig: Rig, from_volume: bool
) -> None:
    server = create(rig, from_volume=from_volume, volumes=2)
    boots = fake(rig, "cell1-host1").hypervisor.domain(server.id).boots
    before = {disk.serial: disk.target for disk in rig.guest(server).disks}
    server = rig.servers.live_migrate(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    migration = ended(rig, server)
    assert history(migration) == [
        "accepted",
        "preparing",
        "running",
        "post-migrating",
        "completed",
    ]
    assert {disk.serial: disk.target for disk in rig.guest(server).disks} == before
    # It has not been booted again.
    assert fake(rig, "cell1-host2").hypervisor.domain(server.id).boots <= boots
    assert fake(rig, "cell1-host1").volume_connections().volumes == ()


@pytest.mark.topology(HELD)
def test_41_while_it_runs_each_side_has_one_owner_and_one_attachment(rig: Rig) -> None:
    server = create(rig, volumes=1)
    with rig.holding():
        rig.servers.live_migrate(server)
        rig.settle()
        server, migration = rig.servers.show(server), move_of(rig, server)
        assert (server.status, server.host) == ("MIGRATING", "cell1-host1")
        assert migration.status == MigrationStatus.RUNNING
        assert held(rig, migration) == {"cell1-host1": TINY}
        assert held(rig, server) == {"cell1-host2": TINY}
        assert attached(rig, server) == [
            ("cell1-host1", "attached"),
            ("cell1-host2", "attaching"),
        ]
        (mapping,) = rig.servers.volumes(server)
        assert list(migration.attachments) == [mapping.volume_id]
        assert mapping.attachment_id not in migration.attachments.values()
        rig.servers.force_complete_live_migration(server, migration.id)
        rig.settle()
    assert ended(rig, server).status == MigrationStatus.COMPLETED


def test_a_paused_server_stays_paused(rig: Rig) -> None:
    server = rig.servers.pause(create(rig, volumes=1))
    server = rig.servers.live_migrate(server)
    assert (server.status, server.host) == ("PAUSED", "cell1-host2")
    assert rig.guest(server).power_state == PowerState.PAUSED
    ended(rig, server)
    assert rig.servers.unpause(server).status == "ACTIVE"


@pytest.mark.topology(ZONES)
def test_a_server_is_in_the_zone_of_the_host_that_it_is_on(rig: Rig) -> None:
    server = rig.servers.live_migrate(create(rig))
    assert (server.host, server.availability_zone) == ("cell1-host2", "west")


@pytest.mark.parametrize("force", [False, True])
def test_a_server_goes_to_the_host_that_is_named(rig: Rig, force: bool) -> None:
    assert rig.servers.live_migrate(create(rig), "cell1-host3", force=force).host == "cell1-host3"


def test_41_force_goes_past_the_filters_and_not_past_placement(rig: Rig) -> None:
    server = create(rig)
    rig.services.disable("cell1-host3")
    assert rig.servers.live_migrate(server, "cell1-host3", force=True).host == "cell1-host3"
    assert held(rig, server) == {"cell1-host3": TINY}
    assert holders(rig) == 1


def test_41_force_does_not_overfill_a_host(rig_factory: RigFactory) -> None:
    options = {"vcpus": 1, "cpu_allocation_ratio": 1}
    rig = rig_factory(Topology(cells=[Cell("cell1", 2)], options=options))
    before = create(rig)
    rig.servers.create(host="cell1-host2")
    rig.servers.live_migrate(before, "cell1-host2", force=True)
    assert is_as_before(rig, before)
    assert move_of(rig, before).status == MigrationStatus.ERROR


# -- storage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topology", "asked", "block"),
    [
        (THREE, None, True),
        (THREE, True, True),
        (SHARED, None, False),
        (SHARED, False, False),
    ],
    ids=["auto, local", "block, local", "auto, shared", "no block, shared"],
)
def test_local_disks_are_copied_where_the_hosts_do_not_share_them(
    rig_factory: RigFactory, topology: Topology, asked: bool | None, block: bool
) -> None:
    rig = rig_factory(topology)
    server = rig.servers.live_migrate(create(rig), block_migration=asked)
    assert server.host == "cell1-host2", told(server)
    data = ended(rig, server).data
    assert data["block_migration"] is block
    assert data["shared_storage"] is (topology is SHARED)


@pytest.mark.parametrize(
    ("topology", "asked", "words"),
    [
        (THREE, False, "local disks are not on shared storage"),
        (SHARED, True, "block migration cannot be used with shared storage"),
    ],
    ids=["no block, local", "block, shared"],
)
def test_storage_that_does_not_fit_what_was_asked_is_refused_by_the_source(
    rig_factory: RigFactory, topology: Topology, asked: bool, words: str
) -> None:
    rig = rig_factory(topology)
    before = create(rig)
    server = rig.servers.live_migrate(before, block_migration=asked)
    assert is_as_before(rig, before)
    assert words in told(server)


def test_a_server_without_local_disks_needs_no_copy(rig: Rig) -> None:
    server = rig.servers.live_migrate(create(rig, from_volume=True))
    assert ended(rig, server).data["block_migration"] is False


# -- 53, 54: attachments ---------------------------------------------------------------------------


def test_54_a_volume_is_connected_there_before_and_let_go_here_after(rig: Rig) -> None:
    server = create(rig, volumes=1)
    (mapping,) = rig.servers.volumes(server)
    passed = [
        each.seam
        for each in rig.faults.seams_passed(lambda: rig.servers.live_migrate(server))
        if each.seam
        in (
            "volume.attachment_create",
            "volume.attachment_update",
            "driver.pre_live_migration",
            "driver.live_migration",
            "driver.post_live_migration_at_source",
            "volume.attachment_delete",
            "volume.attachment_complete",
        )
    ]
    assert passed == [
        "volume.attachment_create",
        "volume.attachment_update",
        "driver.pre_live_migration",
        "driver.live_migration",
        "driver.post_live_migration_at_source",
        "volume.attachment_delete",
        "volume.attachment_complete",
    ]
    (after,) = rig.servers.volumes(server)
    assert after.attachment_id != mapping.attachment_id
    assert after.attachment_id == move_of(rig, server).attachments[str(mapping.volume_id)]


@pytest.mark.parametrize(
    ("seam", "nth"),
    [
        ("volume.attachment_create", 1),
        ("volume.attachment_create", 2),
        ("driver.get_volume_connector", 1),
        ("driver.get_volume_connector", 2),
        ("volume.attachment_update", 1),
        ("volume.attachment_update", 2),
        ("driver.pre_live_migration", 1),
    ],
)
def test_53_1778206_a_preparation_that_fails_takes_back_what_it_made_and_nothing_else(
    rig: Rig, seam: str, nth: int
) -> None:
    before = create(rig, volumes=2)
    mappings = rig.servers.volumes(before)
    rig.faults.fail(
        seam, HypervisorError("no slot"), service="compute", host="cell1-host2", nth=nth
    )
    passed = rig.faults.seams_passed(lambda: rig.servers.live_migrate(before))
    deleted = [each.seam for each in passed if each.seam == "volume.attachment_delete"]
    assert is_as_before(rig, before)
    assert "no slot" in told(rig.servers.show(before))
    assert rig.servers.volumes(before) == mappings
    assert attached(rig, before) == [("cell1-host1", "attached")] * 2
    assert len(deleted) <= 2
    assert ended(rig, before).status == MigrationStatus.ERROR
    assert fake(rig, "cell1-host2").volume_connections().volumes == ()
    assert rig.servers.live_migrate(before).host == "cell1-host2"


def test_53_1899835_the_destination_is_disconnected_with_its_own_connection_info(rig: Rig) -> None:
    server = create(rig, volumes=1)
    rig.faults.fail("driver.live_migration", HypervisorError("no"), times=1)
    seam = "driver.rollback_live_migration_at_destination"
    given: list[Sequence[Disk]] = []

    def note(passage: Passage) -> bool:
        given.append(passage.arguments["disks"])
        return True

    rig.faults.delay(seam, 0.001, when=note)
    hold = rig.faults.hold(seam)
    with rig.holding():
        rig.servers.live_migrate(server)
        rig.settle()
        (there,) = [each for each in rig.volumes.attachments() if each.host == "cell1-host2"]
        hold.release()
        rig.settle()
    ((disk,),) = given[:1]
    assert disk.connection_info == there.connection_info
    assert attached(rig, server) == [("cell1-host1", "attached")]
    assert fake(rig, "cell1-host2").volume_connections().volumes == ()


@pytest.mark.parametrize("way", ["there", "back"])
def test_54_an_attachment_that_cannot_be_deleted_stops_neither_the_others_nor_the_move(
    rig: Rig, way: str
) -> None:
    server = create(rig, volumes=3)
    old = [str(mapping.attachment_id) for mapping in rig.servers.volumes(server)]
    if way == "back":
        rig.faults.fail("driver.live_migration", HypervisorError("no"), times=1)

    moves = MigrationStore(rig.databases["cell1"], rig.runtime.now)

    def is_second(passage: Passage) -> bool:
        made = [*moves.all()[-1].attachments.values()]
        return str(passage.arguments["attachment_id"]) == (old if way == "there" else made)[1]

    rule = rig.faults.fail("volume.attachment_delete", service="compute", when=is_second)
    server = rig.servers.live_migrate(server)
    host = {"there": "cell1-host2", "back": "cell1-host1"}[way]
    assert (server.status, server.host, server.task_state) == ("ACTIVE", host, None)
    stray = {"there": ("cell1-host1", "attached"), "back": ("cell1-host2", "attaching")}[way]
    assert sorted(attached(rig, server)) == sorted([(host, "attached")] * 3 + [stray])
    rule.clear()
    rig.advance(1300)
    assert attached(rig, server) == [(host, "attached")] * 3


# -- checks before anything is touched -------------------------------------------------------------


@pytest.mark.parametrize(
    "seam",
    [
        "driver.check_can_live_migrate_destination",
        "driver.check_can_live_migrate_source",
        "bus.compute.check_can_live_migrate_destination",
        "bus.compute.check_can_live_migrate_source",
    ],
)
@pytest.mark.parametrize("failures", [1, 2])
def test_41_after_a_failed_check_another_host_is_tried(rig: Rig, seam: str, failures: int) -> None:
    before = create(rig, volumes=1)
    rig.faults.fail(seam, MigrationPreCheckError(before.id, "does not fit"), times=failures)
    server = rig.servers.live_migrate(before)
    if failures == 1:
        assert (server.status, server.host) == ("ACTIVE", "cell1-host3")
    else:
        assert is_as_before(rig, before)
        assert told(server).count("does not fit") == 2
        assert move_of(rig, server).status == MigrationStatus.ERROR
    ended(rig, server)


@pytest.mark.topology(
    Topology(cells=[Cell("cell1", 6)], scheduler=SchedulerOptions(max_attempts=2))
)
def test_no_more_hosts_are_checked_than_may_be_tried(rig: Rig) -> None:
    before = create(rig)
    rig.faults.fail("driver.check_can_live_migrate_destination", HypervisorError("no"))
    rig.servers.live_migrate(before)
    assert len(seams(rig, "bus.compute.check_can_live_migrate_destination")) == 2
    assert is_as_before(rig, before)


@pytest.mark.parametrize("force", [False, True])
def test_27_a_target_that_is_named_and_refuses_is_the_only_one_tried(rig: Rig, force: bool) -> None:
    before = create(rig)
    rig.faults.fail("driver.check_can_live_migrate_destination", HypervisorError("too full"))
    server = rig.servers.live_migrate(before, "cell1-host3", force=force)
    assert is_as_before(rig, before)
    assert "cell1-host3: the hypervisor refused: too full" in told(server)
    assert len(seams(rig, "driver.check_can_live_migrate_destination")) == 1
    assert holders(rig) == 1


def test_41_2044235_a_check_that_is_not_answered_leaves_the_server_as_it_is(rig: Rig) -> None:
    before = create(rig)
    rig.faults.drop_reply("bus.compute.check_can_live_migrate_source")
    server = rig.servers.live_migrate(before)
    assert is_as_before(rig, before)
    assert server.vm_state == "active"
    assert move_of(rig, server).status == MigrationStatus.ERROR
    assert holders(rig) == 1


def test_41_a_source_that_does_not_tell_its_state_leaves_the_server_as_it_is(rig: Rig) -> None:
    before = create(rig)
    rig.faults.fail("bus.compute.get_host_state", MessagingTimeout("get_host_state", "x", 60))
    rig.servers.live_migrate(before)
    assert is_as_before(rig, before)
    assert holders(rig) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hypervisor_type": "other"}, "from fake to other"),
        ({"hypervisor_version": 1}, "is older"),
        ({"capabilities": {"live_migration": False}}, "does not support live migration"),
    ],
    ids=["type", "version", "capability"],
)
def test_a_destination_of_another_kind_is_refused(
    rig_factory: RigFactory, options: dict[str, object], words: str
) -> None:
    hosts = [Host("cell1-host1"), Host("cell1-host2", options=options)]
    rig = rig_factory(Topology(cells=[Cell("cell1", hosts)]))
    before = create(rig)
    server = rig.servers.live_migrate(before)
    assert is_as_before(rig, before)
    assert words in told(server)
    assert move_of(rig, server).status == MigrationStatus.ERROR


# -- what fails while it goes ----------------------------------------------------------------------


@pytest.mark.parametrize("from_volume", [True, False])
@pytest.mark.parametrize("error", [HypervisorError("out of ink"), RuntimeError("a bug")])
def test_41_a_copy_that_fails_is_rolled_back(rig: Rig, error: Exception, from_volume: bool) -> None:
    before = create(rig, from_volume=from_volume, volumes=1)
    rig.faults.fail("driver.live_migration", error, times=1)
    server = rig.servers.live_migrate(before)
    assert is_as_before(rig, before)
    assert str(error) in told(server)
    migration = ended(rig, server)
    assert history(migration) == ["accepted", "preparing", "running", "reverting", "error"]
    assert migration.attachments == {}
    assert rig.servers.live_migrate(server).host == "cell1-host2"


@pytest.mark.topology(
    Topology(
        cells=[Cell("cell1", 2)],
        options={"behaviours": [{"on": "live_migration", "does": "fail", "times": 1}]},
    )
)
def test_41_a_copy_that_the_hypervisor_gives_up_is_rolled_back(rig: Rig) -> None:
    before = create(rig, volumes=1)
    server = rig.servers.live_migrate(before)
    assert is_as_before(rig, before)
    assert "the fake driver was told to fail" in told(server)
    ended(rig, server)


@pytest.mark.topology(SHARED)
def test_41_a_rollback_on_shared_storage_erases_no_disk(rig: Rig) -> None:
    server = create(rig)
    rig.faults.fail("driver.live_migration", HypervisorError("no"), times=1)
    kept = rig.faults.delay(
        "driver.rollback_live_migration_at_destination",
        0.001,
        when=lambda passage: passage.arguments["destroy_disks"] is False,
    )
    rig.servers.live_migrate(server)
    assert kept.fired == 1


@pytest.mark.parametrize(
    "seam",
    [
        "driver.post_live_migration_at_source",
        "driver.post_live_migration_at_destination",
    ],
)
@pytest.mark.parametrize("error", [HypervisorError("out of ink"), RuntimeError("a bug")])
def test_a_guest_that_has_arrived_stays_whatever_the_hypervisors_say_then(
    rig: Rig, seam: str, error: Exception
) -> None:
    server = create(rig, volumes=1)
    rig.faults.fail(seam, error, times=1)
    server = rig.servers.live_migrate(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    assert move_of(rig, server).status == MigrationStatus.COMPLETED
    assert held(rig, server) == {"cell1-host2": TINY}


def test_a_driver_that_says_it_failed_although_the_guest_has_left_is_not_believed(
    rig: Rig,
) -> None:
    server = create(rig, volumes=1)
    rig.faults.fail_after("driver.live_migration", HypervisorError("connection lost"), times=1)
    server = rig.servers.live_migrate(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    ended(rig, server)


# -- progress, and what an administrator does ------------------------------------------------------


@pytest.mark.topology(Topology(cells=[Cell("cell1", 2)], options=SLOW))
def test_progress_is_told_while_it_runs(rig: Rig) -> None:
    server = create(rig)
    seen = []
    with rig.holding():
        rig.servers.live_migrate(server)
        for _each in range(5):
            rig.advance(15)
            seen.append(move_of(rig, server))
    total = 512 << 20
    assert {each.memory_total for each in seen} == {total}
    remaining = [each.memory_remaining for each in seen]
    assert remaining == sorted(remaining, reverse=True)
    assert 0 < remaining[0] < total
    assert remaining[-1] == 0
    assert all(each.memory_processed + each.memory_remaining == total for each in seen)


def running(rig: Rig, server: Server) -> Server:
    """A server whose live migration the test ends."""
    rig.servers.live_migrate(server)
    rig.settle()
    return rig.servers.show(server)


@pytest.mark.topology(HELD)
@pytest.mark.parametrize("by", ["number", "uuid"])
def test_41_a_migration_that_runs_is_aborted(rig: Rig, by: str) -> None:
    before = create(rig, volumes=1)
    with rig.holding():
        rig.servers.live_migrate(before)
        rig.settle()
        migration = move_of(rig, before)
        rig.servers.abort_live_migration(before, migration.id if by == "number" else migration.uuid)
        rig.settle()
    assert is_as_before(rig, before)
    migration = ended(rig, before)
    assert history(migration)[-2:] == ["reverting", "cancelled"]
    assert rig.servers.show(before).fault is None
    actions = [each.action for each in rig.servers.actions(before)]
    assert actions[:2] == ["live_migration_abort", "live-migration"]


@pytest.mark.topology(HELD)
def test_41_a_migration_that_is_being_prepared_is_aborted(rig: Rig) -> None:
    before = create(rig, volumes=1)
    hold = rig.faults.hold("driver.pre_live_migration")
    with rig.holding():
        rig.servers.live_migrate(before)
        rig.settle()
        migration = move_of(rig, before)
        assert migration.status == MigrationStatus.PREPARING
        rig.servers.abort_live_migration(before, migration.id)
        rig.settle()
        hold.release()
        rig.settle()
    assert is_as_before(rig, before)
    assert ended(rig, before).status == MigrationStatus.CANCELLED


@pytest.mark.topology(HELD)
def test_41_force_complete_ends_the_copy(rig: Rig) -> None:
    server = create(rig, volumes=1)
    with rig.holding():
        server = running(rig, server)
        rig.servers.force_complete_live_migration(server, move_of(rig, server).id)
        rig.settle()
    assert rig.servers.show(server).host == "cell1-host2"
    assert ended(rig, server).status == MigrationStatus.COMPLETED
    actions = [each.action for each in rig.servers.actions(server)]
    assert actions[0] == "live_migration_force_complete"


@pytest.mark.topology(HELD)
def test_41_an_abort_that_comes_too_late_changes_nothing(rig: Rig) -> None:
    hold = rig.faults.hold("driver.post_live_migration_at_source")
    server = create(rig, volumes=1)
    with rig.holding():
        server = running(rig, server)
        migration = move_of(rig, server)
        rig.servers.force_complete_live_migration(server, migration.id)
        rig.settle()
        with pytest.raises(Invalid, match="post-migrating"):
            rig.servers.abort_live_migration(server, migration.id)
        hold.release()
        rig.settle()
    assert ended(rig, server).status == MigrationStatus.COMPLETED


def test_only_a_live_migration_that_is_under_way_can_be_ended(rig: Rig) -> None:
    server = rig.servers.live_migrate(create(rig))
    done = move_of(rig, server).id
    server = rig.servers.migrate(server)
    cold = move_of(rig, server).id
    for end in (rig.servers.abort_live_migration, rig.servers.force_complete_live_migration):
        for migration in (done, cold):
            with pytest.raises(Invalid, match=f"migration {migration} of server {server.id} is a"):
                end(server, migration)
        with pytest.raises(NotFound):
            end(server, 4711)


@pytest.mark.topology(
    Topology(
        cells=[Cell("cell1", 2)],
        options=HOLD,
        compute=ComputeOptions(live_migration_completion_timeout=300),
    )
)
def test_41_a_copy_that_takes_too_long_is_aborted(rig: Rig) -> None:
    before = create(rig, volumes=1)
    with rig.holding():
        rig.servers.live_migrate(before)
        rig.advance(299)
        assert move_of(rig, before).status == MigrationStatus.RUNNING
        rig.advance(2)
    assert is_as_before(rig, before)
    assert ended(rig, before).status == MigrationStatus.CANCELLED


@pytest.mark.topology(
    Topology(
        cells=[Cell("cell1", 2)],
        options=HOLD,
        compute=ComputeOptions(
            live_migration_completion_timeout=300,
            live_migration_timeout_action="force_complete",
        ),
    )
)
def test_41_a_copy_that_takes_too_long_is_forced_where_the_cloud_wants_that(rig: Rig) -> None:
    server = create(rig, volumes=1)
    with rig.holding():
        rig.servers.live_migrate(server)
        rig.advance(299)
        assert move_of(rig, server).status == MigrationStatus.RUNNING
        rig.advance(2)
    assert rig.servers.show(server).host == "cell1-host2"
    assert ended(rig, server).status == MigrationStatus.COMPLETED


@pytest.mark.topology(
    Topology(
        cells=[Cell("cell1", 2)],
        options=HOLD,
        compute=ComputeOptions(live_migration_completion_timeout=0),
    )
)
def test_a_copy_may_take_as_long_as_it_takes_where_the_cloud_sets_no_time(rig: Rig) -> None:
    server = create(rig, volumes=1)
    with rig.holding():
        server = running(rig, server)
        rig.advance(50_000)
        assert move_of(rig, server).status == MigrationStatus.RUNNING
        rig.servers.force_complete_live_migration(server, move_of(rig, server).id)
        rig.settle()
    ended(rig, server)


# -- so many at a time -----------------------------------------------------------------------------


def several(limit: int) -> Topology:
    """Two hosts, of which one lets `limit` servers go at a time."""
    return Topology(
        cells=[Cell("cell1", 2)],
        options=HOLD,
        compute=ComputeOptions(max_concurrent_live_migrations=limit),
    )


def statuses(rig: Rig, servers: list[Server]) -> list[str]:
    return [str(move_of(rig, server).status) for server in servers]


@pytest.mark.parametrize("limit", [1, 2, 0])
def test_so_many_live_migrations_leave_a_host_at_a_time(
    rig_factory: RigFactory, limit: int
) -> None:
    rig = rig_factory(several(limit))
    servers = rig.servers.create(count=4, host="cell1-host1")
    with rig.holding():
        for server in servers:
            rig.servers.live_migrate(server)
            rig.settle()
        at_once = limit or 4
        for done in range(5 - at_once):
            now = ["completed"] * done + ["running"] * at_once
            assert statuses(rig, servers) == now + ["queued"] * (4 - len(now))
            rig.servers.force_complete_live_migration(servers[done], move_of(rig, servers[done]).id)
            rig.settle()
        for server in servers[5 - at_once :]:
            rig.servers.force_complete_live_migration(server, move_of(rig, server).id)
            rig.settle()
    assert {rig.servers.show(server).host for server in servers} == {"cell1-host2"}
    assert holders(rig) == 4


def test_41_a_queued_migration_is_aborted_and_keeps_nobody_waiting(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(several(1))
    servers = rig.servers.create(count=3, host="cell1-host1")
    with rig.holding():
        for server in servers:
            rig.servers.live_migrate(server)
            rig.settle()
        assert statuses(rig, servers) == ["running", "queued", "queued"]
        rig.servers.abort_live_migration(servers[1], move_of(rig, servers[1]).id)
        rig.settle()
        assert statuses(rig, servers) == ["running", "cancelled", "queued"]
        assert is_as_before(rig, servers[1])
        rig.servers.force_complete_live_migration(servers[0], move_of(rig, servers[0]).id)
        rig.settle()
        assert statuses(rig, servers) == ["completed", "cancelled", "running"]
        rig.servers.abort_live_migration(servers[2], move_of(rig, servers[2]).id)
        rig.settle()
    assert [rig.servers.show(each).host for each in servers] == [
        "cell1-host2",
        "cell1-host1",
        "cell1-host1",
    ]
    assert holders(rig) == 3


def test_the_turn_of_a_migration_that_failed_is_the_next_ones(rig_factory: RigFactory) -> None:
    rig = rig_factory(several(1))
    servers = rig.servers.create(count=2, host="cell1-host1")
    rig.faults.fail("driver.pre_live_migration", HypervisorError("no"), times=1)
    hold = rig.faults.hold("bus.compute.pre_live_migration", times=1)
    with rig.holding():
        for server in servers:
            rig.servers.live_migrate(server)
            rig.settle()
        assert statuses(rig, servers) == ["preparing", "queued"]
        hold.release()
        rig.settle()
        assert statuses(rig, servers) == ["error", "running"]
        rig.servers.force_complete_live_migration(servers[1], move_of(rig, servers[1]).id)
        rig.settle()


# -- deleted on the way ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seam",
    [
        "db.cell1.migration_create",
        "placement.put_allocations",
        "bus.scheduler.select_destinations",
        "bus.compute.check_can_live_migrate_destination",
        "bus.compute.live_migration",
        "bus.compute.pre_live_migration",
        "driver.live_migration",
        "driver.post_live_migration_at_source",
        "bus.compute.post_live_migration_at_destination",
        "driver.post_live_migration_at_destination",
    ],
)
def test_31_1848343_a_server_that_is_deleted_on_the_way_leaves_nothing(rig: Rig, seam: str) -> None:
    server = create(rig, volumes=1)
    hold = rig.faults.hold(seam)
    with rig.holding():
        rig.servers.live_migrate(server)
        rig.settle()
        assert hold.reached
        rig.servers.delete(server)
        rig.settle()
        hold.release()
        rig.settle()
    leaves_nothing(rig, server)


@pytest.mark.topology(HELD)
def test_31_a_server_is_deleted_although_its_copy_does_not_end(rig: Rig) -> None:
    server = create(rig, volumes=1)
    with rig.holding():
        server = running(rig, server)
        rig.servers.delete(server)
        rig.settle()
    leaves_nothing(rig, server)


def test_31_a_server_that_is_deleted_while_it_waits_for_its_turn_leaves_nothing(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(several(1))
    first, second = rig.servers.create(count=2, host="cell1-host1")
    with rig.holding():
        for server in (first, second):
            rig.servers.live_migrate(server)
            rig.settle()
        rig.servers.delete(second)
        rig.settle()
        with pytest.raises(NotFound):
            rig.servers.show(second)
        rig.servers.delete(first)
        rig.settle()
    leaves_nothing(rig, first)


def leaves_nothing(rig: Rig, server: Server) -> None:
    with pytest.raises(NotFound):
        rig.servers.show(server)
    assert holders(rig) == 0
    assert attached(rig, server) == []
    assert {volume.status for volume in rig.volumes.list()} <= {"available"}
    for host in rig.host_names:
        assert list(rig.driver(host).list_guests()) == []
        assert not fake(rig, host).hypervisor.state.incoming
        assert fake(rig, host).volume_connections().volumes == ()


# -- one at a time, and the periodic work ----------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("second", ["live-migrate", "pause", "resize"])
def test_two_tasks_of_one_server_cannot_run_at_once(
    rig_factory: RigFactory, seed: int, second: str
) -> None:
    rig = rig_factory(THREE, seed=seed)
    server = create(rig, volumes=1)
    others: dict[str, Callable[[], object]] = {
        "live-migrate": lambda: rig.servers.live_migrate(server),
        "pause": lambda: rig.servers.pause(server),
        "resize": lambda: rig.servers.resize(server, "2"),
    }
    outcomes = rig.concurrently(lambda: rig.servers.live_migrate(server), others[second])
    for each in outcomes:
        assert not isinstance(each, Exception) or isinstance(each, CellrigError)
    shown = rig.servers.show(server)
    assert shown.task_state is None
    assert len(guests(rig, server)) == 1
    assert set(attached(rig, server)) == {(shown.host, "attached")}


@pytest.mark.parametrize(
    ("seam", "seconds"),
    [
        # Its caller waits a minute for it, and no longer.
        ("driver.pre_live_migration", 50),
        ("driver.live_migration", 700),
        ("driver.post_live_migration_at_source", 700),
        ("driver.post_live_migration_at_destination", 700),
    ],
)
def test_40_1879878_the_periodic_work_changes_no_owner_while_a_server_moves(
    rig: Rig, seam: str, seconds: int
) -> None:
    server = create(rig, volumes=1)
    hold = rig.faults.hold(seam)
    with rig.holding():
        rig.servers.live_migrate(server)
        rig.settle()
        migration = move_of(rig, server)
        rig.advance(seconds)
        assert held(rig, migration) == {"cell1-host1": TINY}
        assert held(rig, server) == {"cell1-host2": TINY}
        hold.release()
        rig.settle()
    assert rig.servers.show(server).host == "cell1-host2"
    ended(rig, server)
