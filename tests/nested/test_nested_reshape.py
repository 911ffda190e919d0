"""Trees that change their shape while guests hold parts of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from cellrig import Rig, Server, Topology
from cellrig.model import PowerState
from cellrig.placement.errors import ConcurrentUpdate
from cellrig.placement.types import ProviderRecord
from cellrig_pytest import RigFactory

CARD = {"address": "0000:81:00.0", "physical_network": "public", "vfs": 2}
OTHER = {"address": "0000:82:00.0", "physical_network": "public", "vfs": 2}
FLAT = {"sriov": [{**card, "tree": "root"} for card in (CARD, OTHER)]}
CARDS = {"sriov": [CARD, OTHER]}
FUNCTIONS = {"sriov": [{**card, "tree": "children"} for card in (CARD, OTHER)]}
FIRST, SECOND = "host1_0000:81:00.0", "host1_0000:82:00.0"
VF = {"resources:SRIOV_NET_VF": "1"}
Trees = Callable[[Rig, str], dict[str, ProviderRecord]]


def holders(rig: Rig, record: ProviderRecord) -> dict[str, int]:
    """Return who holds how many functions of a provider."""
    return {
        consumer.consumer_uuid: consumer.allocations[record.uuid]["SRIOV_NET_VF"]
        for consumer in rig.placement.get_provider_allocations(record.uuid).consumers
        if "SRIOV_NET_VF" in consumer.allocations[record.uuid]
    }


def guests_by_address(rig: Rig, servers: Iterable[Server]) -> dict[str, str]:
    """Return the servers by the address of the one device that each has."""
    return {str(rig.guest(server).devices[0].address): server.id for server in servers}


def test_46_functions_move_from_the_root_to_their_cards_with_guests_in_place(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
) -> None:
    rig = rig_factory(cloud(FLAT))
    rig.flavors.create("vf", extra_specs=VF)
    by_address = guests_by_address(rig, rig.servers.create(flavor="vf", count=3))
    # So that the others are not where a first fit would put them.
    rig.servers.delete(by_address.pop("0000:81:02.0"))
    assert sorted(by_address) == ["0000:81:02.1", "0000:82:02.0"]

    refit(rig, "host1", **CARDS)

    after = tree(rig, "host1")
    assert "SRIOV_NET_VF" not in after["host1"].inventories
    assert "HW_NIC_SRIOV" not in after["host1"].traits
    assert [after[name].inventories["SRIOV_NET_VF"].total for name in (FIRST, SECOND)] == [2, 2]
    assert holders(rig, after[FIRST]) == {by_address["0000:81:02.1"]: 1}
    assert holders(rig, after[SECOND]) == {by_address["0000:82:02.0"]: 1}
    for server in by_address.values():
        assert rig.guest(server).power_state == PowerState.RUNNING
    assert [s.status for s in rig.servers.create(flavor="vf", count=2)] == ["ACTIVE", "ACTIVE"]
    assert rig.servers.create(flavor="vf").status == "ERROR"


def test_46_a_guest_goes_to_the_very_function_that_it_has(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
) -> None:
    rig = rig_factory(cloud(FLAT))
    rig.flavors.create("vf", extra_specs=VF)
    servers = rig.servers.create(flavor="vf", count=4)
    rig.servers.delete(servers[0])
    rig.servers.delete(servers[2])
    addresses = {s.id: rig.guest(s).devices[0].address for s in (servers[1], servers[3])}
    refit(rig, "host1", **FUNCTIONS)
    after = tree(rig, "host1")
    for uuid, address in addresses.items():
        assert holders(rig, after[f"host1_{address}"]) == {uuid: 1}
    again = rig.servers.create(flavor="vf", count=2)
    assert {s.status for s in again} == {"ACTIVE"}


def test_46_old_and_new_trees_serve_the_same_flavor_side_by_side(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
) -> None:
    rig = rig_factory(cloud(FLAT, FLAT))
    rig.flavors.create("vf", extra_specs=VF)
    before = rig.servers.create(flavor="vf", count=2)
    refit(rig, "host1", **CARDS)
    assert set(tree(rig, "host1")) == {"host1", FIRST, SECOND}
    assert set(tree(rig, "host2")) == {"host2"}
    later = rig.servers.create(flavor="vf", count=6)
    assert {s.status for s in (*before, *later)} == {"ACTIVE"}
    assert sum(s.host == "host1" for s in (*before, *later)) == 4
    assert rig.servers.create(flavor="vf").status == "ERROR"


def test_46_a_reshape_that_somebody_got_in_the_way_of_is_done_again(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
) -> None:
    """Behaviours 43 and 46: d98986415c, a generation that changes while a tree is reshaped."""
    rig = rig_factory(cloud(FLAT))
    rig.flavors.create("vf", extra_specs=VF)
    server = rig.servers.create(flavor="vf")
    stale = ConcurrentUpdate("resource provider host1", 3, 4)
    rule = rig.faults.fail("placement.reshape", error=stale, times=2)
    refit(rig, "host1", **CARDS)
    assert rule.fired == 2
    assert holders(rig, tree(rig, "host1")[FIRST]) == {server.id: 1}


def test_46_a_service_that_dies_in_a_reshape_does_it_when_it_is_back(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
) -> None:
    rig = rig_factory(cloud(FLAT))
    rig.flavors.create("vf", extra_specs=VF)
    server = rig.servers.create(flavor="vf")
    rig.faults.fail("placement.reshape", times=1)
    refit(rig, "host1", **CARDS)
    assert holders(rig, tree(rig, "host1")["host1"]) == {server.id: 1}
    rig.advance(61)
    after = tree(rig, "host1")
    assert holders(rig, after[FIRST]) == {server.id: 1}
    assert "SRIOV_NET_VF" not in after["host1"].inventories


def test_46_processors_and_memory_move_to_numa_cells_with_guests_in_place(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
) -> None:
    size = {"vcpus": 4, "memory_mb": 4096, "cpu_allocation_ratio": 1, "ram_allocation_ratio": 1}
    rig = rig_factory(cloud(size))
    rig.flavors.create("two", vcpus=2, memory_mb=2048)
    rig.servers.create(flavor="two", count=2)
    refit(rig, "host1", **size, numa_cells=2)
    after = tree(rig, "host1")
    for cell in ("host1_NUMA0", "host1_NUMA1"):
        assert after[cell].usages == {"VCPU": 2, "MEMORY_MB": 2048}
    assert set(after["host1"].inventories) == {"DISK_GB"}


@pytest.mark.parametrize(
    "bogus",
    [
        {"children": [{"name": "odd", "inventory": {"NO_SUCH_CLASS": 1}}]},
        {"traits": ["HW_NO_SUCH_TRAIT"]},
    ],
    ids=["class", "trait"],
)
def test_46_a_bogus_class_or_trait_does_not_kill_the_service(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
    bogus: dict[str, object],
) -> None:
    rig = rig_factory(cloud(bogus, {}))
    assert rig.services.is_up("host1")
    assert [node.host for node in rig.hypervisors.list()] == ["host1", "host2"]
    rig.advance(61)
    assert rig.services.is_up("host1")
    refit(rig, "host1")
    assert tree(rig, "host1")["host1"].inventories["VCPU"].total == 64
    assert rig.servers.create(count=2)[0].status == "ACTIVE"
    assert len(rig.placement.list_providers(name="host1")) == 1


def test_46_a_function_that_is_gone_stays_with_its_guest_while_the_others_move(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
) -> None:
    """Behaviours 46 and 50."""
    rig = rig_factory(cloud(FLAT))
    rig.flavors.create("vf", extra_specs=VF)
    guests = guests_by_address(rig, rig.servers.create(flavor="vf", count=3))
    refit(rig, "host1", sriov=[CARD])
    after = tree(rig, "host1")
    assert holders(rig, after[FIRST]) == {guests["0000:81:02.0"]: 1, guests["0000:81:02.1"]: 1}
    assert holders(rig, after["host1"]) == {guests["0000:82:02.0"]: 1}
    assert after["host1"].inventories["SRIOV_NET_VF"].capacity == 1
    assert rig.servers.create(flavor="vf").status == "ERROR"
    rig.servers.delete(guests["0000:82:02.0"])
    rig.advance(61)
    assert "SRIOV_NET_VF" not in tree(rig, "host1")["host1"].inventories
