"""Provider generations: read, never guessed, and read again where somebody else was faster."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cellrig import Rig, Topology
from cellrig.placement.errors import ConcurrentUpdate
from cellrig.placement.types import Inventory, ProviderRecord
from cellrig_fake import PERSONALITIES
from cellrig_pytest import RigFactory

NESTED = PERSONALITIES["MediumFakeDriverWithNestedCustomResources"]
ROUND = 61.0
Trees = Callable[[Rig, str], dict[str, ProviderRecord]]


@pytest.mark.parametrize("verb", ["set_inventories", "set_traits"])
def test_43_a_conflict_at_start_is_answered_by_reading_the_tree_again(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees, verb: str
) -> None:
    rig = Rig(cloud(NESTED))
    stale = ConcurrentUpdate("resource provider host1", 0, 1)
    rule = rig.faults.fail(f"placement.{verb}", error=stale, times=2)
    with rig:
        assert rule.fired == 2
        child = tree(rig, "host1")["host1-child"]
        assert child.inventories == {"CUSTOM_MAGIC": Inventory(10, max_unit=10)}
        assert child.traits == {"OWNER_NOVA"}
        assert tree(rig, "host1")["host1"].inventories["VCPU"].total == 10


def test_43_a_new_provider_that_somebody_changed_at_once_is_written_with_its_real_generation(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud(NESTED))
    rig.placement.delete_provider(tree(rig, "host1")["host1-child"].uuid)
    hold = rig.faults.hold("placement.set_inventories", times=1)
    rig.advance(ROUND)
    assert hold.reached
    made = tree(rig, "host1")["host1-child"]
    assert made.inventories == {}
    rig.placement.create_trait("CUSTOM_GOLD")
    rig.placement.set_traits(made.uuid, {"CUSTOM_GOLD"}, generation=made.generation)
    hold.release()
    rig.settle()
    child = tree(rig, "host1")["host1-child"]
    assert child.uuid == made.uuid
    assert child.inventories["CUSTOM_MAGIC"].total == 10
    assert child.generation > made.generation + 1


def test_43_what_another_wrote_in_between_is_not_lost(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud(NESTED))
    root = tree(rig, "host1")["host1"]
    rig.placement.set_inventories(root.uuid, {}, generation=root.generation)
    hold = rig.faults.hold("placement.set_inventories", times=1)
    rig.advance(ROUND)
    read = tree(rig, "host1")["host1"]
    rig.placement.create_trait("CUSTOM_GOLD")
    wanted = read.traits | {"CUSTOM_GOLD"}
    rig.placement.set_traits(root.uuid, wanted, generation=read.generation)
    hold.release()
    rig.settle()
    after = tree(rig, "host1")["host1"]
    assert after.inventories == root.inventories
    assert after.traits == root.traits | {"CUSTOM_GOLD"}


def test_43_a_conflict_that_never_ends_leaves_the_service_at_work_and_the_next_round_to_succeed(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud(NESTED))
    root = tree(rig, "host1")["host1"]
    rig.placement.set_inventories(root.uuid, {}, generation=root.generation)
    rule = rig.faults.fail("placement.set_inventories", error=ConcurrentUpdate("host1", 1, 2))
    rig.advance(ROUND)
    assert rule.fired == 4
    assert tree(rig, "host1")["host1"].inventories == {}
    assert rig.services.is_up("host1")
    rule.clear()
    rig.advance(ROUND)
    assert tree(rig, "host1")["host1"].inventories == root.inventories
