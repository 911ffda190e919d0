"""Providers, what they have, what they are like, and how a tree is changed as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig.errors import Invalid
from cellrig.placement.errors import (
    ConcurrentUpdate,
    DuplicateName,
    InventoryInUse,
    ProviderHasChildren,
    ProviderInUse,
    ProviderNotFound,
    ResourceClassInUse,
    ResourceClassNotFound,
    TraitInUse,
    TraitNotFound,
)
from cellrig.placement.types import AllocationsWrite, InventoriesWrite, Inventory, Provider


def test_a_tree_is_told_whole_with_the_root_first(forest: Any) -> None:
    root = forest.provider("node", {"VCPU": 8}, traits=("COMPUTE_NODE",), aggregates=("a",))
    child = forest.provider("pf", {"SRIOV_NET_VF": 4}, parent=root)
    grandchild = forest.provider("vf", {}, parent=child)
    forest.claim({child: {"SRIOV_NET_VF": 1}})
    tree = forest.placement.get_provider_tree(grandchild)
    assert [record.uuid for record in tree] == [root, child, grandchild]
    assert {record.root_uuid for record in tree} == {root}
    assert [record.parent_uuid for record in tree] == [None, root, child]
    assert tree[0].traits == {"COMPUTE_NODE"}
    assert tree[0].aggregates == {"a"}
    assert tree[0].inventories == {"VCPU": Inventory(8)}
    assert tree[1].usages == {"SRIOV_NET_VF": 1}
    assert forest.placement.get_provider_tree(forest.fresh()) == ()


def test_names_and_uuids_are_unique(forest: Any) -> None:
    host = forest.host("host")
    with pytest.raises(DuplicateName, match="name host exists already"):
        forest.placement.create_provider("host", uuid=forest.fresh())
    with pytest.raises(DuplicateName, match="uuid"):
        forest.placement.create_provider("another", uuid=host)
    other = forest.host("other")
    with pytest.raises(DuplicateName):
        forest.placement.update_provider(other, name="host", parent_uuid=None)
    renamed = forest.placement.update_provider(other, name="renamed", parent_uuid=None)
    assert renamed == forest.placement.get_provider(other)
    assert renamed.name == "renamed"


def test_a_provider_moves_with_all_below_it(forest: Any) -> None:
    first, second = forest.host("first"), forest.host("second")
    numa = forest.provider("numa", {"PCPU": 4}, parent=first)
    function = forest.provider("pf", {"SRIOV_NET_VF": 4}, parent=numa)
    forest.placement.update_provider(numa, name="numa", parent_uuid=second)
    assert forest.placement.get_provider(function).root_uuid == second
    assert forest.holders({"VCPU": 1, "SRIOV_NET_VF": 1}) == [{second, function}]
    alone = forest.placement.update_provider(numa, name="numa", parent_uuid=None)
    shown = Provider(numa, "numa", forest.generation(numa), None, numa, alone.updated_at)
    assert alone == shown
    assert forest.holders({"PCPU": 1, "SRIOV_NET_VF": 1}) == [{numa, function}]


def test_a_tree_has_no_loops(forest: Any) -> None:
    root = forest.host("root")
    child = forest.provider("child", {}, parent=root)
    with pytest.raises(Invalid, match="it is below it"):
        forest.placement.update_provider(root, name="root", parent_uuid=child)
    with pytest.raises(Invalid, match="it is itself"):
        forest.placement.update_provider(root, name="root", parent_uuid=root)
    with pytest.raises(Invalid, match="there is no such provider"):
        forest.placement.create_provider("x", uuid=forest.fresh(), parent_uuid=forest.fresh())


def test_a_provider_that_is_needed_cannot_be_deleted(forest: Any) -> None:
    root = forest.host("root")
    child = forest.provider("child", {"SRIOV_NET_VF": 1}, parent=root)
    consumer = forest.claim({child: {"SRIOV_NET_VF": 1}})
    with pytest.raises(ProviderHasChildren):
        forest.placement.delete_provider(root)
    with pytest.raises(ProviderInUse):
        forest.placement.delete_provider(child)
    forest.placement.delete_allocations(consumer)
    forest.placement.delete_provider(child)
    forest.placement.delete_provider(root)
    assert forest.placement.list_providers() == ()
    with pytest.raises(ProviderNotFound):
        forest.placement.delete_provider(root)


def test_an_inventory_in_use_stays(forest: Any) -> None:
    host = forest.host("host")
    forest.claim({host: {"VCPU": 1}})
    generation = forest.generation(host)
    with pytest.raises(InventoryInUse, match="allocations of VCPU") as refused:
        forest.placement.set_inventories(host, {"DISK_GB": Inventory(5)}, generation=generation)
    assert refused.value.code == "placement.inventory.inuse"
    assert forest.placement.get_provider_tree(host)[0].inventories["DISK_GB"] == Inventory(100)
    changed = {"VCPU": Inventory(2)}
    assert forest.placement.set_inventories(host, changed, generation=generation) == generation + 1
    record = forest.placement.get_provider_tree(host)[0]
    assert (record.inventories, record.usages) == (changed, {"VCPU": 1})


def test_a_stale_generation_is_refused_everywhere(forest: Any) -> None:
    host = forest.host("host")
    placement = forest.placement
    stale = forest.generation(host) - 1
    with pytest.raises(ConcurrentUpdate) as refused:
        placement.set_inventories(host, {}, generation=stale)
    assert refused.value.code == "placement.concurrent_update"
    with pytest.raises(ConcurrentUpdate):
        placement.set_traits(host, set(), generation=stale)
    with pytest.raises(ConcurrentUpdate):
        placement.set_aggregates(host, set(), generation=stale)
    with pytest.raises(ConcurrentUpdate):
        placement.reshape({host: InventoriesWrite({}, stale)}, {})
    assert placement.set_aggregates(host, {"a"}, generation=None) == stale + 1


@pytest.mark.parametrize(
    ("inventory", "reason"),
    [
        (Inventory(0), "total is 0"),
        (Inventory(4, reserved=5), "reserved is 5, more than the total of 4"),
        (Inventory(4, min_unit=0), "min_unit is 0"),
        (Inventory(4, max_unit=0), "max_unit is 0"),
        (Inventory(4, step_size=0), "step_size is 0"),
        (Inventory(4, allocation_ratio=-1.0), "allocation_ratio is -1.0"),
    ],
)
def test_an_inventory_that_cannot_be_is_refused(
    forest: Any, inventory: Inventory, reason: str
) -> None:
    host = forest.host("host")
    with pytest.raises(Invalid, match=reason):
        forest.placement.set_inventories(
            host, {"VCPU": inventory}, generation=forest.generation(host)
        )


def test_unknown_classes_and_traits_are_refused_until_they_are_created(forest: Any) -> None:
    host = forest.host("host")
    placement = forest.placement
    generation = forest.generation(host)
    with pytest.raises(Invalid, match="CUSTOM_GOLD"):
        placement.set_inventories(host, {"CUSTOM_GOLD": Inventory(1)}, generation=generation)
    with pytest.raises(Invalid, match="CUSTOM_SHINY, NONSENSE"):
        placement.set_traits(host, {"NONSENSE", "CUSTOM_SHINY"}, generation=generation)
    assert placement.create_resource_class("CUSTOM_GOLD")
    assert not placement.create_resource_class("CUSTOM_GOLD")
    assert placement.create_trait("CUSTOM_SHINY")
    assert not placement.create_trait("CUSTOM_SHINY")
    generation = placement.set_inventories(
        host, {"CUSTOM_GOLD": Inventory(1)}, generation=generation
    )
    placement.set_traits(host, {"CUSTOM_SHINY"}, generation=generation)
    assert placement.list_resource_classes()[0] == "VCPU"
    assert placement.list_resource_classes()[-1] == "CUSTOM_GOLD"
    assert placement.list_traits(associated=True) == ("CUSTOM_SHINY",)
    assert placement.list_traits(prefix="CUSTOM_", associated=False) == ()
    assert placement.list_traits(among={"COMPUTE_NODE", "NONSENSE"}) == ("COMPUTE_NODE",)


def test_classes_and_traits_in_use_stay(forest: Any) -> None:
    placement = forest.placement
    placement.create_resource_class("CUSTOM_GOLD")
    host = forest.provider("host", {"CUSTOM_GOLD": 1}, traits=("CUSTOM_SHINY",))
    with pytest.raises(ResourceClassInUse):
        placement.delete_resource_class("CUSTOM_GOLD")
    with pytest.raises(TraitInUse):
        placement.delete_trait("CUSTOM_SHINY")
    placement.delete_provider(host)
    placement.delete_resource_class("CUSTOM_GOLD")
    placement.delete_trait("CUSTOM_SHINY")
    with pytest.raises(ResourceClassNotFound):
        placement.delete_resource_class("CUSTOM_GOLD")
    with pytest.raises(TraitNotFound):
        placement.delete_trait("CUSTOM_SHINY")
    with pytest.raises(Invalid, match="standard"):
        placement.delete_resource_class("VCPU")
    with pytest.raises(Invalid, match="standard"):
        placement.delete_trait("COMPUTE_NODE")
    with pytest.raises(Invalid, match="CUSTOM_"):
        placement.create_trait("CUSTOM_lower")


def test_providers_are_found_by_what_they_are(forest: Any) -> None:
    first = forest.provider("first", {"VCPU": 8}, traits=("COMPUTE_NODE",), aggregates=("a",))
    second = forest.provider("second", {"VCPU": 2}, aggregates=("a", "b"))
    child = forest.provider("child", {"SRIOV_NET_VF": 2}, parent=first)

    def found(**wanted: Any) -> list[str]:
        return [provider.uuid for provider in forest.placement.list_providers(**wanted)]

    assert found() == [first, second, child]
    assert found(name="second") == [second]
    assert found(uuid=child, in_tree=first) == [child]
    assert found(in_tree=child) == [first, child]
    assert found(resources={"VCPU": 3}) == [first]
    assert found(required=(frozenset({"COMPUTE_NODE", "HW_CPU_X86_AVX2"}),)) == [first]
    assert found(forbidden=frozenset({"COMPUTE_NODE"})) == [second, child]
    assert found(member_of=(frozenset({"a"}), frozenset({"b", "c"}))) == [second]
    assert found(forbidden_aggregates=frozenset({"a"})) == [child]
    with pytest.raises(Invalid, match="no such trait"):
        found(required=(frozenset({"NONSENSE"}),))


def test_a_reshape_moves_functions_with_guests_in_place_to_children(forest: Any) -> None:
    root = forest.provider("node", {"VCPU": 8, "SRIOV_NET_VF": 4})
    child = forest.provider("pf", {}, parent=root)
    guest = forest.claim({root: {"VCPU": 2, "SRIOV_NET_VF": 1}})
    placement = forest.placement
    inventories = {
        root: InventoriesWrite({"VCPU": Inventory(8)}, forest.generation(root)),
        child: InventoriesWrite({"SRIOV_NET_VF": Inventory(4)}, forest.generation(child)),
    }
    with pytest.raises(InventoryInUse):
        placement.reshape(inventories, {})
    assert forest.used(root, "SRIOV_NET_VF") == 1
    moved = {root: {"VCPU": 2}, child: {"SRIOV_NET_VF": 1}}
    placement.reshape(inventories, {guest: AllocationsWrite(moved, "project", "user", 1)})
    assert placement.get_allocations(guest).allocations == moved
    assert placement.get_provider_usages(root) == {"VCPU": 2}
    assert placement.get_provider_usages(child) == {"SRIOV_NET_VF": 1}
    assert forest.holders({"SRIOV_NET_VF": 4}) == []
    assert forest.holders({"SRIOV_NET_VF": 3}) == [{child}]
