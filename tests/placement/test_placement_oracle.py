"""Candidates against an oracle: every assignment of every provider, held against the rules.

The rules are those of Placement's API reference and of its guide "Modeling with Provider Trees".
`CELLRIG_EXAMPLES` sets the number of examples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, TypeVar

import msgspec
from hypothesis import given, note, settings
from hypothesis import strategies as st

from cellrig.db.database import Database
from cellrig.placement import Placement, placement_image
from cellrig.placement.errors import AllocationRefused
from cellrig.placement.types import (
    MAX_AMOUNT,
    AllocationRequest,
    AllocationsWrite,
    CandidateQuery,
    Inventory,
    ProviderRecord,
    RequestGroup,
)
from cellrig.runtime.virtual import VirtualRuntime

EXAMPLES = int(os.environ.get("CELLRIG_EXAMPLES", "300"))
CLASSES = ("VCPU", "DISK_GB", "SRIOV_NET_VF")
TRAITS = ("COMPUTE_NODE", "HW_CPU_X86_AVX2", "STORAGE_DISK_SSD")
SHARING = "MISC_SHARES_VIA_AGGREGATE"
AGGREGATES = ("aggregate-1", "aggregate-2")

# -- what is drawn -------------------------------------------------------------------------------

T = TypeVar("T")


class Dice:
    """Choices made from bytes: hundreds of them for the price of one draw, and zeros are simple."""

    def __init__(self, thrown: bytes) -> None:
        self._thrown = iter(thrown)

    def one_of(self, choices: Sequence[T]) -> T:
        return choices[next(self._thrown, 0) % len(choices)]

    def some_of(self, choices: Sequence[str], most: int = 2) -> frozenset[str]:
        return frozenset(self.one_of(choices) for _ in range(self.one_of(range(most + 1))))


class Planted(msgspec.Struct, frozen=True):
    parent: int | None
    inventories: dict[str, Inventory]
    used: dict[str, int]
    traits: frozenset[str]
    aggregates: frozenset[str]


def draw_forest(dice: Dice) -> list[Planted]:
    return [draw_provider(dice, place) for place in range(1 + dice.one_of(range(6)))]


def draw_provider(dice: Dice, place: int) -> Planted:
    return Planted(
        parent=dice.one_of((None, *range(place))) if dice.one_of((0, 1, 1)) else None,
        inventories={
            name: Inventory(
                total=dice.one_of((4, 3, 2, 1)),
                reserved=dice.one_of((0, 0, 0, 1)),
                min_unit=dice.one_of((1, 1, 1, 2)),
                max_unit=dice.one_of((MAX_AMOUNT, MAX_AMOUNT, 2, 1)),
                step_size=dice.one_of((1, 1, 1, 2)),
                allocation_ratio=dice.one_of((1.0, 1.0, 1.5)),
            )
            for name in CLASSES
            if dice.one_of((0, 1, 1))
        },
        used=dict.fromkeys(sorted(dice.some_of(CLASSES)), dice.one_of((1, 2))),
        traits=dice.some_of((*TRAITS, SHARING)),
        aggregates=dice.some_of(AGGREGATES),
    )


def draw_group(dice: Dice, suffix: str, most: int, uuids: Sequence[str]) -> RequestGroup:
    names = [dice.one_of(CLASSES) for _ in range(1 + dice.one_of(range(most)))]
    required = tuple(filter(None, [dice.some_of(TRAITS)])) if dice.one_of((0, 0, 1)) else ()
    forbidden = dice.some_of(TRAITS, 1) if dice.one_of((0, 0, 1)) else frozenset()
    return RequestGroup(
        suffix=suffix,
        resources={name: dice.one_of((1, 1, 2)) for name in names},
        required=required,
        forbidden=frozenset() if (forbidden,) == required else forbidden,
        member_of=tuple(filter(None, [dice.some_of(AGGREGATES)])) if dice.one_of((0, 0, 1)) else (),
        forbidden_aggregates=dice.some_of(AGGREGATES, 1) if dice.one_of((0, 0, 1)) else frozenset(),
        in_tree=dice.one_of((None, None, None, None, None, None, dice.one_of(uuids))),
    )


def draw_query(dice: Dice, uuids: Sequence[str]) -> CandidateQuery:
    suffixes = ["_A", "_B", "_C"][: dice.one_of(range(4))]
    groups = [draw_group(dice, suffix, 2, uuids) for suffix in suffixes]
    if not groups or dice.one_of((0, 1, 1)):
        groups.append(draw_group(dice, "", 3, uuids))
    subtrees: tuple[frozenset[str], ...] = ()
    if len(suffixes) > 1 and dice.one_of((0, 1)):
        subtrees = (frozenset(suffixes[:2]),)
        if dice.one_of((0, 1)):
            groups[0] = msgspec.structs.replace(groups[0], resources={})
    return CandidateQuery(
        tuple(groups),
        group_policy=dice.one_of(("none", "isolate")),
        same_subtree=subtrees,
        root_required=dice.some_of(TRAITS, 1) if dice.one_of((0, 0, 0, 1)) else frozenset(),
        root_forbidden=frozenset(),
    )


def uuid_of(place: int) -> str:
    return f"00000000-0000-0000-0000-{place:012d}"


def plant(placement: Placement, planted: list[Planted]) -> None:
    for place, spec in enumerate(planted):
        uuid = uuid_of(place)
        parent = None if spec.parent is None else uuid_of(spec.parent)
        placement.create_provider(f"provider-{place}", uuid=uuid, parent_uuid=parent)
        generation = placement.set_inventories(uuid, spec.inventories, generation=0)
        generation = placement.set_traits(uuid, spec.traits, generation=generation)
        placement.set_aggregates(uuid, spec.aggregates, generation=generation)
        held = AllocationsWrite({uuid: spec.used} if spec.used else {}, "project", "user")
        try:
            placement.put_allocations(uuid_of(1000 + place), held)
        except AllocationRefused:
            continue  # then nothing of it is used


# -- the oracle ----------------------------------------------------------------------------------

Answer = tuple[frozenset[tuple[str, str, int]], frozenset[tuple[str, frozenset[str]]]]


class Oracle:
    """Answers a query from the records alone, by trying everything."""

    def __init__(self, records: list[ProviderRecord], query: CandidateQuery) -> None:
        self.records = {record.uuid: record for record in records}
        self.query = query
        self.numbered = [group for group in query.groups if group.suffix]
        self.loose = next((group for group in query.groups if not group.suffix), None)

    def answers(self) -> set[Answer]:
        roots = [record for record in self.records.values() if record.parent_uuid is None]
        return {answer for root in roots for answer in self.from_tree(root)}

    def from_tree(self, root: ProviderRecord) -> Iterator[Answer]:
        if not self.query.root_required <= root.traits:
            return
        if self.query.root_forbidden & root.traits:
            return
        own = [record for record in self.records.values() if record.root_uuid == root.uuid]
        joined = frozenset().union(*(record.aggregates for record in own))
        usable = own + [
            record
            for record in self.records.values()
            if record.root_uuid != root.uuid
            and SHARING in record.traits
            and record.aggregates & joined
        ]
        wanted = list(self.loose.resources.items()) if self.loose else []
        choices = [[r for r in usable if self.is_whole(group, r)] for group in self.numbered]
        pools = [[r for r in usable if self.is_part(r, root, *want)] for want in wanted]
        for picked in product(*choices, *pools):
            chosen, spread = picked[: len(choices)], picked[len(choices) :]
            if self.agrees(chosen, spread):
                yield self.answer(chosen, spread)

    def is_whole(self, group: RequestGroup, record: ProviderRecord) -> bool:
        """Whether one provider can be all of a numbered group's."""
        return (
            all(self.has_room(record, name, a) for name, a in group.resources.items())
            and all(choice & record.traits for choice in group.required)
            and self.is_allowed(group, record, record.aggregates)
        )

    def is_part(self, record: ProviderRecord, root: ProviderRecord, name: str, amount: int) -> bool:
        """Whether a provider can give one class of the unnumbered group."""
        group = self.loose
        assert group is not None
        if group.in_tree is not None and record.root_uuid != root.uuid:
            return False
        spanned = record.aggregates | self.records[record.root_uuid].aggregates
        return self.has_room(record, name, amount) and self.is_allowed(group, record, spanned)

    def is_allowed(
        self, group: RequestGroup, record: ProviderRecord, aggregates: frozenset[str]
    ) -> bool:
        if group.in_tree is not None:
            named = self.records.get(group.in_tree)
            if named is None or named.root_uuid != record.root_uuid:
                return False
        return (
            not group.forbidden & record.traits
            and all(choice & aggregates for choice in group.member_of)
            and not group.forbidden_aggregates & aggregates
        )

    def has_room(self, record: ProviderRecord, name: str, amount: int) -> bool:
        inventory = record.inventories.get(name)
        return (
            inventory is not None
            and amount >= inventory.min_unit
            and amount <= inventory.max_unit
            and amount % inventory.step_size == 0
            and self.has_left(record, name, amount)
        )

    def has_left(self, record: ProviderRecord, name: str, amount: int) -> bool:
        inventory = record.inventories[name]
        capacity = (inventory.total - inventory.reserved) * inventory.allocation_ratio
        return record.usages[name] + amount <= capacity and amount <= inventory.max_unit

    def agrees(
        self, chosen: tuple[ProviderRecord, ...], spread: tuple[ProviderRecord, ...]
    ) -> bool:
        """Whether providers that are right one by one are right together."""
        uuids = [record.uuid for record in chosen]
        if self.query.group_policy == "isolate" and len(set(uuids)) < len(uuids):
            return False
        if self.loose is not None:
            together = frozenset().union(*(record.traits for record in spread))
            if not all(choice & together for choice in self.loose.required):
                return False
        by_suffix = dict(zip((group.suffix for group in self.numbered), chosen, strict=True))
        for suffixes in self.query.same_subtree:
            members = {by_suffix[suffix].uuid for suffix in suffixes}
            lines = [set(self.line(uuid)) for uuid in members]
            if not set.intersection(*lines) & members:
                return False
        sums: dict[tuple[str, str], int] = {}
        for uuid, name, amount in self.parts(chosen, spread):
            sums[uuid, name] = sums.get((uuid, name), 0) + amount
        return all(self.has_left(self.records[u], name, a) for (u, name), a in sums.items())

    def line(self, uuid: str | None) -> Iterator[str]:
        """A provider and all above it."""
        while uuid is not None:
            yield uuid
            uuid = self.records[uuid].parent_uuid

    def parts(
        self, chosen: tuple[ProviderRecord, ...], spread: tuple[ProviderRecord, ...]
    ) -> Iterator[tuple[str, str, int]]:
        for group, record in zip(self.numbered, chosen, strict=True):
            for name, amount in group.resources.items():
                yield record.uuid, name, amount
        if self.loose is not None:
            for (name, amount), record in zip(self.loose.resources.items(), spread, strict=True):
                yield record.uuid, name, amount

    def answer(
        self, chosen: tuple[ProviderRecord, ...], spread: tuple[ProviderRecord, ...]
    ) -> Answer:
        allocations: dict[str, dict[str, int]] = {}
        for uuid, name, amount in self.parts(chosen, spread):
            held = allocations.setdefault(uuid, {})
            held[name] = held.get(name, 0) + amount
        mappings: dict[str, tuple[str, ...]] = {
            group.suffix: (record.uuid,)
            for group, record in zip(self.numbered, chosen, strict=True)
        }
        if self.loose is not None:
            mappings[""] = tuple({record.uuid for record in spread})
        return as_answer(AllocationRequest(allocations, mappings))


