"""What many trees have in common, kept once.

In a cloud most hosts are of a few kinds, and most of a kind are used alike. Trees that differ in
nothing but who their providers are have one `Shape`: what one of them can do all of them can, so a
query is put to a shape once, however many trees have it.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

from cellrig.db.database import Row
from cellrig.placement.types import Inventory, ProviderSummary, ResourceSummary

#: The trait of a provider whose resources are for all trees that have an aggregate in common
#: with it.
SHARING = "MISC_SHARES_VIA_AGGREGATE"

#: Capacity, used, min_unit, max_unit, step_size.
Room = tuple[int, int, int, int, int]

#: One provider of a shape: place of its parent, rooms by class, traits, aggregates.
Outline = tuple[int | None, tuple[tuple[str, Room], ...], frozenset[str], frozenset[str]]


def fits(room: Room, amount: int) -> bool:
    """Whether one more consumer could have this amount."""
    capacity, used, min_unit, max_unit, step_size = room
    return used + amount <= capacity and min_unit <= amount <= max_unit and not amount % step_size


@lru_cache(maxsize=4096)
def room_left(
    total: int,
    reserved: int,
    ratio: float,
    used: int,
    min_unit: int,
    max_unit: int,
    step_size: int,
) -> Room:
    """Return the room that an inventory leaves; equal inventories share it, as most hosts do."""
    capacity = Inventory(total, reserved, allocation_ratio=ratio).capacity
    return capacity, used, min_unit, max_unit, step_size


class Shape:
    """What all trees have in common that look the same; providers are known by their places.

    Attributes:
        outlines: of its providers, by place.
        root: place of the root.
        rooms: by place, the room of each class.
        by_class: places that have any inventory of a class.
        sharing: places whose resources other trees may use.
        traits, aggregates: those of all its providers together.
        largest: by class the largest amount that one provider could give, units aside.
        memo: what has been found out about it once and is wanted again, by who wants it.
    """

    __slots__ = (
        "__weakref__",
        "aggregates",
        "by_class",
        "largest",
        "memo",
        "outlines",
        "rooms",
        "root",
        "sharing",
        "traits",
    )

    def __init__(self, outlines: tuple[Outline, ...]) -> None:
        self.outlines = outlines
        self.root = next(place for place, outline in enumerate(outlines) if outline[0] is None)
        self.rooms = tuple(dict(rooms) for _parent, rooms, _traits, _aggregates in outlines)
        self.sharing = tuple(p for p, outline in enumerate(outlines) if SHARING in outline[2])
        by_class: dict[str, list[int]] = {}
        largest: dict[str, int] = {}
        for place, rooms in enumerate(self.rooms):
            for name, (capacity, used, _min_unit, max_unit, _step) in rooms.items():
                by_class.setdefault(name, []).append(place)
                amount = min(capacity - used, max_unit)
                if amount > largest.get(name, 0):
                    largest[name] = amount
        self.by_class = {name: tuple(places) for name, places in by_class.items()}
        self.largest = largest
        self.traits = frozenset().union(*[outline[2] for outline in outlines])
        self.aggregates = frozenset().union(*[outline[3] for outline in outlines])
        self.memo: dict[Hashable, Any] = {}

    def summaries(self, uuids: tuple[str, ...]) -> dict[str, ProviderSummary]:
        """Return what callers get to see of a tree of this shape.

        Args:
            uuids: of its providers, by place.
        """
        root = uuids[self.root]
        return {
            uuid: ProviderSummary(
                {name: ResourceSummary(room[0], room[1]) for name, room in rooms},
                traits,
                None if parent is None else uuids[parent],
                root,
            )
            for uuid, (parent, rooms, traits, _aggregates) in zip(uuids, self.outlines, strict=True)
        }


class Shared:
    """What trees have in common is kept once: sets of names by their text, and shapes."""

    _MOST_SETS = 10_000

    def __init__(self) -> None:
        self._sets: dict[str, frozenset[str]] = {}
        self._shapes: WeakValueDictionary[tuple[Outline, ...], Shape] = WeakValueDictionary()

    def sets(self, rows: list[Row]) -> dict[int, frozenset[str]]:
        """Turn joined names into sets, by provider id."""
        if len(self._sets) > self._MOST_SETS:
            self._sets.clear()
        found = {}
        for provider_id, text in rows:
            names = self._sets.get(text)
            if names is None:
                names = self._sets[text] = frozenset(text.split(" "))
            found[provider_id] = names
        return found

    def shape(self, outlines: tuple[Outline, ...]) -> Shape:
        """Return the shape of trees with these providers."""
        shape = self._shapes.get(outlines)
        if shape is None:
            shape = self._shapes[outlines] = Shape(outlines)
        return shape
