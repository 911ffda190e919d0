"""Live migrations that are refused, that fail, or whose servers are deleted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from live_move_servers import HELD, SHARED, THREE, create, ended, running, several
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

from cellrig import Cell, Host, Rig, SchedulerOptions, Server, Topology
from cellrig.driver.errors import HypervisorError, MigrationPreCheckError
from cellrig.errors import CellrigError, MessagingTimeout, NotFound
from cellrig.model import MigrationStatus
from cellrig_pytest.factory import RigFactory

pytestmark = pytest.mark.topology(THREE)


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
    "seam", ["driver.post_live_migration_at_source", "driver.post_live_migration_at_destination"]
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


def test_a_driver_that_says_it_failed_although_the_guest_has_left_is_not_believed(rig: Rig) -> None:
    server = create(rig, volumes=1)
    rig.faults.fail_after("driver.live_migration", HypervisorError("connection lost"), times=1)
    server = rig.servers.live_migrate(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    ended(rig, server)


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
