"""Drivers that misbehave: the server pays for it, the rig goes on, nothing leaks."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig import Cell, Host, Rig, Server, Topology
from cellrig.driver.reports import GuestEventKind
from cellrig.model import PowerState
from cellrig_fake import FakeDriver
from cellrig_pytest.factory import RigFactory


def topology(*behaviours: dict[str, Any], hosts: int = 2, **options: Any) -> Topology:
    """A cell whose hosts all misbehave the same way."""
    return Topology(
        cells=[Cell("cell1", hosts)], options={"behaviours": list(behaviours), **options}
    )


def fake(rig: Rig, host: str = "cell1-host1") -> FakeDriver:
    driver = rig.driver(host)
    assert isinstance(driver, FakeDriver)
    return driver


def told(server: Server) -> str:
    assert server.fault is not None
    return server.fault.message


@pytest.mark.topology(topology({"on": "spawn", "error": "abort", "message": "bad image"}))
def test_a_driver_that_aborts_a_build_is_believed(rig: Rig) -> None:
    server = rig.servers.create()
    assert (server.status, server.host) == ("ERROR", None)
    assert "bad image" in told(server)
    assert "cell1-host2" not in told(server)


@pytest.mark.topology(topology({"on": "spawn", "error": "bug", "message": "index out of range"}))
def test_a_driver_that_raises_something_unknown_has_a_bug(rig: Rig) -> None:
    server = rig.servers.create()
    assert server.status == "ERROR"
    assert "RuntimeError: index out of range" in told(server)
    assert "bug of the driver" in told(server)
    assert rig.placement.list_allocations() == ()


@pytest.mark.topology(topology({"on": "spawn", "does": "fail_after", "times": 1, "per": "cloud"}))
def test_a_driver_that_fails_after_it_has_made_the_guest_leaves_none(rig: Rig) -> None:
    server = rig.servers.create()
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    assert list(fake(rig).list_guests()) == []


@pytest.mark.topology(topology({"on": "spawn", "does": "vanish", "times": 1, "per": "cloud"}))
def test_a_guest_that_is_gone_right_after_its_birth_sends_the_server_on(rig: Rig) -> None:
    server = rig.servers.create()
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")


@pytest.mark.topology(topology({"on": "spawn", "does": "die", "times": 1}, hosts=1))
def test_a_guest_that_crashes_right_after_its_birth_is_shown_as_what_it_is(rig: Rig) -> None:
    server = rig.servers.create()
    assert rig.guest(server).power_state == PowerState.CRASHED
    rig.advance(700)
    after = rig.servers.show(server)
    assert (after.status, after.power_state) == ("SHUTOFF", PowerState.CRASHED)


@pytest.mark.topology(topology({"on": "destroy", "error": "bug", "times": 1}, hosts=1))
def test_a_driver_that_cannot_destroy_leaves_an_error_that_can_be_deleted_again(rig: Rig) -> None:
    server = rig.servers.create()
    rig.servers.delete(server)
    after = rig.servers.show(server)
    assert (after.status, after.host) == ("ERROR", "cell1-host1")
    assert "bug of the driver" in told(after)
    rig.servers.delete(server)
    assert len(rig.servers.list()) == 0
    assert list(fake(rig).list_guests()) == []


@pytest.mark.topology(
    topology(
        {"on": "spawn", "does": "fail_after", "times": 1, "per": "cloud"},
        {"on": "destroy", "times": 1, "per": "cloud"},
    )
)
def test_a_guest_that_cannot_be_removed_after_a_failed_build_is_removed_later(rig: Rig) -> None:
    server = rig.servers.create()
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    assert [guest.uuid for guest in fake(rig).list_guests()] == [server.id]
    rig.advance(1900)
    assert list(fake(rig).list_guests()) == []


@pytest.mark.topology(
    topology({"on": "update_provider_tree", "does": "nonsense", "skip": 1, "times": 2}, hosts=1)
)
def test_nonsense_about_providers_changes_nothing_and_is_read_again_later(rig: Rig) -> None:
    server = rig.servers.create()
    trees = [rig.placement.get_provider_tree(node.uuid) for node in rig.hypervisors.list()]
    rig.advance(130)
    assert [rig.placement.get_provider_tree(node.uuid) for node in rig.hypervisors.list()] == trees
    assert rig.servers.show(server).status == "ACTIVE"
    assert rig.servers.create().status == "ACTIVE"


@pytest.mark.topology(topology({"on": "update_provider_tree", "skip": 1, "error": "unavailable"}))
def test_a_hypervisor_that_falls_silent_does_not_stop_the_upkeep_of_others(rig: Rig) -> None:
    server = rig.servers.create()
    rig.advance(300)
    assert rig.services.is_up("cell1-host1")
    assert rig.servers.show(server).status == "ACTIVE"


def test_what_happens_behind_its_back_is_followed(rig: Rig) -> None:
    server = rig.servers.create()
    fake(rig, str(server.host)).change_power(server.id, PowerState.SHUTDOWN)
    rig.settle()
    after = rig.servers.show(server)
    assert (after.status, after.power_state) == ("SHUTOFF", PowerState.SHUTDOWN)
    assert rig.servers.start(server).status == "ACTIVE"


@pytest.mark.topology(topology(lifecycle_events=False))
def test_what_nobody_tells_of_is_seen_by_the_periodic_work(rig: Rig) -> None:
    server = rig.servers.create()
    driver = fake(rig, str(server.host))
    driver.change_power(server.id, PowerState.SHUTDOWN)
    assert rig.servers.show(server).status == "ACTIVE"
    rig.advance(610)
    assert rig.servers.show(server).status == "SHUTOFF"
    driver.lose_guest(server.id)
    rig.advance(610)
    lost = rig.servers.show(server)
    assert (lost.status, lost.power_state) == ("SHUTOFF", PowerState.NOSTATE)
    assert rig.servers.start(server).status == "ACTIVE"


@pytest.mark.topology(topology(lifecycle_events=False))
def test_a_stopped_server_that_somebody_started_is_stopped_again(rig: Rig) -> None:
    server = rig.servers.create()
    rig.servers.stop(server)
    fake(rig, str(server.host)).change_power(server.id, PowerState.RUNNING)
    rig.advance(610)
    assert rig.guest(server).power_state == PowerState.SHUTDOWN
    assert rig.servers.show(server).status == "SHUTOFF"


def test_a_guest_that_vanishes_with_a_word_is_shown_as_gone(rig: Rig) -> None:
    server = rig.servers.create()
    fake(rig, str(server.host)).lose_guest(server.id, tell=GuestEventKind.STOPPED)
    rig.settle()
    assert rig.servers.show(server).status == "SHUTOFF"


@pytest.mark.topology(topology(hosts=1))
def test_an_allocation_that_is_lost_is_claimed_again(rig: Rig) -> None:
    server = rig.servers.create()
    before = rig.placement.get_allocations(server.id)
    assert before is not None
    rig.placement.delete_allocations(server.id)
    rig.advance(61)
    after = rig.placement.get_allocations(server.id)
    assert after is not None
    assert after.allocations == before.allocations


def test_a_host_that_describes_itself_as_nonsense_gets_no_servers_and_the_others_do(
    rig_factory: RigFactory,
) -> None:
    broken = {"behaviours": [{"on": "update_provider_tree", "does": "nonsense"}]}
    rig: Rig = rig_factory(
        Topology(cells=[Cell("cell1", [Host("bad", options=broken), Host("good")])])
    )
    assert {server.host for server in rig.servers.create(count=3)} == {"good"}
    assert [provider.name for provider in rig.placement.list_providers()] == ["good"]
    refused = rig.servers.create(host="bad")
    assert refused.status == "ERROR"
    assert "bad" in told(refused)
