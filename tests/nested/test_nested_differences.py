"""What a host tells placement: what has changed, of the node it has changed on, and no more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from cellrig import Rig, Topology
from cellrig.placement.types import ProviderRecord
from cellrig_fake import PERSONALITIES
from cellrig_pytest import RigFactory

ROUND = 61.0
CARD = {"address": "0000:81:00.0", "physical_network": "public", "vfs": 2, "tree": "children"}
Trees = Callable[[Rig, str], dict[str, ProviderRecord]]
Writes = Callable[[Rig, Callable[[], object]], list[str]]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sriov": [CARD], "numa_cells": 2, "traits": ["HW_CPU_X86_AVX"]},
        {"sriov": [{**CARD, "tree": "root"}]},
        PERSONALITIES["MediumFakeDriverWithNestedCustomResources"],
        {"nodes": ["one", "two"], "capabilities": {"multiple_nodes": True}},
    ],
    ids=["flat", "nested", "pool", "custom", "nodes"],
)
def test_43_with_nothing_changed_nothing_is_written(
    rig_factory: RigFactory, cloud: Callable[..., Topology], writes: Writes, options: dict[str, Any]
) -> None:
    rig = rig_factory(cloud(options))
    rig.servers.create()
    assert writes(rig, lambda: rig.advance(ROUND)) == []
    assert writes(rig, lambda: rig.restart("host1")) == []


def test_1799727_changed_reserves_and_ratios_are_reported_and_nothing_else(
    rig_factory: RigFactory,
    cloud: Callable[..., Topology],
    tree: Trees,
    refit: Callable[..., None],
    writes: Writes,
) -> None:
    """Behaviour 50."""
    rig = rig_factory(cloud({"numa_cells": 2}))
    server = rig.servers.create()
    changed = {"reserved_memory_mb": 1024, "cpu_allocation_ratio": 2.0, "numa_cells": 2}
    assert writes(rig, lambda: refit(rig, "host1", **changed)) == ["placement.set_inventories"] * 2
    after = tree(rig, "host1")
    for cell in ("host1_NUMA0", "host1_NUMA1"):
        assert after[cell].inventories["MEMORY_MB"].reserved == 512
        assert after[cell].inventories["VCPU"].allocation_ratio == 2.0
    assert rig.placement.get_allocations(server.id) is not None


def test_1799727_what_an_administrator_changed_is_what_the_driver_says_after_the_next_round(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    """Behaviour 50."""
    rig = rig_factory(cloud({}))
    root = tree(rig, "host1")["host1"]
    rig.placement.set_inventories(
        root.uuid, {"VCPU": root.inventories["VCPU"]}, generation=root.generation
    )
    rig.advance(ROUND)
    assert tree(rig, "host1")["host1"].inventories == root.inventories


def test_1784705_nodes_of_one_host_know_nothing_of_each_other(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    """Behaviour 50."""
    nodes = {"nodes": ["one", "two"], "sriov": [CARD], "capabilities": {"multiple_nodes": True}}
    rig = rig_factory(cloud(nodes))
    rig.flavors.create("vf", extra_specs={"resources:SRIOV_NET_VF": "1"})
    server = rig.servers.create(flavor="vf")
    here, there = ("one", "two") if server.node == "one" else ("two", "one")
    used = {name: sum(r.usages.values()) for name, r in tree(rig, there).items()}
    assert set(used.values()) == {0}
    assert tree(rig, here)[here].usages["VCPU"] == 1
    assert all(name.startswith(there) for name in used)
    rig.advance(ROUND)
    root = tree(rig, there)[there]
    rig.placement.create_trait("CUSTOM_GOLD")
    rig.placement.set_traits(root.uuid, root.traits | {"CUSTOM_GOLD"}, generation=root.generation)
    rig.advance(ROUND)
    assert "CUSTOM_GOLD" not in tree(rig, here)[here].traits
    driver = rig.driver("host1")
    states = [
        rig.runtime.run(partial(driver.get_host_state, node), name="look") for node in (here, there)
    ]
    assert [state.vcpus_used for state in states] == [1, 0]
    owners = [[d.owner for d in state.devices if d.owner] for state in states]
    assert owners == [[server.id], []]


def test_1784705_a_node_that_is_described_wrongly_does_not_keep_the_other_from_its_turn(
    rig_factory: RigFactory, cloud: Callable[..., Topology], tree: Trees
) -> None:
    """Behaviours 46 and 50."""
    nodes = {"nodes": ["one", "two"], "capabilities": {"multiple_nodes": True}}
    rig = rig_factory(cloud(nodes))
    for node in ("one", "two"):
        root = tree(rig, node)[node]
        rig.placement.set_inventories(root.uuid, {}, generation=root.generation)
    rig.faults.fail("placement.set_inventories", times=1)
    rig.advance(ROUND)
    assert [bool(tree(rig, node)[node].inventories) for node in ("one", "two")] == [False, True]
    rig.advance(ROUND)
    assert tree(rig, "one")["one"].inventories
