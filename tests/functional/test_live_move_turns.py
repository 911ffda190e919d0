"""How far live migrations have come, who ends them, and how many run at a time."""

from __future__ import annotations

import pytest
from live_move_servers import HELD, HOLD, SLOW, THREE, create, ended, running, several
from move_looks import history, holders, is_as_before, move_of

from cellrig import Cell, Rig, Server, Topology
from cellrig.compute.options import ComputeOptions
from cellrig.driver.errors import HypervisorError
from cellrig.errors import Invalid, NotFound
from cellrig.model import MigrationStatus
from cellrig_pytest.factory import RigFactory

pytestmark = pytest.mark.topology(THREE)


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
            live_migration_completion_timeout=300, live_migration_timeout_action="force_complete"
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
        rig.advance(4_000)  # several times what the clouds above allow, or the default is
        assert move_of(rig, server).status == MigrationStatus.RUNNING
        rig.servers.force_complete_live_migration(server, move_of(rig, server).id)
        rig.settle()
    ended(rig, server)


# -- so many at a time -----------------------------------------------------------------------------


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


def test_41_a_queued_migration_is_aborted_and_keeps_nobody_waiting(rig_factory: RigFactory) -> None:
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
