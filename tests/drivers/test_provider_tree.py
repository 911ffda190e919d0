"""The tree that a driver edits: it refuses what cannot be, and says why."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from cellrig.driver import ProviderData, ProviderTree, ProviderTreeError
from cellrig.placement.types import Inventory


@pytest.fixture
def tree() -> ProviderTree:
    numbers = iter(range(1, 100))
    tree = ProviderTree(lambda: str(uuid.UUID(int=next(numbers))))
    tree.new_root("node1")
    tree.new_child("node1_pf", "node1")
    tree.new_child("node1_vf", "node1_pf")
    return tree


def test_providers_are_found_by_name_and_by_uuid(tree: ProviderTree) -> None:
    by_name = tree.data("node1_pf")
    assert tree.data(by_name.uuid) is by_name
    assert tree.exists("node1_pf")
    assert tree.exists(by_name.uuid)
    assert not tree.exists("node2")
    assert by_name.parent_uuid == tree.data("node1").uuid


def test_names_are_told_parents_first_and_beneath_a_provider(tree: ProviderTree) -> None:
    tree.new_root("node2")
    assert tree.names() == ("node1", "node1_pf", "node1_vf", "node2")
    assert tree.names("node1_pf") == ("node1_pf", "node1_vf")
    assert tree.children("node1") == ("node1_pf",)


def test_removing_a_provider_removes_all_beneath_it(tree: ProviderTree) -> None:
    tree.remove("node1_pf")
    assert tree.names() == ("node1",)
    tree.new_child("node1_vf", "node1")
    assert tree.names() == ("node1", "node1_vf")


def test_a_tree_goes_to_plain_data_and_back(tree: ProviderTree) -> None:
    tree.update_inventory("node1_pf", {"SRIOV_NET_VF": Inventory(total=8)})
    tree.update_traits("node1_pf", ["HW_NIC_SRIOV"])
    tree.update_aggregates("node1", [str(uuid.UUID(int=500))])
    data = tree.to_data()
    again = ProviderTree.from_data(data, lambda: "never called")
    assert again.to_data() == data
    again.add_traits("node1", "CUSTOM_FAST")
    assert tree.to_data() == data


def test_saying_the_same_again_leaves_the_same_objects(tree: ProviderTree) -> None:
    tree.update_inventory("node1", {"VCPU": Inventory(total=8)})
    tree.update_traits("node1", ["B", "A"])
    before = tree.data("node1")
    tree.update_inventory("node1", {"VCPU": Inventory(total=8)})
    tree.update_traits("node1", ["A", "B", "A"])
    assert tree.data("node1") is before
    assert before.traits == ("A", "B")


def test_traits_are_added_and_removed(tree: ProviderTree) -> None:
    tree.add_traits("node1", "CUSTOM_A", "CUSTOM_B")
    tree.add_traits("node1", "CUSTOM_A")
    tree.remove_traits("node1", "CUSTOM_B", "CUSTOM_C")
    assert tree.data("node1").traits == ("CUSTOM_A",)


@pytest.mark.parametrize(
    ("resource_class", "record", "told"),
    [
        ("vcpu", Inventory(total=1), "capital letters"),
        ("MAGIC", Inventory(total=1), "one of your own begins with CUSTOM_"),
        ("VCPU", Inventory(total=0), "total is 0, takes 1 or more"),
        ("VCPU", Inventory(total=-5), "total is -5, takes 1 or more"),
        ("VCPU", Inventory(total=1.5), "total is 1.5, takes a whole number"),  # type: ignore[arg-type]
        ("VCPU", Inventory(total=4, reserved=5), "reserved is 5, more than the total of 4"),
        ("VCPU", Inventory(total=4, reserved=-1), "reserved is -1, takes 0 or more"),
        ("VCPU", Inventory(total=4, min_unit=3, max_unit=2), "min_unit is 3, more than max_unit"),
        ("VCPU", Inventory(total=4, step_size=0), "step_size is 0, takes 1 or more"),
        ("VCPU", Inventory(total=4, allocation_ratio=0.0), "allocation_ratio is 0.0, takes a num"),
        ("VCPU", 4, "takes an Inventory, got int"),
    ],
)
def test_an_inventory_that_cannot_be_is_refused_and_changes_nothing(
    tree: ProviderTree, resource_class: str, record: Any, told: str
) -> None:
    before = tree.to_data()
    with pytest.raises(ProviderTreeError) as caught:
        tree.update_inventory("node1", {"DISK_GB": Inventory(total=1), resource_class: record})
    assert str(caught.value).startswith(f"provider 'node1': inventory '{resource_class}'")
    assert told in str(caught.value)
    assert tree.to_data() == before


def test_what_names_a_provider_is_checked(tree: ProviderTree) -> None:
    with pytest.raises(ProviderTreeError, match="'node1': the name is in the tree already"):
        tree.new_root("node1")
    with pytest.raises(ProviderTreeError, match="'x': its parent 'node9' is not in the tree"):
        tree.new_child("x", "node9")
    with pytest.raises(ProviderTreeError, match="not empty"):
        tree.new_root("")
    with pytest.raises(ProviderTreeError, match="'four' is not a uuid"):
        tree.new_root("x", "four")
    with pytest.raises(ProviderTreeError, match="is that of 'node1'"):
        tree.new_root("x", tree.data("node1").uuid)
    with pytest.raises(ProviderTreeError, match="there are: node1, node1_pf, node1_vf"):
        tree.update_traits("node9", [])
    assert tree.names() == ("node1", "node1_pf", "node1_vf")


def test_malformed_traits_and_aggregates_are_refused(tree: ProviderTree) -> None:
    with pytest.raises(ProviderTreeError, match="trait 'hw-nic'"):
        tree.add_traits("node1", "hw-nic")
    with pytest.raises(ProviderTreeError, match="aggregate 'rack1' is not a uuid"):
        tree.update_aggregates("node1", ["rack1"])


def test_plain_data_without_the_parent_is_refused() -> None:
    orphan = ProviderData(
        uuid=str(uuid.UUID(int=1)), name="orphan", parent_uuid=str(uuid.UUID(int=2))
    )
    with pytest.raises(ProviderTreeError, match="'orphan': its parent"):
        ProviderTree.from_data([orphan], lambda: "never called")
