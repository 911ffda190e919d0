"""Invariant d: what hypervisors have is what databases say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cellrig import Rig, Topology
from cellrig.driver.errors import HypervisorUnavailable
from cellrig.model import InstanceChanges, PowerState, TaskState, VmState

if TYPE_CHECKING:
    from tests.audit.conftest import BrokenCloud


def test_a_guest_that_the_hypervisor_has_lost_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.lose_guest(server)
    (finding,) = broken.findings()
    assert finding == (
        f"server {server.id} (ACTIVE) of cell cell1 is RUNNING on host cell1-host1 by its record; "
        "the hypervisor has no such guest"
    )


def test_a_lost_guest_is_right_when_the_periodic_sync_has_noticed(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.lose_guest(server)
    broken.rig.advance(600)
    assert broken.rig.servers.show(server).status == "SHUTOFF"
    assert broken.findings() == []


def test_another_power_state_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.instances("cell1").update(
        server.id, InstanceChanges(vm_state=VmState.STOPPED, power_state=PowerState.SHUTDOWN)
    )
    (finding,) = broken.findings()
    assert finding == (
        f"server {server.id} (SHUTOFF) of cell cell1 is SHUTDOWN on host cell1-host1 by its "
        "record; its guest is RUNNING"
    )


def test_another_node_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.instances("cell1").update(server.id, InstanceChanges(node="cell1-host9"))
    assert (
        f"server {server.id} (ACTIVE) of cell cell1 is on node cell1-host9 of host cell1-host1 by "
        "its record; its guest is on node cell1-host1"
    ) in broken.findings()


def test_a_guest_of_a_deleted_server_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.rig.placement.delete_allocations(server.id)
    broken.instances("cell1").destroy(server.id)
    (finding,) = broken.findings()
    assert finding == (
        f"host cell1-host1 has a guest of server {server.id} (DELETED) of cell cell1, which is "
        "deleted by its record"
    )


def test_a_guest_of_a_server_on_another_host_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.instances("cell1").update(
        server.id, InstanceChanges(host="cell1-host2", node="cell1-host2")
    )
    findings = broken.findings()
    assert (
        f"host cell1-host1 has a guest of server {server.id} (ACTIVE) of cell cell1, which is on "
        "host cell1-host2 by its record"
    ) in findings


def test_a_server_on_a_host_that_does_not_exist_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.instances("cell1").update(server.id, InstanceChanges(host="nowhere"))
    assert (
        f"server {server.id} (ACTIVE) of cell cell1 is placed on host nowhere, which does not exist"
    ) in broken.findings()


def test_a_guest_that_no_database_knows_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.rig.placement.delete_allocations(server.id)
    broken.execute("api", "DELETE FROM instance_mappings")
    broken.execute("cell1", "DELETE FROM instances")
    expected = [f"host cell1-host1 has a guest {server.id} that no database knows"]
    assert broken.findings() == expected
    broken.rig.crash("cell1-host1")
    assert broken.findings() == expected


def test_a_server_in_error_may_lack_its_guest(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.instances("cell1").update(server.id, InstanceChanges(vm_state=VmState.ERROR))
    assert broken.findings() == []
    broken.lose_guest(server)
    assert broken.findings() == []


def test_a_guest_of_a_server_in_a_task_is_not_judged(broken: BrokenCloud) -> None:
    server = broken.boot()
    scheduled = InstanceChanges(
        vm_state=VmState.BUILDING, task_state=TaskState.SCHEDULING, host=None, node=None
    )
    broken.instances("cell1").update(server.id, scheduled)
    (finding,) = broken.findings()
    assert "is left in the middle of something" in finding


def test_a_host_that_is_down_is_not_judged_until_it_is_back(broken: BrokenCloud) -> None:
    rig = broken.rig
    server = broken.boot()
    rig.crash("cell1-host1")
    rig.advance(120)
    rig.servers.delete(server)
    assert [guest.uuid for guest in rig.driver("cell1-host1").list_guests()] == [server.id]
    assert broken.findings() == []
    held = rig.faults.hold("driver.destroy")
    rig.restart("cell1-host1")
    findings = broken.findings()
    assert [f for f in findings if "which is deleted by its record" in f]
    held.release()
    rig.settle()
    assert broken.findings() == []


def test_a_driver_that_does_not_list_its_guests_is_found(
    broken: BrokenCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable() -> None:
        raise HypervisorUnavailable("cell1-host1", "no route")

    broken.boot()
    monkeypatch.setattr(broken.rig.driver("cell1-host1"), "list_guests", unavailable)
    (finding,) = broken.findings()
    assert finding.startswith(
        "the driver of host cell1-host1 did not list its guests: HypervisorUnavailable"
    )


def test_a_driver_that_takes_its_time_is_asked_in_a_task() -> None:
    slow = Topology(driver="fake", options={"latencies": {"list_guests": 2.0}})
    with Rig(slow) as rig:
        rig.servers.create()
        assert rig.audit.findings() == []
