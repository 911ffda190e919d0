"""Deleting servers: in every state, at every moment of a build, with and without their host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cellrig import Cell, Rig, Server, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.errors import CellrigError, NotFound
from cellrig_fake import FakeDriver

Rows = Callable[[Rig, str, str], list[tuple[object, ...]]]

ONE_HOST = Topology(cells=[Cell("cell1", 1)])


def check_gone(rig: Rig, server: Server) -> None:
    """The server is gone for its user, holds nothing, and no host has its guest."""
    with pytest.raises(NotFound, match=server.id):
        rig.servers.show(server)
    assert server.id not in [each.id for each in rig.servers.list()]
    assert rig.placement.get_allocations(server.id) is None
    for host in rig.host_names:
        assert server.id not in [guest.uuid for guest in rig.driver(host).list_guests()]


@pytest.mark.parametrize("before", ["nothing", "stop", "pause", "suspend", "rescue", "lock"])
def test_a_server_is_deleted_in_every_state(rig: Rig, before: str) -> None:
    server = rig.servers.create(tags=["t"])
    if before != "nothing":
        getattr(rig.servers, before)(server)
    rig.servers.delete(server)
    check_gone(rig, server)


def test_a_deleted_server_keeps_its_actions(rig: Rig) -> None:
    server = rig.servers.create()
    rig.servers.delete(server)
    delete, create = rig.servers.actions(server)
    assert (delete.action, create.action) == ("delete", "create")
    (event,) = delete.events
    assert (event.name, event.host, event.result) == (
        "compute_terminate_instance",
        server.host,
        "Success",
    )


def test_deleting_twice_says_that_there_is_no_such_server(rig: Rig) -> None:
    server = rig.servers.create()
    rig.servers.delete(server)
    with pytest.raises(NotFound, match=server.id):
        rig.servers.delete(server)
    with pytest.raises(NotFound, match="no-such-server"):
        rig.servers.delete("no-such-server")


def test_two_who_delete_at_the_same_moment_delete_once(rig: Rig) -> None:
    server = rig.servers.create()
    outcomes = rig.concurrently(
        lambda: rig.servers.delete(server), lambda: rig.servers.delete(server)
    )
    assert all(outcome is None or isinstance(outcome, NotFound) for outcome in outcomes)
    assert None in outcomes
    check_gone(rig, server)


def test_a_server_that_has_not_been_scheduled_is_gone_at_once(rig: Rig, rows: Rows) -> None:
    with rig.holding():
        server = rig.servers.create(tags=["t"])
        rig.servers.delete(server)
        with pytest.raises(NotFound, match=server.id):
            rig.servers.show(server)
    check_gone(rig, server)
    for table in ("build_requests", "request_specs", "instance_group_members"):
        assert rows(rig, "api", table) == []
    for table in ("instances", "instance_actions", "instance_action_events", "tags"):
        for cell in ("cell0", "cell1"):
            assert rows(rig, cell, table) == []


@pytest.mark.parametrize(
    "seam",
    [
        "bus.scheduler.select_destinations",
        "placement.get_allocation_candidates",
        "placement.put_allocations",
        "db.cell1.instance_create",
        "db.api.mapping_instance_place",
        "bus.compute.build_and_run_instance",
        "placement.get_allocations",
        "bus.conductor.instance_take",
        "image.get",
        "driver.spawn",
        "driver.get_guest",
        "bus.conductor.instance_update",
        "bus.conductor.host_build_succeeded",
    ],
)
def test_1914777_a_server_that_is_deleted_at_any_step_of_its_build_leaves_nothing(
    rig: Rig, seam: str
) -> None:
    hold = rig.faults.hold(seam, when=lambda passage: passage.process.service != "api")
    server = rig.servers.create()
    assert hold.reached
    rig.servers.delete(server)
    hold.release()
    rig.settle()
    check_gone(rig, server)


def test_a_server_deleted_while_the_conductor_hands_it_to_an_alternate_leaves_nothing(
    rig: Rig,
) -> None:
    for seam in ("bus.conductor.build_instances", "placement.put_allocations"):
        rig.faults.fail("driver.spawn", times=1)
        hold = rig.faults.hold(seam, cell="cell1")
        server = rig.servers.create()
        assert hold.reached
        rig.servers.delete(server)
        hold.release()
        rig.settle()
        check_gone(rig, server)


def test_36_57a3af6921_a_server_deleted_between_the_claim_and_the_cell_gives_its_claim_back(
    rig: Rig,
) -> None:
    hold = rig.faults.hold("db.cell1.instance_create")
    server = rig.servers.create()
    assert rig.placement.get_allocations(server.id) is not None
    rig.servers.delete(server)
    hold.release()
    rig.settle()
    check_gone(rig, server)


def test_36_1729371_upkeep_spares_the_claim_of_a_server_that_is_not_in_its_cell_yet(
    rig: Rig,
) -> None:
    hold = rig.faults.hold("db.cell1.instance_create")
    server = rig.servers.create()
    rig.advance(130)
    assert rig.placement.get_allocations(server.id) is not None
    hold.release()
    rig.settle()
    assert rig.servers.show(server).status == "ACTIVE"
    assert rig.placement.get_allocations(server.id) is not None


def test_a_server_in_cell0_is_deleted(rig: Rig) -> None:
    rig.flavors.create("giant", memory_mb=10**9)
    server = rig.servers.create(flavor="giant", tags=["t"])
    assert server.cell == "cell0"
    rig.servers.delete(server)
    check_gone(rig, server)
    assert [action.action for action in rig.servers.actions(server)] == ["delete", "create"]


def test_a_server_in_error_on_no_host_is_deleted(rig: Rig) -> None:
    rig.faults.fail("driver.spawn")
    server = rig.servers.create()
    assert (server.status, server.cell, server.host) == ("ERROR", "cell1", None)
    rig.servers.delete(server)
    check_gone(rig, server)


def test_a_server_whose_guest_is_gone_is_deleted(rig: Rig) -> None:
    server = rig.servers.create()
    driver = rig.driver(str(server.host))
    assert isinstance(driver, FakeDriver)
    driver.lose_guest(server.id)
    rig.servers.delete(server)
    check_gone(rig, server)


@pytest.mark.topology(ONE_HOST)
def test_35_1679750_a_server_of_a_host_that_is_down_is_gone_at_once_and_its_guest_later(
    rig: Rig,
) -> None:
    server = rig.servers.create()
    rig.crash("cell1-host1")
    rig.services.force_down("cell1-host1")
    rig.servers.delete(server)
    with pytest.raises(NotFound, match=server.id):
        rig.servers.show(server)
    assert rig.placement.get_allocations(server.id) is None
    assert [guest.uuid for guest in rig.driver("cell1-host1").list_guests()] == [server.id]
    rig.services.force_down("cell1-host1", down=False)
    rig.restart("cell1-host1")
    rig.advance(1900)
    check_gone(rig, server)


@pytest.mark.topology(ONE_HOST)
def test_a_host_that_has_not_reported_for_a_minute_counts_as_down_for_a_deletion(rig: Rig) -> None:
    server = rig.servers.create()
    rig.crash("cell1-host1")
    rig.advance(61)
    assert not rig.services.is_up("cell1-host1")
    rig.servers.delete(server)
    assert rig.placement.get_allocations(server.id) is None
    rig.restart("cell1-host1")
    rig.advance(1900)
    check_gone(rig, server)


@pytest.mark.topology(ONE_HOST)
def test_a_deletion_waits_in_the_queue_of_a_host_that_died_a_moment_ago(rig: Rig) -> None:
    server = rig.servers.create()
    rig.crash("cell1-host1")
    rig.servers.delete(server)
    assert rig.servers.show(server).task_state == "deleting"
    rig.restart("cell1-host1")
    check_gone(rig, server)


@pytest.mark.topology(ONE_HOST)
def test_35_1859496_a_server_stuck_in_build_on_a_dead_host_is_deleted_with_its_claim(
    rig: Rig,
) -> None:
    hold = rig.faults.hold("driver.spawn")
    server = rig.servers.create()
    rig.crash("cell1-host1")
    hold.release()
    rig.settle()
    rig.services.force_down("cell1-host1")
    rig.servers.delete(server)
    assert rig.placement.get_allocations(server.id) is None
    rig.services.force_down("cell1-host1", down=False)
    rig.restart("cell1-host1")
    check_gone(rig, server)


@pytest.mark.topology(ONE_HOST)
def test_a_deletion_that_the_hypervisor_refuses_ends_in_error_and_can_be_asked_again(
    rig: Rig,
) -> None:
    server = rig.servers.create()
    rig.faults.fail("driver.destroy", HypervisorError("still busy"), times=1)
    rig.servers.delete(server)
    after = rig.servers.show(server)
    assert (after.status, after.task_state, after.host) == ("ERROR", None, "cell1-host1")
    assert after.fault is not None
    assert "still busy" in after.fault.message
    assert rig.placement.get_allocations(server.id) is not None
    rig.servers.delete(server)
    check_gone(rig, server)


def test_a_deletion_that_a_database_breaks_off_leaves_the_server_as_it_was(rig: Rig) -> None:
    server = rig.servers.create()
    rig.databases["cell1"].take_down("closed")
    with pytest.raises(CellrigError, match="closed"):
        rig.servers.delete(server)
    rig.databases["cell1"].bring_back()
    assert rig.servers.show(server) == server
    rig.servers.delete(server)
    check_gone(rig, server)


def test_an_action_that_goes_on_does_not_keep_a_server_from_being_deleted(rig: Rig) -> None:
    server = rig.servers.create()
    hold = rig.faults.hold("driver.pause")
    rig.servers.pause(server)
    rig.servers.delete(server)
    hold.release()
    rig.settle()
    check_gone(rig, server)


def test_the_member_of_a_group_that_is_deleted_leaves_it(rig: Rig) -> None:
    group = rig.server_groups.create("g", "anti-affinity")
    first, second = rig.servers.create(count=2, group=group.uuid)
    assert set(rig.server_groups.show(group).members) == {first.id, second.id}
    rig.servers.delete(first)
    assert rig.server_groups.show(group).members == (second.id,)
