"""Who holds something of a provider: told with all that they hold, so that nothing gets lost."""

from __future__ import annotations

from typing import Any


def test_the_consumers_of_a_provider_come_with_all_that_they_hold(forest: Any) -> None:
    root = forest.host("root")
    card = forest.provider("card", {"SRIOV_NET_VF": 2}, parent=root)
    consumer = forest.claim({root: {"VCPU": 1}, card: {"SRIOV_NET_VF": 1}})
    forest.claim({root: {"VCPU": 1}})
    found = forest.placement.get_provider_allocations(card)
    assert found.generation == forest.generation(card)
    (holder,) = found.consumers
    assert holder.consumer_uuid == consumer
    assert holder.allocations == {root: {"VCPU": 1}, card: {"SRIOV_NET_VF": 1}}
    assert holder.provider_generations == {each: forest.generation(each) for each in (root, card)}
    assert forest.placement.get_allocations(consumer) == holder