def as_answer(request: AllocationRequest) -> Answer:
    return (
        frozenset((u, n, a) for u, held in request.allocations.items() for n, a in held.items()),
        frozenset((suffix, frozenset(uuids)) for suffix, uuids in request.mappings.items()),
    )


# -- the property --------------------------------------------------------------------------------


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(min_size=300, max_size=300))
def test_the_search_answers_what_trying_everything_answers(thrown: bytes) -> None:
    dice = Dice(thrown)
    database = Database("placement", placement_image(), VirtualRuntime())
    placement = Placement(database)
    planted = draw_forest(dice)
    plant(placement, planted)
    uuids = [uuid_of(place) for place in range(len(planted))]
    query = draw_query(dice, uuids)
    note(f"{planted}\n{query}")
    records = {
        record.uuid: record for uuid in uuids for record in placement.get_provider_tree(uuid)
    }
    found = placement.get_allocation_candidates(query)
    answers = [as_answer(request) for request in found.allocation_requests]
    assert len(answers) == len(set(answers))
    assert set(answers) == Oracle(list(records.values()), query).answers()
    roots = {
        records[uuid].root_uuid
        for request in found.allocation_requests
        for uuid in (*request.allocations, *sum(request.mappings.values(), ()))
    }
    assert found.provider_summaries.keys() == {
        record.uuid for record in records.values() if record.root_uuid in roots
    }
    check_summaries(found.provider_summaries, records)
    for limit in (1, 2):
        limited = msgspec.structs.replace(query, limit=limit)
        some = placement.get_allocation_candidates(limited).allocation_requests
        assert some == found.allocation_requests[:limit]
    for request in found.allocation_requests[:1]:
        claim = AllocationsWrite(request.allocations, "project", "user")
        placement.put_allocations(uuid_of(5000), claim)  # what is offered can be had
    database.close()


def check_summaries(summaries: dict[str, Any], records: dict[str, ProviderRecord]) -> None:
    for uuid, summary in summaries.items():
        record = records[uuid]
        assert summary.parent_uuid == record.parent_uuid
        assert summary.root_uuid == record.root_uuid
        assert summary.traits == record.traits
        assert {name: r.used for name, r in summary.resources.items()} == record.usages
        assert {name: r.capacity for name, r in summary.resources.items()} == {
            name: inventory.capacity for name, inventory in record.inventories.items()
        }
