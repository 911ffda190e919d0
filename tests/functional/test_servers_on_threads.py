"""The same cloud on threads and the wall clock."""

from __future__ import annotations

from collections import Counter

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.errors import NotFound

ROOM_FOR_SIX = Topology(
    cells=[Cell("cell1", 2), Cell("cell2", 1)],
    options={"vcpus": 2, "cpu_allocation_ratio": 1, "memory_mb": 65536, "disk_gb": 1000},
)


@pytest.mark.topology(live=True)
def test_a_server_lives_and_dies_on_threads(rig: Rig) -> None:
    server = rig.servers.create(tags=["t"])
    assert server.status == "ACTIVE"
    assert rig.guest(server).uuid == server.id
    assert rig.servers.stop(server).status == "SHUTOFF"
    assert rig.servers.start(server).status == "ACTIVE"
    rig.servers.delete(server)
    with pytest.raises(NotFound, match=server.id):
        rig.servers.show(server)


@pytest.mark.topology(ROOM_FOR_SIX, live=True)
def test_ten_boots_at_once_into_room_for_six_on_threads(rig: Rig) -> None:
    rig.concurrently(*[rig.servers.create] * 10)
    servers = rig.servers.list()
    alive = [server for server in servers if server.status == "ACTIVE"]
    assert (len(alive), len(servers)) == (6, 10)
    assert set(Counter(server.host for server in alive).values()) == {2}
    rig.concurrently(*[lambda server=server: rig.servers.delete(server) for server in servers])
    assert len(rig.servers.list()) == 0
    assert rig.placement.list_allocations() == ()


@pytest.mark.topology(Topology(cells=[Cell("cell1", 3)]), live=True)
def test_a_failed_build_lands_on_an_alternate_on_threads(rig: Rig) -> None:
    rig.faults.fail("driver.spawn", times=2)
    server = rig.servers.create()
    assert (server.status, server.fault) == ("ACTIVE", None)


@pytest.mark.topology(Topology(cells=[Cell("cell1", 1)]), live=True)
def test_a_service_that_dies_on_threads_cleans_up_when_it_is_back(rig: Rig) -> None:
    rig.faults.crash_before("driver.spawn", times=1)
    server = rig.servers.create()
    rig.restart("cell1-host1")
    after = rig.servers.show(server)
    assert (after.status, after.host) == ("ERROR", None)
    assert after.fault is not None
    assert "interrupted" in after.fault.message
    assert rig.servers.create().status == "ACTIVE"


@pytest.mark.topology(live=True)
def test_a_held_build_is_seen_in_between_on_threads(rig: Rig) -> None:
    hold = rig.faults.hold("driver.spawn")
    server = rig.servers.create()
    assert (server.status, server.task_state) == ("BUILD", "spawning")
    hold.release()
    rig.settle()
    assert rig.servers.show(server).status == "ACTIVE"


@pytest.mark.topology(live=True)
def test_a_rig_on_threads_goes_back_to_a_snapshot_and_its_clock_goes_on(rig: Rig) -> None:
    kept = rig.servers.create(name="kept")
    before = rig.runtime.now()
    snapshot = rig.snapshot()
    rig.servers.create(name="lost")
    rig.restore(snapshot)
    assert [server.id for server in rig.servers.list()] == [kept.id]
    assert rig.runtime.now() >= before
