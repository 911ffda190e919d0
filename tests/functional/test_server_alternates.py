"""Alternates: a build that fails goes on in its cell, with nothing above the cell."""

from __future__ import annotations

import pytest

from cellrig import Cell, Host, Rig, SchedulerOptions, Server, Topology
from cellrig.driver.errors import BuildAbort, ComputeResourcesUnavailable, HypervisorError
from cellrig.placement.errors import ConcurrentUpdate
from cellrig_faults import Passed
from cellrig_pytest.factory import RigFactory

THREE = Topology(cells=[Cell("cell1", 3)])
FOUR = Topology(cells=[Cell("cell1", 4)], scheduler=SchedulerOptions(max_attempts=4))
TWO_CELLS = Topology(cells=[Cell("cell1", 2), Cell("cell2", 3)])
ROOM_FOR_ONE = Topology(
    cells=[Cell("cell1", 3)],
    options={"vcpus": 1, "cpu_allocation_ratio": 1, "memory_mb": 4096, "disk_gb": 100},
)


def told(server: Server) -> str:
    """The message of the fault of a server in ERROR."""
    assert (server.status, server.task_state) == ("ERROR", None)
    assert server.fault is not None
    return server.fault.message


def tried(rig: Rig) -> list[str]:
    """The hosts that were told to build a server, in order."""
    return [
        line.split("-> ")[1].split(" ")[0]
        for line in rig.timeline.lines(None, seam="bus.compute.build_and_run_instance")
    ]


def above_the_cell(passed: list[Passed]) -> list[str]:
    """The passages that a cell's services make into what belongs above the cell."""
    return [
        passage.seam
        for passage in passed
        if passage.service in ("compute", "conductor")
        and passage.cell is not None
        and passage.seam.startswith(("db.api.", "bus.scheduler.", "db.cell0."))
    ]


@pytest.mark.topology(THREE)
def test_15_1671648_a_failed_build_lands_on_an_alternate(rig: Rig) -> None:
    rig.faults.fail("driver.spawn", host="cell1-host1", times=1)
    server = rig.servers.create()
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    assert tried(rig) == ["cell1-host1", "cell1-host2"]
    assert rig.guest(server).uuid == server.id


@pytest.mark.topology(THREE)
def test_19_the_first_host_keeps_nothing_of_a_server_that_went_on(rig: Rig) -> None:
    rig.faults.fail_after("driver.spawn", host="cell1-host1", times=1)
    server = rig.servers.create()
    held = rig.placement.get_allocations(server.id)
    assert held is not None
    (node,) = [node for node in rig.hypervisors.list() if node.host == "cell1-host2"]
    assert list(held.allocations) == [node.uuid]
    assert list(rig.driver("cell1-host1").list_guests()) == []


@pytest.mark.topology(THREE)
@pytest.mark.parametrize(
    "error",
    [
        ComputeResourcesUnavailable("memory", "512", "0"),
        HypervisorError("out of ink"),
        None,
    ],
    ids=["resources", "hypervisor", "injected"],
)
def test_16_when_the_list_runs_out_the_fault_says_what_each_host_said(
    rig: Rig, error: Exception | None
) -> None:
    rig.faults.fail("driver.spawn", error)
    server = rig.servers.create()
    message = told(server)
    assert (server.cell, server.host, server.node) == ("cell1", None, None)
    for host in rig.host_names:
        assert f"{host}: " in message
    assert message.count("out of ink") == (3 if isinstance(error, HypervisorError) else 0)
    assert tried(rig) == list(rig.host_names)
    assert rig.placement.list_allocations() == ()


@pytest.mark.topology(FOUR)
@pytest.mark.parametrize("failures", [1, 2, 3])
def test_16_each_failure_costs_one_alternate_and_no_scheduling(rig: Rig, failures: int) -> None:
    rig.faults.fail("driver.spawn", times=failures)
    server = rig.servers.create()
    assert (server.status, server.host) == ("ACTIVE", f"cell1-host{failures + 1}")
    assert len(rig.timeline.lines(None, seam="bus.scheduler.select_destinations")) == 1
    assert len(rig.timeline.lines(None, seam="placement.get_allocation_candidates")) == 1


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_max_attempts_bounds_the_hosts_that_are_tried(
    rig_factory: RigFactory, attempts: int
) -> None:
    rig: Rig = rig_factory(
        Topology(cells=[Cell("cell1", 4)], scheduler=SchedulerOptions(max_attempts=attempts))
    )
    rig.faults.fail("driver.spawn")
    told(rig.servers.create())
    assert len(tried(rig)) == attempts


