"""A cold migration or a resize goes on to the next host of its list."""

from __future__ import annotations

import pytest
from cold_move_servers import FOUR, THREE, TWO, ZONES, above_the_cell, create, start, told_or_none
from move_looks import (
    TINY,
    attached,
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
from cellrig.driver.errors import HypervisorError, MigrationError
from cellrig.model import MigrationStatus
from cellrig_pytest.factory import RigFactory

pytestmark = pytest.mark.topology(THREE)


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
def test_17_1837955_an_alternate_that_filled_up_is_passed_over(rig_factory: RigFactory) -> None:
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
