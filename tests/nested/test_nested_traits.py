"""Traits: those of the driver follow the driver, all others are their owner's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cellrig import Rig, Topology
from cellrig.placement.types import ProviderRecord
from cellrig_pytest import RigFactory

ROUND = 61.0
CARD = {"address": "0000:81:00.0", "physical_network": "public", "vfs": 2}
MULTIATTACH = "COMPUTE_VOLUME_MULTI_ATTACH"
Trees = Callable[[Rig, str], dict[str, ProviderRecord]]


def add_trait(rig: Rig, record: ProviderRecord, trait: str) -> None:
    """Give a provider a trait, as an administrator does it at placement itself."""
    if trait.startswith("CUSTOM_"):
        rig.placement.create_trait(trait)
    rig.placement.set_traits(record.uuid, record.traits | {trait}, generation=record.generation)


@pytest.mark.parametrize("provider", ["host1", "host1_0000:81:00.0"])
@pytest.mark.parametrize("trait", ["CUSTOM_GOLD", "HW_CPU_X86_AVX"])
def test_47_an_administrators_trait_survives_the_periodic_work_and_a_restart(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    provider: str,
    trait: str,
) -> None:
    rig = rig_factory(cloud({"sriov": [CARD]}))
    before = tree(rig, "host1")[provider]
    add_trait(rig, before, trait)
    rig.advance(ROUND)
    rig.restart("host1")
    assert tree(rig, "host1")[provider].traits == before.traits | {trait}


def test_47_a_capability_that_the_driver_has_no_more_costs_the_node_its_trait(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
) -> None:
    rig = rig_factory(cloud({}))
    add_trait(rig, tree(rig, "host1")["host1"], "CUSTOM_GOLD")
    before = tree(rig, "host1")["host1"].traits
    assert MULTIATTACH in before
    refit(rig, "host1", capabilities={"multiattach": False})
    assert tree(rig, "host1")["host1"].traits == before - {MULTIATTACH}
    refit(rig, "host1")
    assert tree(rig, "host1")["host1"].traits == before


def test_47_a_capability_trait_that_an_administrator_took_away_comes_back(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud({}))
    root = tree(rig, "host1")["host1"]
    rig.placement.set_traits(root.uuid, frozenset(), generation=root.generation)
    rig.advance(ROUND)
    assert tree(rig, "host1")["host1"].traits == root.traits


def test_47_a_capability_that_the_driver_lacks_cannot_be_given_by_an_administrator(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud({"capabilities": {"multiattach": False}}))
    root = tree(rig, "host1")["host1"]
    add_trait(rig, root, MULTIATTACH)
    rig.advance(ROUND)
    assert tree(rig, "host1")["host1"].traits == root.traits


def test_47_the_trait_of_a_network_follows_the_card(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
) -> None:
    rig = rig_factory(cloud({"sriov": [CARD]}))
    refit(rig, "host1", sriov=[{**CARD, "physical_network": "storage"}])
    card = tree(rig, "host1")["host1_0000:81:00.0"]
    assert card.traits == {"HW_NIC_SRIOV", "CUSTOM_PHYSNET_STORAGE"}


def test_47_a_server_that_requires_a_trait_boots_only_where_an_administrator_set_it(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    rig = rig_factory(cloud({}, {}))
    rig.flavors.create("gold", extra_specs={"trait:CUSTOM_GOLD": "required"})
    add_trait(rig, tree(rig, "host2")["host2"], "CUSTOM_GOLD")
    rig.advance(ROUND)
    assert {s.host for s in rig.servers.create(flavor="gold", count=3)} == {"host2"}