@pytest.mark.topology(TWO_CELLS)
def test_14_alternates_are_in_the_cell_of_the_first_host(rig: Rig) -> None:
    rig.faults.fail("driver.spawn")
    servers = rig.servers.create(count=4)
    cells = {server.cell for server in servers}
    assert cells == {"cell1", "cell2"}
    for server in servers:
        own = [host for host in rig.host_names if f"{host}: " in told(server)]
        assert len(own) == {"cell1": 2, "cell2": 3}[str(server.cell)]
        assert {host.split("-")[0] for host in own} == {server.cell}


@pytest.mark.topology(ROOM_FOR_ONE)
def test_17_1837955_an_alternate_that_filled_up_is_passed_over(rig: Rig) -> None:
    hold = rig.faults.hold("driver.spawn", host="cell1-host1")
    rig.faults.fail("driver.spawn", host="cell1-host1", times=1)
    first = rig.servers.create()
    assert rig.servers.create().host == "cell1-host2"
    hold.release()
    rig.settle()
    first = rig.servers.show(first)
    assert (first.status, first.host) == ("ACTIVE", "cell1-host3")
    assert tried(rig) == ["cell1-host1", "cell1-host2", "cell1-host3"]
    assert rig.servers.create().host == "cell1-host1"


@pytest.mark.topology(ROOM_FOR_ONE)
def test_17_when_all_alternates_filled_up_the_fault_says_so_of_each(rig: Rig) -> None:
    hold = rig.faults.hold("driver.spawn", host="cell1-host1")
    rig.faults.fail("driver.spawn", host="cell1-host1", times=1)
    first = rig.servers.create()
    others = [rig.servers.create(), rig.servers.create()]
    assert [other.host for other in others] == ["cell1-host2", "cell1-host3"]
    hold.release()
    rig.settle()
    message = told(rig.servers.show(first))
    assert "cell1-host1: fault injected" in message
    assert "cell1-host2: " in message
    assert "cell1-host3: " in message
    assert "VCPU" in message


@pytest.mark.topology(THREE)
def test_20_1781286_a_reschedule_asks_nothing_above_its_cell(rig: Rig) -> None:
    rig.faults.fail("driver.spawn", times=2)
    with rig.faults.record() as passed:
        server = rig.servers.create()
    assert server.host == "cell1-host3"
    assert above_the_cell(passed) == []


@pytest.mark.topology(THREE)
def test_20_a_reschedule_works_with_the_api_database_closed_and_the_scheduler_gone(
    rig: Rig,
) -> None:
    hold = rig.faults.hold("driver.spawn", host="cell1-host1")
    rig.faults.fail("driver.spawn", times=2)
    server = rig.servers.create()
    assert hold.reached
    rig.databases["api"].take_down("closed")
    rig.crash("scheduler")
    rig.crash("conductor")
    hold.release()
    rig.settle()
    rig.databases["api"].bring_back()
    after = rig.servers.show(server)
    assert (after.status, after.host) == ("ACTIVE", "cell1-host3")
    rig.restart("conductor")
    rig.restart("scheduler")
    assert rig.servers.create().status == "ACTIVE"


@pytest.mark.topology(
    Topology(
        cells=[Cell("cell1", 3)],
        zones={"east": ["cell1-host1"], "west": ["cell1-host2", "cell1-host3"]},
    )
)
def test_20_1781286_a_rescheduled_server_is_in_the_zone_of_its_new_host(rig: Rig) -> None:
    rig.faults.fail("driver.spawn", host="cell1-host1")
    server = rig.servers.create()
    assert server.host != "cell1-host1"
    assert server.availability_zone == "west"
    message = told(rig.servers.create(zone="east"))
    assert "cell1-host1" in message
    assert "cell1-host2" not in message


@pytest.mark.topology(THREE)
def test_19_a_build_that_is_aborted_goes_to_no_other_host(rig: Rig) -> None:
    rig.faults.fail("driver.spawn", BuildAbort("the image is rotten"))
    server = rig.servers.create()
    assert "the image is rotten" in told(server)
    assert (server.cell, server.host) == ("cell1", None)
    assert tried(rig) == ["cell1-host1"]
    assert rig.placement.list_allocations() == ()


@pytest.mark.topology(THREE)
def test_an_error_that_no_driver_may_raise_goes_to_no_other_host(rig: Rig) -> None:
    rig.faults.fail("driver.spawn", KeyError("hugepages"))
    server = rig.servers.create()
    message = told(server)
    assert "KeyError" in message
    assert "bug of the driver" in message
    assert tried(rig) == ["cell1-host1"]
    assert rig.placement.list_allocations() == ()


