"""The index follows the database: after writes of others, and after the database goes back."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cellrig.db.database import Database
from cellrig.errors import CellrigError
from cellrig.placement import Placement, changes, placement_image
from cellrig.placement.types import AllocationsWrite, CandidateQuery, Inventory, RequestGroup
from cellrig.runtime.virtual import VirtualRuntime

EXAMPLES = int(os.environ.get("CELLRIG_EXAMPLES", "150"))
SHARING = "MISC_SHARES_VIA_AGGREGATE"
QUERIES = (  # with 3 of a class the bitmaps let trees through that have 2 left
    CandidateQuery((RequestGroup("", {"VCPU": 3}),)),
    CandidateQuery((RequestGroup("", {"VCPU": 1, "DISK_GB": 3}),)),
    CandidateQuery((RequestGroup("", {"DISK_GB": 1}, (frozenset({"COMPUTE_NODE"}),)),)),
    CandidateQuery((RequestGroup("1", {"DISK_GB": 3}, member_of=(frozenset({"a", "b"}),)),)),
)


def uuid_of(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012d}"


def test_another_service_on_the_same_database_is_followed(forest: Any) -> None:
    host = forest.host("host", vcpus=1)
    other = Placement(forest.database)
    assert forest.holders({"VCPU": 1}) == [{host}]
    other.put_allocations(forest.fresh(), AllocationsWrite({host: {"VCPU": 1}}, "p", "u"))
    assert forest.holders({"VCPU": 1}) == []


def test_the_resources_of_a_provider_come_in_the_same_order_whatever_was_written_last(
    forest: Any,
) -> None:
    """A server gives rows back as they lie on its pages, where what was changed comes last."""
    host = forest.host("host")
    forest.holders({"VCPU": 1})
    for resource_class in ("VCPU", "DISK_GB", "MEMORY_MB"):
        forest.claim({host: {resource_class: 1}})
        for placement in (forest.placement, Placement(forest.database)):
            found = placement.get_allocation_candidates(QUERIES[0])
            told = list(found.provider_summaries[host].resources)
            assert told == ["DISK_GB", "MEMORY_MB", "VCPU"]


def test_a_restored_database_is_followed_back(forest: Any) -> None:
    host = forest.host("host", vcpus=1)
    image = forest.database.dump()
    consumer = forest.claim({host: {"VCPU": 1}})
    assert forest.holders({"VCPU": 1}) == []
    forest.database.load(image)
    assert forest.holders({"VCPU": 1}) == [{host}]
    assert forest.placement.get_allocations(consumer) is None
    assert forest.database.dump() == image


def test_a_database_that_went_back_and_on_to_the_same_number_is_not_mistaken(
    forest: Any,
) -> None:
    first, second = forest.host("first", vcpus=1), forest.host("second", vcpus=1)
    image = forest.database.dump()
    forest.claim({first: {"VCPU": 1}})
    assert forest.holders({"VCPU": 1}) == [{second}]
    forest.database.load(image)
    forest.claim({second: {"VCPU": 1}})
    assert forest.holders({"VCPU": 1}) == [{first}]


def test_the_database_of_another_rig_is_not_mistaken_for_the_own_one(forest: Any) -> None:
    database = Database("placement", placement_image(), VirtualRuntime())
    other = Placement(database)
    for placement, vcpus in ((forest.placement, 1), (other, 2)):
        placement.create_provider("host", uuid=uuid_of(1))
        placement.set_inventories(uuid_of(1), {"VCPU": Inventory(vcpus)}, generation=0)
    assert forest.holders({"VCPU": 2}) == []
    forest.database.load(database.dump())
    assert forest.holders({"VCPU": 2}) == [{uuid_of(1)}]
    database.close()


def test_a_tree_that_could_not_serve_is_asked_again_when_it_has_changed(forest: Any) -> None:
    host = forest.host("host", vcpus=7)
    consumer = forest.claim({host: {"VCPU": 2}})
    assert forest.holders({"VCPU": 7}) == []
    forest.placement.delete_allocations(consumer)
    assert forest.holders({"VCPU": 7}) == [{host}]


def test_a_tree_that_could_not_serve_is_asked_again_when_who_shares_with_it_has_changed(
    forest: Any,
) -> None:
    host = forest.provider("host", {"VCPU": 1}, aggregates=("a",))
    disk = forest.provider("nfs", {"DISK_GB": 7}, traits=(SHARING,), aggregates=("a",))
    consumer = forest.claim({disk: {"DISK_GB": 2}})
    assert forest.holders({"VCPU": 1, "DISK_GB": 7}) == []
    forest.placement.delete_allocations(consumer)
    assert forest.holders({"VCPU": 1, "DISK_GB": 7}) == [{host, disk}]


def test_a_reader_further_behind_than_the_log_reads_everything(forest: Any) -> None:
    host = forest.host("host", vcpus=8)
    other = Placement(forest.database)
    assert forest.holders({"VCPU": 8}) == [{host}]
    for turn in range(changes.KEPT + 2):
        consumer = uuid_of(10_000 + turn % 2)
        other.put_allocations(consumer, AllocationsWrite({host: {"VCPU": 1}}, "p", "u"))
        other.delete_allocations(consumer)
    other.put_allocations(uuid_of(5), AllocationsWrite({host: {"VCPU": 1}}, "p", "u"))
    assert forest.holders({"VCPU": 8}) == []
    assert forest.holders({"VCPU": 7}) == [{host}]


class Story:
    """Anything that can happen to a placement database, chosen by numbers."""

    def __init__(self, placement: Placement, database: Database) -> None:
        self.placement = placement
        self.database = database
        self.images = [database.dump()]
        self.acts: tuple[Callable[[int, int], object], ...] = (
            self.create,
            self.create,
            self.equip,
            self.equip,
            self.equip,
            self.mark,
            self.join,
            self.claim,
            self.claim,
            self.release,
            self.move,
            self.delete,
            self.keep,
            self.go_back,
        )

    def uuid(self, number: int) -> str:
        return uuid_of(number % 6)

    def generation(self, number: int) -> int:
        return self.placement.get_provider(self.uuid(number)).generation

    def create(self, number: int, other: int) -> None:
        parent = (
            self.uuid(other) if other % 3 == 0 and self.uuid(other) != self.uuid(number) else None
        )
        self.placement.create_provider(f"p{number % 6}", uuid=self.uuid(number), parent_uuid=parent)

    def equip(self, number: int, other: int) -> None:
        amounts = {"VCPU": other % 5, "DISK_GB": other // 5 % 5}
        inventories = {name: Inventory(total) for name, total in amounts.items() if total}
        self.placement.set_inventories(
            self.uuid(number), inventories, generation=self.generation(number)
        )

    def mark(self, number: int, other: int) -> None:
        traits = {trait for bit, trait in enumerate((SHARING, "COMPUTE_NODE")) if other >> bit & 1}
        self.placement.set_traits(self.uuid(number), traits, generation=self.generation(number))

    def join(self, number: int, other: int) -> None:
        aggregates = {name for bit, name in enumerate("abc") if other >> bit & 1}
        self.placement.set_aggregates(
            self.uuid(number), aggregates, generation=self.generation(number)
        )

    def claim(self, number: int, other: int) -> None:
        name = ("VCPU", "DISK_GB")[other % 2]
        held = AllocationsWrite({self.uuid(number): {name: 1 + other // 2 % 2}}, "p", "u")
        self.placement.put_allocations(uuid_of(100 + other % 5), held)

    def release(self, _number: int, other: int) -> None:
        self.placement.delete_allocations(uuid_of(100 + other % 5))

    def move(self, number: int, other: int) -> None:
        parent = None if other % 4 == 0 else self.uuid(other)
        self.placement.update_provider(self.uuid(number), name=f"p{number % 6}", parent_uuid=parent)

    def delete(self, number: int, _other: int) -> None:
        self.placement.delete_provider(self.uuid(number))

    def keep(self, _number: int, _other: int) -> None:
        self.images.append(self.database.dump())

    def go_back(self, number: int, _other: int) -> None:
        self.database.load(self.images[number % len(self.images)])

    def act(self, kind: int, number: int, other: int) -> None:
        try:
            self.acts[kind % len(self.acts)](number, other)
        except CellrigError:
            return  # refused: then nothing has changed, which the story goes on to prove


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(min_size=0, max_size=120))
def test_whatever_happens_the_index_is_what_one_built_afresh_would_be(thrown: bytes) -> None:
    database = Database("placement", placement_image(), VirtualRuntime())
    placement = Placement(database)
    story = Story(placement, database)
    for start in range(0, len(thrown) - 3, 4):
        kind, number, other, look = thrown[start : start + 4]
        story.act(kind, number, other)
        afresh = Placement(database)
        for query in QUERIES if look % 2 else ():
            found = placement.get_allocation_candidates(query)
            assert found == afresh.get_allocation_candidates(query)
    held: dict[tuple[str, str], int] = {}
    for consumer in placement.list_allocations():
        for uuid, amounts in consumer.allocations.items():
            for name, amount in amounts.items():
                held[uuid, name] = held.get((uuid, name), 0) + amount
    for provider in placement.list_providers():
        for name, used in placement.get_provider_usages(provider.uuid).items():
            assert used == held.pop((provider.uuid, name), 0)
    assert not held
    database.close()
