"""Claims, releases and moves: who holds what, and who is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from cellrig.db.database import Database
from cellrig.errors import Invalid
from cellrig.placement import Placement, placement_image
from cellrig.placement.errors import (
    CapacityExceeded,
    ConcurrentUpdate,
    NoInventory,
    ProviderNotFound,
    UnitsViolated,
)
from cellrig.placement.types import AllocationsWrite, ConsumerTypeUsage, Inventory
from cellrig.runtime.live import LiveRuntime


def write(
    allocations: dict[str, dict[str, int]], generation: int | None = None, kind: str = "INSTANCE"
) -> AllocationsWrite:
    return AllocationsWrite(allocations, "project", "user", generation, kind)


def test_a_claim_is_held_until_it_is_released(forest: Any) -> None:
    host = forest.host("host")
    consumer = forest.claim({host: {"VCPU": 2, "DISK_GB": 10}})
    held = forest.placement.get_allocations(consumer)
    assert held.allocations == {host: {"VCPU": 2, "DISK_GB": 10}}
    assert (held.generation, held.consumer_type) == (1, "INSTANCE")
    assert forest.used(host, "VCPU") == 2
    assert forest.placement.delete_allocations(consumer)
    assert forest.placement.get_allocations(consumer) is None
    assert forest.used(host, "VCPU") == 0
    assert not forest.placement.delete_allocations(consumer)


def test_what_is_returned_is_fresh_every_time(forest: Any) -> None:
    host = forest.host("host")
    consumer = forest.claim({host: {"VCPU": 2}})
    forest.placement.get_allocations(consumer).allocations[host]["VCPU"] = 99
    assert forest.placement.get_allocations(consumer).allocations == {host: {"VCPU": 2}}


def test_a_claim_over_capacity_is_refused_and_leaves_nothing(forest: Any) -> None:
    host = forest.host("host", vcpus=4)
    forest.claim({host: {"VCPU": 3}})
    consumer = forest.fresh()
    with pytest.raises(CapacityExceeded, match=r"has 1 of 4 VCPU left, not the 2"):
        forest.placement.put_allocations(consumer, write({host: {"DISK_GB": 5, "VCPU": 2}}))
    assert forest.placement.get_allocations(consumer) is None
    assert (forest.used(host, "VCPU"), forest.used(host, "DISK_GB")) == (3, 0)


def test_reserved_and_allocation_ratio_make_the_capacity(forest: Any) -> None:
    host = forest.provider("host", {"VCPU": Inventory(5, reserved=1, allocation_ratio=1.5)})
    forest.claim({host: {"VCPU": 6}})
    with pytest.raises(CapacityExceeded):
        forest.claim({host: {"VCPU": 1}})


@pytest.mark.parametrize("amount", [1, 3, 10])
def test_an_amount_keeps_to_the_units_of_the_inventory(forest: Any, amount: int) -> None:
    inventory = Inventory(100, min_unit=2, max_unit=8, step_size=2)
    host = forest.provider("host", {"VCPU": inventory})
    with pytest.raises(UnitsViolated, match="amounts from 2 to 8 that are multiples of 2"):
        forest.claim({host: {"VCPU": amount}})
    forest.claim({host: {"VCPU": 8}})


def test_a_class_that_the_provider_lacks_is_refused(forest: Any) -> None:
    host = forest.provider("host", {"VCPU": 8})
    with pytest.raises(NoInventory, match="no inventory of DISK_GB"):
        forest.claim({host: {"DISK_GB": 1}})
    with pytest.raises(Invalid, match="no such resource class: DISKS"):
        forest.claim({host: {"DISKS": 1}})
    with pytest.raises(Invalid, match="does not exist"):
        forest.claim({forest.fresh(): {"VCPU": 1}})
    with pytest.raises(Invalid, match="the least amount is 1"):
        forest.claim({host: {"VCPU": 0}})


def test_a_new_consumer_must_be_new_and_an_old_one_of_the_generation_given(forest: Any) -> None:
    host = forest.host("host")
    consumer = forest.claim({host: {"VCPU": 1}})
    with pytest.raises(ConcurrentUpdate, match="has generation 1, not None"):
        forest.placement.put_allocations(consumer, write({host: {"VCPU": 2}}))
    with pytest.raises(ConcurrentUpdate, match="has generation 1, not 7"):
        forest.placement.put_allocations(consumer, write({host: {"VCPU": 2}}, 7))
    with pytest.raises(ConcurrentUpdate, match="has generation None, not 1"):
        forest.placement.put_allocations(forest.fresh(), write({host: {"VCPU": 2}}, 1))
    forest.placement.put_allocations(consumer, write({host: {"VCPU": 2}}, 1))
    assert forest.placement.get_allocations(consumer).generation == 2
    forest.placement.put_allocations(
        consumer, msgspec.structs.replace(write({}), consumer_generation=msgspec.UNSET)
    )
    assert forest.placement.get_allocations(consumer) is None


def test_provider_generations_move_on_with_what_is_taken(forest: Any) -> None:
    source, destination = forest.host("source"), forest.host("destination")
    before = forest.generation(source), forest.generation(destination)
    consumer = forest.claim({source: {"VCPU": 1}})
    assert forest.generation(source) == before[0] + 1
    forest.placement.put_allocations(consumer, write({destination: {"VCPU": 1}}, 1))
    assert forest.generation(source) == before[0] + 1
    assert forest.generation(destination) == before[1] + 1
    forest.placement.put_allocations(consumer, write({}, 2))
    assert forest.generation(destination) == before[1] + 2


def test_a_move_swaps_instance_and_migration_at_once(forest: Any) -> None:
    source = forest.host("source", vcpus=4)
    destination = forest.host("destination", vcpus=4)
    instance = forest.claim({source: {"VCPU": 4}})
    migration = forest.fresh()
    forest.placement.post_allocations(
        {
            migration: write({source: {"VCPU": 4}}, kind="MIGRATION"),
            instance: write({destination: {"VCPU": 4}}, 1),
        }
    )
    assert forest.placement.get_allocations(migration).consumer_type == "MIGRATION"
    assert forest.placement.get_allocations(migration).allocations == {source: {"VCPU": 4}}
    assert forest.placement.get_allocations(instance).allocations == {destination: {"VCPU": 4}}
    assert (forest.used(source, "VCPU"), forest.used(destination, "VCPU")) == (4, 4)


def test_several_consumers_are_replaced_all_or_none(forest: Any) -> None:
    host, full = forest.host("host"), forest.host("full", vcpus=1)
    first, second = forest.claim({host: {"VCPU": 1}}), forest.fresh()
    with pytest.raises(CapacityExceeded):
        forest.placement.post_allocations({first: write({}, 1), second: write({full: {"VCPU": 2}})})
    assert forest.placement.get_allocations(first).allocations == {host: {"VCPU": 1}}
    assert forest.placement.get_allocations(second) is None


def test_who_is_over_capacity_may_move_and_shrink_but_not_grow(forest: Any) -> None:
    host = forest.host("host", vcpus=8)
    consumer = forest.claim({host: {"VCPU": 6}})
    small = {"VCPU": Inventory(4), "MEMORY_MB": Inventory(1), "DISK_GB": Inventory(1)}
    forest.placement.set_inventories(host, small, generation=forest.generation(host))
    migration = forest.fresh()
    forest.placement.post_allocations(
        {consumer: write({}, 1), migration: write({host: {"VCPU": 6}})}
    )
    forest.placement.put_allocations(migration, write({host: {"VCPU": 5}}, 1))
    with pytest.raises(CapacityExceeded):
        forest.placement.put_allocations(migration, write({host: {"VCPU": 6}}, 2))


def test_holdings_are_listed_by_consumer_and_by_provider(forest: Any) -> None:
    host, other = forest.host("host"), forest.host("other")
    first = forest.claim({host: {"VCPU": 1}, other: {"DISK_GB": 3}})
    second = forest.claim({host: {"VCPU": 2}})
    everything = forest.placement.list_allocations()
    assert [held.consumer_uuid for held in everything] == [first, second]
    assert everything[0].allocations == {host: {"VCPU": 1}, other: {"DISK_GB": 3}}
    of_host = forest.placement.get_provider_allocations(host).consumers
    assert of_host == everything
    of_other = forest.placement.get_provider_allocations(other).consumers
    assert of_other == everything[:1]
    with pytest.raises(ProviderNotFound):
        forest.placement.get_provider_allocations(forest.fresh())


def test_usages_are_summed_by_project_user_and_consumer_type(forest: Any) -> None:
    host = forest.host("host")
    forest.claim({host: {"VCPU": 1}})
    placement = forest.placement
    placement.put_allocations(forest.fresh(), write({host: {"VCPU": 2}}, kind="MIGRATION"))
    placement.put_allocations(
        forest.fresh(), AllocationsWrite({host: {"VCPU": 3}}, "project", "other", None, None)
    )
    assert placement.get_usages("project") == {
        "INSTANCE": ConsumerTypeUsage(1, {"VCPU": 1}),
        "MIGRATION": ConsumerTypeUsage(1, {"VCPU": 2}),
        "unknown": ConsumerTypeUsage(1, {"VCPU": 3}),
    }
    assert placement.get_usages("project", consumer_type="all") == {
        "all": ConsumerTypeUsage(3, {"VCPU": 6})
    }
    assert placement.get_usages("project", user_id="user", consumer_type="unknown") == {}
    assert placement.get_usages("nobody") == {}


def test_threads_that_claim_the_same_scarce_thing_never_get_too_much() -> None:
    database = Database("placement", placement_image(), LiveRuntime())
    placement = Placement(database)
    host = "00000000-0000-0000-0000-000000000001"
    placement.create_provider("host", uuid=host)
    placement.set_inventories(host, {"SRIOV_NET_VF": Inventory(10)}, generation=0)
    granted: list[str] = []
    refused: list[str] = []

    def claimer(number: int) -> Callable[[], None]:
        def claim() -> None:
            for turn in range(10):
                consumer = f"00000000-0000-0000-{number:04d}-{turn:012d}"
                try:
                    placement.put_allocations(consumer, write({host: {"SRIOV_NET_VF": 1}}))
                except CapacityExceeded:
                    refused.append(consumer)
                else:
                    granted.append(consumer)

        return claim

    threads = [threading.Thread(target=claimer(number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(granted), len(refused)) == (10, 30)
    assert placement.get_provider_usages(host) == {"SRIOV_NET_VF": 10}
    database.close()
