"""The life of servers while every service reaches placement over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.db.database import Database
from cellrig.errors import NotFound
from cellrig.http.placement import placement_application
from cellrig.http.session import FaceSession
from cellrig.placement import Placement, PlacementClient, placement_image
from cellrig.placement.rest import RestPlacement
from cellrig.runtime.virtual import VirtualRuntime

THREE_HOSTS = Topology(cells=[Cell("cell1", 3)])
ROOM_FOR_ONE = Topology(
    cells=[Cell("cell1", 1)],
    options={"vcpus": 1, "cpu_allocation_ratio": 1, "memory_mb": 4096, "disk_gb": 100},
)


def over_http(placement: PlacementClient) -> RestPlacement:
    """Put a REST face in front of placement, and a client in front of that."""
    session = FaceSession(placement_application(placement, "/placement"), "http://placement.test")
    return RestPlacement(session, f"{session.base_url}/placement")


def live(rig: Rig) -> None:
    """Build servers, one of them at the second attempt, and delete them."""
    rig.faults.fail("driver.spawn", host="cell1-host1", times=1)
    first = rig.servers.create()
    second = rig.servers.create()
    assert (first.status, second.status) == ("ACTIVE", "ACTIVE")
    assert first.host != "cell1-host1"
    for server in (first, second):
        held = rig.placement.get_allocations(server.id)
        assert held is not None
        (provider,) = held.allocations
        assert rig.placement.get_provider(provider).name == server.host
        assert rig.guest(server).uuid == server.id
    rig.advance(120)
    for server in (first, second):
        rig.servers.delete(server)
        with pytest.raises(NotFound):
            rig.servers.show(server)
    assert rig.placement.list_allocations() == ()


def test_servers_live_over_http_and_the_audit_finds_nothing() -> None:
    with Rig(THREE_HOSTS, placement=over_http) as rig:
        assert isinstance(rig.placement, RestPlacement)
        live(rig)


def test_a_cloud_that_is_full_refuses_over_http() -> None:
    with Rig(ROOM_FOR_ONE, placement=over_http) as rig:
        assert rig.servers.create().status == "ACTIVE"
        refused = rig.servers.create()
        assert refused.status == "ERROR"
        assert refused.fault is not None
        assert "no valid host" in refused.fault.message.lower()


@pytest.fixture
def elsewhere() -> Iterator[Placement]:
    """A placement service that belongs to no rig."""
    database = Database("elsewhere", placement_image(), VirtualRuntime())
    yield Placement(database)
    database.close()


def test_servers_live_with_a_placement_that_is_elsewhere(elsewhere: Placement) -> None:
    with Rig(THREE_HOSTS, audit=False, placement=lambda _own: over_http(elsewhere)) as rig:
        live(rig)
        assert [each.name for each in elsewhere.list_providers()] == list(rig.host_names)
