"""Invariant e: nothing of a rig outlives what it belongs to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from cellrig import Rig, RigNotClean, Topology
from cellrig.bus import Message
from cellrig.model import InstanceChanges, TaskState, VmState

if TYPE_CHECKING:
    from tests.audit.conftest import BrokenCloud


def test_a_task_that_is_held_is_named_with_what_it_waits_for(broken: BrokenCloud) -> None:
    hold = broken.rig.faults.hold("driver.spawn")
    broken.boot()
    (finding,) = broken.findings()
    assert finding.startswith(
        "a task has not ended: compute.cell1-host1.build_and_run_instance of compute@cell1-host1"
    )
    assert "driver.spawn" in finding
    hold.release()
    broken.rig.settle()
    assert broken.findings() == []


def test_a_task_of_the_test_that_waits_for_ever_is_found() -> None:
    rig = Rig(plugins=["audit"]).start()
    gate = rig.runtime.event("the gate", external=True)
    rig.spawn(gate.wait, name="waiter")
    with pytest.raises(RigNotClean, match="a task has not ended: waiter waits for 'the gate'"):
        rig.stop()


def test_tasks_that_wait_for_each_other_are_found_when_the_rig_ends() -> None:
    rig = Rig(plugins=["audit"]).start()
    lock = rig.runtime.lock("door")

    def twice() -> None:
        with lock, lock:
            pass

    rig.spawn(twice, name="clumsy")
    with pytest.raises(RigNotClean) as caught:
        rig.stop()
    assert "the rig cannot come to rest" in str(caught.value)
    assert "clumsy waits for lock 'door', held by clumsy" in str(caught.value)


def test_what_has_only_not_run_yet_comes_to_its_end_when_the_rig_ends() -> None:
    rig = Rig(plugins=["audit"]).start()
    done: list[str] = []
    rig.spawn(lambda: done.append("done"), name="late")
    rig.stop()
    assert done == ["done"]


def test_messages_for_a_service_that_is_down_are_left_to_it(broken: BrokenCloud) -> None:
    broken.rig.crash("cell1-host1")
    server = broken.boot()
    assert server.status == "BUILD"
    assert broken.findings() == []


def test_periodic_work_may_wait_for_a_service_that_is_down(broken: BrokenCloud) -> None:
    broken.rig.crash("conductor@cell1")
    broken.rig.advance(15)
    waiting = broken.rig.runtime.unfinished()
    assert any("reply to conductor.cell1.host." in task for task in waiting)
    assert broken.findings() == []
    gate = broken.rig.runtime.event("conductor.cell1.gate", external=True)
    broken.rig.spawn(gate.wait, name="somebody else")
    broken.rig.settle()
    (finding,) = broken.findings()
    assert finding.startswith("a task has not ended: somebody else waits for")
    gate.set()


def test_a_message_that_nobody_will_take_is_found(broken: BrokenCloud) -> None:
    broken.rig.cloud.bus.restore([Message("compute.nowhere", "stop_instance", b"[]")])
    (finding,) = broken.findings()
    assert finding == (
        "message stop_instance waits in the queue compute.nowhere, and no service that is down "
        "will come back for it"
    )


def test_a_server_left_in_a_task_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.instances("cell1").update(server.id, InstanceChanges(task_state=TaskState.POWERING_OFF))
    (finding,) = broken.findings()
    assert finding == (
        f"server {server.id} (ACTIVE, powering-off) of cell cell1 on host cell1-host1 is left in "
        "the middle of something (vm_state active, task_state powering-off): no task, message or "
        "service that is down goes on with it; at best it waits for periodic work to give it up"
    )


def test_a_server_in_a_task_is_left_to_its_host_or_cell_that_is_down(broken: BrokenCloud) -> None:
    server = broken.boot("cell1-host1")
    broken.instances("cell1").update(server.id, InstanceChanges(task_state=TaskState.POWERING_OFF))
    broken.rig.crash("cell1-host2")
    assert len(broken.findings()) == 1
    broken.rig.crash("conductor@cell1")
    assert broken.findings() == []


def test_an_order_that_waits_for_a_host_that_is_down_is_left_to_it(broken: BrokenCloud) -> None:
    server = broken.boot("cell1-host1")
    broken.rig.crash("cell1-host1")
    assert broken.rig.servers.stop(server).task_state == TaskState.POWERING_OFF
    assert broken.findings() == []
    broken.rig.restart("cell1-host1")
    assert broken.rig.servers.show(server).task_state is None
    assert broken.findings() == []


def test_a_build_that_nobody_goes_on_with_is_found(broken: BrokenCloud) -> None:
    rig = broken.rig
    rig.crash("cell1-host1")
    server = broken.boot()
    assert broken.findings() == []
    rig.cloud.bus.purge()
    assert broken.findings() == []  # the host's restart ends it
    rig.restart("cell1-host1")
    assert rig.servers.show(server).status == "ERROR"
    assert broken.findings() == []
    broken.instances("cell1").update(
        server.id, InstanceChanges(vm_state=VmState.BUILDING, task_state=TaskState.SCHEDULING)
    )
    (finding,) = broken.findings()
    assert "vm_state building, task_state scheduling" in finding


def test_an_audit_inside_a_task_does_not_find_itself(broken: BrokenCloud) -> None:
    assert broken.rig.concurrently(broken.rig.audit.findings) == [[]]


def test_no_thread_outlives_a_live_rig() -> None:
    before = threading.active_count()
    with Rig(Topology(), live=True, plugins=["audit"]) as rig:
        rig.servers.create()
    assert rig.audit.leftovers() == []
    assert threading.active_count() == before


def test_a_task_that_outlives_its_rig_is_found() -> None:
    rig = Rig(plugins=["audit"]).start()
    rig.stop()
    rig.spawn(lambda: None, name="ghost")
    assert rig.audit.leftovers() == [
        "the rig has been stopped, and a task of it is left: ghost can run"
    ]


def test_no_file_outlives_a_rig() -> None:
    rig = Rig(plugins=["audit"]).start()
    directory = rig.driver("cell1-host1").context.state_directory
    (directory / "disk").write_bytes(b"data")
    rig.stop()
    assert not directory.exists()
