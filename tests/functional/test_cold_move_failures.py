"""Cold migrations and resizes that fail, that are deleted, or that meet other work on the way."""

from __future__ import annotations

import pytest
from cold_move_servers import FOUR, PHASES, SAME_HOST, THREE, create, start
from move_looks import (
    SMALL,
    TINY,
    attached,
    fake,
    guests,
    held,
    holders,
    is_as_before,
    kept,
    move_of,
    told,
    under_way,
)

from cellrig import Cell, Rig, Server, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.errors import Conflict, NotFound
from cellrig.model import MigrationStatus, MigrationType
from cellrig_pytest.factory import RigFactory

pytestmark = pytest.mark.topology(THREE)


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
