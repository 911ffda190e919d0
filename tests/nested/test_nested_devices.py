"""Cards and their functions: contradictions are refused, and what a guest has is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cellrig import Rig, Topology
from cellrig.errors import InvalidTopology
from cellrig.model import PowerState
from cellrig.placement.types import AllocationsWrite, Inventory, ProviderRecord
from cellrig_fake.driver import FakeDriver
from cellrig_pytest import RigFactory

ROUND = 61.0
PUBLIC = {"address": "0000:81:00.0", "physical_network": "public", "vfs": 2}
STORAGE = {"address": "0000:82:00.0", "physical_network": "storage", "vfs": 2}
FIRST, SECOND = "host1_0000:81:00.0", "host1_0000:82:00.0"
VF = {"resources:SRIOV_NET_VF": "1"}
ON_STORAGE = {"resources1:SRIOV_NET_VF": "1", "trait1:CUSTOM_PHYSNET_STORAGE": "required"}
Trees = Callable[[Rig, str], dict[str, ProviderRecord]]


@pytest.mark.parametrize(
    ("cards", "told"),
    [
        ([PUBLIC, {"address": "0000:81:02.0"}], "'0000:81:02.0' once, not 2 times"),
        ([PUBLIC, {**PUBLIC, "vfs": 0}], "'0000:81:00.0' once, not 2 times"),
        (
            [{**PUBLIC, "tree": "root"}, {**STORAGE, "tree": "root"}],
            "0000:82:00.0 and 0000:81:00.0 differ",
        ),
        (
            [{**PUBLIC, "tree": "root"}, {**PUBLIC, "address": STORAGE["address"], "tree": "root"}],
            None,
        ),
        ([PUBLIC, {**STORAGE, "numa_node": 1}], "a numa_node below numa_cells"),
    ],
    ids=["card and its function", "card twice", "pool of two networks", "pool of one", "cell"],
)
def test_50_cards_that_contradict_each_other_are_refused_before_anything_starts(
    cloud: Callable[..., Topology], cards: list[dict[str, Any]], told: str | None
) -> None:
    if told is None:
        Rig(cloud({"sriov": cards}))
        return
    with pytest.raises(InvalidTopology) as refused:
        Rig(cloud({"sriov": cards}))
    assert told in str(refused.value)


@pytest.mark.parametrize("form", ["inventory", "children", "root"])
def test_50_a_guest_has_a_function_of_the_provider_that_its_server_holds(
    rig_factory: RigFactory, cloud: Callable[..., Topology], form: str
) -> None:
    rig = rig_factory(cloud({"sriov": [{**PUBLIC, "tree": form}]}))
    rig.flavors.create("vf", extra_specs=VF)
    servers = rig.servers.create(flavor="vf", count=2)
    addresses = [str(device.address) for s in servers for device in rig.guest(s).devices]
    assert sorted(addresses) == ["0000:81:02.0", "0000:81:02.1"]


@pytest.mark.parametrize("form", ["inventory", "children"])
@pytest.mark.parametrize("network", ["storage", "Storage-2"])
def test_50_a_function_on_a_named_network_is_of_the_card_that_is_wired_to_it(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees, form: str, network: str
) -> None:
    cards = [{**PUBLIC, "tree": form}, {**STORAGE, "physical_network": network, "tree": form}]
    rig = rig_factory(cloud({"sriov": cards}))
    trait = {"storage": "CUSTOM_PHYSNET_STORAGE", "Storage-2": "CUSTOM_PHYSNET_STORAGE_2"}[network]
    specs = {"resources1:SRIOV_NET_VF": "1", "trait1:" + trait: "required"}
    rig.flavors.create("storage", extra_specs=specs)
    servers = rig.servers.create(flavor="storage", count=2)
    assert [s.status for s in servers] == ["ACTIVE", "ACTIVE"], servers[0].fault
    for server in servers:
        (device,) = rig.guest(server).devices
        assert str(device.address).startswith("0000:82:")
    assert rig.servers.create(flavor="storage").status == "ERROR"


def test_50_a_card_that_is_pulled_out_stays_what_its_guest_holds_until_it_is_given_back(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
    writes: Callable[[Rig, Callable[[], object]], list[str]],
) -> None:
    rig = rig_factory(cloud({"sriov": [PUBLIC, STORAGE]}))
    rig.flavors.create("vf", extra_specs=VF)
    rig.flavors.create("storage", extra_specs=ON_STORAGE)
    server = rig.servers.create(flavor="storage")
    before = rig.placement.get_allocations(server.id)

    refit(rig, "host1", sriov=[PUBLIC])

    assert rig.services.is_up("host1")
    held = rig.placement.get_allocations(server.id)
    assert held is not None
    assert before is not None
    assert (held.allocations, held.generation) == (before.allocations, before.generation)
    kept = tree(rig, "host1")[SECOND]
    assert kept.inventories["SRIOV_NET_VF"].capacity == kept.usages["SRIOV_NET_VF"] == 1
    assert "CUSTOM_PHYSNET_STORAGE" in kept.traits
    assert rig.guest(server).power_state == PowerState.RUNNING
    assert writes(rig, lambda: rig.advance(ROUND)) == []
    assert rig.servers.create(flavor="storage").status == "ERROR"
    assert rig.servers.create(flavor="vf").status == "ACTIVE"

    rig.servers.delete(server)
    rig.advance(ROUND)
    assert SECOND not in tree(rig, "host1")


def test_50_a_function_that_is_pulled_out_keeps_the_card_above_it(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
) -> None:
    rig = rig_factory(cloud({"sriov": [{**PUBLIC, "tree": "children"}]}))
    rig.flavors.create("vf", extra_specs=VF)
    server = rig.servers.create(flavor="vf")
    refit(rig, "host1")
    assert set(tree(rig, "host1")) == {"host1", FIRST, "host1_0000:81:02.0"}
    rig.servers.delete(server)
    rig.advance(ROUND)
    assert set(tree(rig, "host1")) == {"host1"}


def test_50_a_provider_that_is_claimed_of_just_when_it_shall_go_is_kept(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud({}), audit=False)  # its consumer is nobody's server
    root = tree(rig, "host1")["host1"]
    card, consumer = rig.new_uuid(), rig.new_uuid()
    rig.placement.create_provider(FIRST, uuid=card, parent_uuid=root.uuid)
    rig.placement.set_inventories(card, {"SRIOV_NET_VF": Inventory(4)}, generation=0)
    hold = rig.faults.hold("placement.delete_provider", times=1)
    rig.advance(ROUND)
    assert hold.reached
    claim = AllocationsWrite({card: {"SRIOV_NET_VF": 1}}, "project", "user")
    rig.placement.put_allocations(consumer, claim)
    hold.release()
    rig.settle()
    assert rig.placement.get_allocations(consumer) is not None
    assert tree(rig, "host1")[FIRST].inventories["SRIOV_NET_VF"].capacity == 1


def test_50_a_card_that_is_retyped_while_its_function_is_held_keeps_that_function(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
) -> None:
    rig = rig_factory(cloud({"sriov": [PUBLIC]}))
    rig.flavors.create("vf", extra_specs=VF)
    server = rig.servers.create(flavor="vf")
    refit(rig, "host1", sriov=[{**PUBLIC, "vfs": 0}])
    card = tree(rig, "host1")[FIRST]
    assert set(card.inventories) == {"PCI_DEVICE", "SRIOV_NET_VF"}
    assert card.inventories["SRIOV_NET_VF"].capacity == 1
    assert rig.servers.create(flavor="vf").status == "ERROR"
    rig.servers.delete(server)
    rig.advance(ROUND)
    assert set(tree(rig, "host1")[FIRST].inventories) == {"PCI_DEVICE"}


def test_50_a_server_whose_guest_is_lost_is_healed_with_any_function(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud({"sriov": [PUBLIC]}), audit=False)  # the guest stays lost
    rig.flavors.create("vf", extra_specs=VF)
    server = rig.servers.create(flavor="vf")
    driver = rig.driver("host1")
    assert isinstance(driver, FakeDriver)
    driver.lose_guest(server.id)
    rig.placement.delete_allocations(server.id)
    rig.advance(ROUND)
    assert tree(rig, "host1")[FIRST].usages == {"SRIOV_NET_VF": 1}


@pytest.mark.parametrize("form", ["inventory", "children", "root"])
def test_50_lost_allocations_are_healed_where_the_guests_own_devices_are(
    rig_factory: RigFactory, cloud: Callable[..., Topology], form: str
) -> None:
    cards = [{**PUBLIC, "tree": form}, {**PUBLIC, "address": STORAGE["address"], "tree": form}]
    rig = rig_factory(cloud({"sriov": cards, "numa_cells": 2}))
    rig.flavors.create("vf", extra_specs=VF)
    servers = rig.servers.create(flavor="vf", count=4)
    before = {s.id: rig.placement.get_allocations(s.id) for s in servers}
    devices = {
        s.id: [held for held in before[s.id].allocations.values() if "SRIOV_NET_VF" in held]  # type: ignore[union-attr]
        for s in servers
    }
    assert all(len(held) == 1 for held in devices.values())
    for server in servers[1:]:
        rig.placement.delete_allocations(server.id)
    rig.advance(ROUND)
    for server in servers:
        held, lost = rig.placement.get_allocations(server.id), before[server.id]
        assert held is not None
        assert lost is not None
        assert _functions(held.allocations) == _functions(lost.allocations)


def test_49_functions_that_are_split_over_cards_are_never_given_twice(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud({"sriov": [PUBLIC, STORAGE]}))
    rig.flavors.create("two", extra_specs={"resources:SRIOV_NET_VF": "2"})
    rig.flavors.create("one", extra_specs=VF)
    first = rig.servers.create(flavor="one")
    second = rig.servers.create(flavor="two")
    third = rig.servers.create(flavor="one")
    assert [s.status for s in (first, second, third)] == ["ACTIVE"] * 3
    assert rig.servers.create(flavor="one").status == "ERROR"
    rig.servers.delete(second)
    rig.advance(ROUND)
    servers = rig.servers.create(flavor="one", count=2)
    assert {s.status for s in servers} == {"ACTIVE"}
    given = [d.address for s in (first, third, *servers) for d in rig.guest(s).devices]
    assert len(given) == len(set(given)) == 4
    cards = tree(rig, "host1")
    assert [cards[name].usages["SRIOV_NET_VF"] for name in (FIRST, SECOND)] == [2, 2]


def _functions(allocations: dict[str, dict[str, int]]) -> dict[str, int]:
    return {
        uuid: held["SRIOV_NET_VF"] for uuid, held in allocations.items() if "SRIOV_NET_VF" in held
    }