@pytest.mark.topology(THREE)
def test_42_a_claim_that_meets_somebody_elses_write_is_made_elsewhere(rig: Rig) -> None:
    conflict = ConcurrentUpdate("consumer", "x", 1, 2)
    rig.faults.fail("placement.put_allocations", conflict, service="scheduler", times=1)
    assert rig.servers.create().status == "ACTIVE"
    rig.faults.fail("driver.spawn", times=1)
    rig.faults.fail("placement.put_allocations", conflict, service="conductor", times=1)
    server = rig.servers.create()
    assert (server.status, len(tried(rig))) == ("ACTIVE", 3)


@pytest.mark.topology(THREE)
def test_23_24_what_was_tried_is_not_remembered(rig: Rig) -> None:
    rig.faults.fail("driver.spawn", host="cell1-host1", times=1)
    first = rig.servers.create()
    second = rig.servers.create(hints={"same_host": first.id})
    assert (first.host, second.host) == ("cell1-host2", "cell1-host2")
    assert rig.servers.create(host="cell1-host1").status == "ACTIVE"
    spec = rig.runtime.run(
        lambda: rig.cloud.surroundings().api.requests.spec_get(first.id), name="look at a spec"
    )
    assert (spec.force_host, spec.requested_host, spec.instance_uuid) == (None, None, first.id)


@pytest.mark.topology(THREE)
def test_26_1845291_a_forced_host_is_the_only_one(rig: Rig) -> None:
    rig.faults.fail("driver.spawn", host="cell1-host2")
    message = told(rig.servers.create(zone="nova:cell1-host2"))
    assert "cell1-host2: " in message
    assert "cell1-host1" not in message
    assert "could not be built" in told(rig.servers.create(host="cell1-host2"))
    assert tried(rig) == ["cell1-host2", "cell1-host2"]


@pytest.mark.topology(THREE)
def test_28_many_servers_of_one_request_have_each_their_own_alternates(rig: Rig) -> None:
    rig.faults.fail("driver.spawn", host="cell1-host1")
    servers = rig.servers.create(count=6)
    assert {server.status for server in servers} == {"ACTIVE"}
    assert {server.host for server in servers} == {"cell1-host2", "cell1-host3"}


@pytest.mark.topology(THREE)
def test_the_events_of_a_create_tell_each_host_and_how_it_went(rig: Rig) -> None:
    rig.faults.fail("driver.spawn", HypervisorError("out of ink"), host="cell1-host1")
    server = rig.servers.create()
    (action,) = rig.servers.actions(server)
    assert (action.action, action.message) == ("create", None)
    events = {event.host: event for event in action.events}
    assert [events[f"cell1-host{n}"].result for n in (1, 2)] == ["Error", "Success"]
    assert "out of ink" in str(events["cell1-host1"].traceback)
    assert {event.name for event in action.events} == {"compute__do_build_and_run_instance"}


@pytest.mark.topology(THREE)
def test_a_host_that_fails_builds_is_chosen_last_until_it_succeeds(rig: Rig) -> None:
    rig.faults.fail("driver.spawn", host="cell1-host1", times=1)
    assert rig.servers.create().host == "cell1-host2"
    failed = {node.host: node.failed_builds for node in rig.hypervisors.list()}
    assert failed == {"cell1-host1": 1, "cell1-host2": 0, "cell1-host3": 0}
    assert [rig.servers.create().host for _ in range(4)].count("cell1-host1") == 0
    assert rig.servers.create(host="cell1-host1").status == "ACTIVE"
    assert {node.failed_builds for node in rig.hypervisors.list()} == {0}


def test_an_alternate_gets_the_device_that_was_claimed_for_the_server_there(
    rig_factory: RigFactory,
) -> None:
    card = {"address": "0000:81:00.0", "physical_network": "public", "vfs": 2}
    hosts = [Host(f"node-{n}", options={"sriov": [card]}) for n in (1, 2)]
    rig: Rig = rig_factory(Topology(cells=[Cell("cell1", hosts)]))
    rig.flavors.create("vf", extra_specs={"resources1:SRIOV_NET_VF": "1"})
    rig.faults.fail("driver.spawn", host="node-1")
    server = rig.servers.create(flavor="vf")
    assert (server.status, server.host) == ("ACTIVE", "node-2")
    assert len(rig.guest(server).devices) == 1
    held = rig.placement.get_allocations(server.id)
    assert held is not None
    assert len(held.allocations) == 2
