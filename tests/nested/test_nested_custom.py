"""Servers that take resources of child providers: nothing of them is left behind."""

from __future__ import annotations

from collections.abc import Callable

from cellrig import Rig, Topology
from cellrig.placement.types import ProviderRecord
from cellrig_fake import PERSONALITIES
from cellrig_pytest import RigFactory

NESTED = PERSONALITIES["MediumFakeDriverWithNestedCustomResources"]
RESCHEDULE = PERSONALITIES["FakeRescheduleDriverWithNestedCustomResources"]
ABORT = PERSONALITIES["FakeBuildAbortDriverWithNestedCustomResources"]
MAGIC = {"resources:CUSTOM_MAGIC": "3"}
Trees = Callable[[Rig, str], dict[str, ProviderRecord]]


def magic(tree: Trees, rig: Rig, host: str) -> int:
    """Return how much magic of a host is taken."""
    return tree(rig, host)[f"{host}-child"].usages["CUSTOM_MAGIC"]


def test_44_a_server_takes_of_the_child_and_gives_it_back_when_it_is_deleted(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud(NESTED))
    rig.flavors.create("magic", vcpus=2, extra_specs=MAGIC)
    server = rig.servers.create(flavor="magic")
    nodes = tree(rig, "host1")
    held = rig.placement.get_allocations(server.id)
    assert held is not None
    assert set(held.allocations) == {nodes["host1"].uuid, nodes["host1-child"].uuid}
    assert held.allocations[nodes["host1-child"].uuid] == {"CUSTOM_MAGIC": 3}
    rig.servers.delete(server)
    assert magic(tree, rig, "host1") == 0
    assert rig.placement.get_allocations(server.id) is None


def test_44_a_rescheduled_server_leaves_nothing_at_the_first_hosts_child(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud(RESCHEDULE, RESCHEDULE))
    rig.flavors.create("magic", extra_specs=MAGIC)
    server = rig.servers.create(flavor="magic")
    assert (server.status, server.host) == ("ACTIVE", "host2")
    assert [magic(tree, rig, host) for host in ("host1", "host2")] == [0, 3]


def test_44_an_aborted_build_leaves_nothing_at_any_child(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud(ABORT, ABORT))
    rig.flavors.create("magic", extra_specs=MAGIC)
    server = rig.servers.create(flavor="magic")
    assert server.status == "ERROR"
    assert [magic(tree, rig, host) for host in ("host1", "host2")] == [0, 0]
    rig.servers.delete(server)


def test_44_a_server_is_refused_when_the_children_are_used_up_and_fits_again_later(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud(NESTED))
    rig.flavors.create("magic", extra_specs=MAGIC)
    servers = rig.servers.create(flavor="magic", count=3)
    late = rig.servers.create(flavor="magic")
    assert late.status == "ERROR"
    assert "CUSTOM_MAGIC: 3 requested, 1 free" in str(late.fault)
    rig.servers.delete(servers[0])
    assert rig.servers.create(flavor="magic").status == "ACTIVE"
    assert magic(tree, rig, "host1") == 9


def test_44_lost_allocations_are_healed_with_those_of_the_child(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    """Behaviours 44 and 50: what the root has not cannot be claimed of it."""
    rig = rig_factory(cloud(NESTED))
    rig.flavors.create("magic", extra_specs=MAGIC)
    server = rig.servers.create(flavor="magic")
    before = rig.placement.get_allocations(server.id)
    rig.placement.delete_allocations(server.id)
    rig.advance(61)
    after = rig.placement.get_allocations(server.id)
    assert before is not None
    assert after is not None
    assert after.allocations == before.allocations
    assert magic(tree, rig, "host1") == 3
