"""Provider trees as the search wants them: read from the database once, then never changed.

When a tree changes in the database a new `Tree` takes the place of the old one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.sql import Select

from cellrig.db.database import Row, Statement, Transaction
from cellrig.placement.tables import (
    inventories,
    provider_aggregates,
    provider_traits,
    resource_providers,
)
from cellrig.placement.types import Inventory, ProviderSummary, ResourceSummary

#: The trait of a provider whose resources are for all trees that have an aggregate in common
#: with it.
SHARING = "MISC_SHARES_VIA_AGGREGATE"

#: Capacity, used, min_unit, max_unit, step_size.
Room = tuple[int, int, int, int, int]

#: So many trees are read with one statement.
_BATCH = 256


def fits(room: Room, amount: int) -> bool:
    """Whether one more consumer could have this amount."""
    capacity, used, min_unit, max_unit, step_size = room
    return used + amount <= capacity and min_unit <= amount <= max_unit and not amount % step_size


class Node:
    """One provider of a tree."""

    __slots__ = ("aggregates", "id", "parent", "resources", "rooms", "traits", "tree", "uuid")

    tree: Tree

    def __init__(
        self, provider_id: int, uuid: str, traits: frozenset[str], aggregates: frozenset[str]
    ) -> None:
        self.id = provider_id
        self.uuid = uuid
        self.traits = traits
        self.aggregates = aggregates
        self.parent: Node | None = None
        self.rooms: dict[str, Room] = {}
        self.resources: dict[str, ResourceSummary] = {}

    @property
    def is_sharing(self) -> bool:
        """Whether other trees may use its resources."""
        return SHARING in self.traits

    def summary(self) -> ProviderSummary:
        """Return what callers get to see."""
        parent = self.parent
        return ProviderSummary(
            self.resources.copy(),
            self.traits,
            None if parent is None else parent.uuid,
            self.tree.root.uuid,
        )


class Tree:
    """One provider tree.

    Attributes:
        nodes: its providers, ordered by id.
        by_class: those that have any inventory of a class.
        traits, aggregates: those of all its providers together.
        largest: by class the largest amount that one provider could give, units aside.
    """

    __slots__ = ("aggregates", "by_class", "largest", "nodes", "root", "sharing", "traits")

    def __init__(self, root: Node, nodes: tuple[Node, ...]) -> None:
        self.root = root
        self.nodes = nodes
        self.sharing = tuple(node for node in nodes if node.is_sharing)
        by_class: dict[str, list[Node]] = {}
        largest: dict[str, int] = {}
        for node in nodes:
            node.tree = self
            for name, (capacity, used, _min_unit, max_unit, _step) in node.rooms.items():
                by_class.setdefault(name, []).append(node)
                amount = min(capacity - used, max_unit)
                if amount > largest.get(name, 0):
                    largest[name] = amount
        self.by_class = {name: tuple(having) for name, having in by_class.items()}
        self.largest = largest
        if len(nodes) == 1:
            self.traits, self.aggregates = root.traits, root.aggregates
        else:
            self.traits = root.traits.union(*[node.traits for node in nodes])
            self.aggregates = root.aggregates.union(*[node.aggregates for node in nodes])


_columns = resource_providers.c


def _pair(expression: Select[Any], by_provider: Any = None) -> tuple[Statement, Statement]:
    """Return a statement that reads everything, and one that reads some trees."""
    if by_provider is not None:
        some = expression.join(resource_providers, _columns.id == by_provider)
    else:
        some = expression
    return (
        Statement(expression),
        Statement(some.where(_columns.root_id.in_(bindparam("roots", expanding=True)))),
    )


_stock = inventories.c
_trait = provider_traits.c
_aggregate = provider_aggregates.c
_PROVIDERS = _pair(
    select(_columns.id, _columns.uuid, _columns.parent_id, _columns.root_id).order_by(
        _columns.root_id, _columns.id
    )
)
_ROOMS = _pair(
    select(
        _stock.provider_id,
        _stock.resource_class,
        _stock.total,
        _stock.reserved,
        _stock.allocation_ratio,
        _stock.used,
        _stock.min_unit,
        _stock.max_unit,
        _stock.step_size,
    ),
    _stock.provider_id,
)
_TRAITS = _pair(
    select(_trait.provider_id, func.group_concat(_trait.trait, " ")).group_by(_trait.provider_id),
    _trait.provider_id,
)
_AGGREGATES = _pair(
    select(_aggregate.provider_id, func.group_concat(_aggregate.aggregate_uuid, " ")).group_by(
        _aggregate.provider_id
    ),
    _aggregate.provider_id,
)


#: Traits or aggregates as one text, and the set that all providers with the same text share.
SharedSets = dict[str, frozenset[str]]

_MOST_SHARED_SETS = 10_000


def read_all(transaction: Transaction, shared: SharedSets) -> list[Tree]:
    """Return every tree, ordered by the root's id."""
    return _assemble(
        transaction.all(_PROVIDERS[0]),
        transaction.all(_ROOMS[0]),
        _sets(transaction.all(_TRAITS[0]), shared),
        _sets(transaction.all(_AGGREGATES[0]), shared),
    )


def read_some(transaction: Transaction, root_ids: Iterable[int], shared: SharedSets) -> list[Tree]:
    """Return the trees that exist among those of `root_ids`, ordered by the root's id."""
    roots = sorted(root_ids)
    trees = []
    for start in range(0, len(roots), _BATCH):
        batch = roots[start : start + _BATCH]
        trees += _assemble(
            transaction.all(_PROVIDERS[1], roots=batch),
            transaction.all(_ROOMS[1], roots=batch),
            _sets(transaction.all(_TRAITS[1], roots=batch), shared),
            _sets(transaction.all(_AGGREGATES[1], roots=batch), shared),
        )
    return trees


def _sets(rows: list[Row], shared: SharedSets) -> dict[int, frozenset[str]]:
    """Turn joined names into sets, by provider id."""
    if len(shared) > _MOST_SHARED_SETS:
        shared.clear()
    found = {}
    for provider_id, text in rows:
        names = shared.get(text)
        if names is None:
            names = shared[text] = frozenset(text.split(" "))
        found[provider_id] = names
    return found


def _assemble(
    providers: list[Row],
    rooms: list[Row],
    traits: dict[int, frozenset[str]],
    aggregates: dict[int, frozenset[str]],
) -> list[Tree]:
    nothing: frozenset[str] = frozenset()
    nodes = {
        provider_id: Node(
            provider_id,
            uuid,
            traits.get(provider_id, nothing),
            aggregates.get(provider_id, nothing),
        )
        for provider_id, uuid, _parent_id, _root_id in providers
    }
    for provider_id, name, *stock in rooms:
        node = nodes[provider_id]
        node.rooms[name], node.resources[name] = _room(*stock)
    trees = []
    for root_id, members in groupby(providers, key=itemgetter(3)):
        family = []
        for provider_id, _uuid, parent_id, _root_id in members:
            node = nodes[provider_id]
            if parent_id is not None:
                node.parent = nodes[parent_id]
            family.append(node)
        trees.append(Tree(nodes[root_id], tuple(family)))
    return trees


@lru_cache(maxsize=4096)
def _room(
    total: int,
    reserved: int,
    ratio: float,
    used: int,
    min_unit: int,
    max_unit: int,
    step_size: int,
) -> tuple[Room, ResourceSummary]:
    """Return the room that an inventory leaves; equal inventories share it, as most hosts do."""
    capacity = Inventory(total, reserved, allocation_ratio=ratio).capacity
    return (capacity, used, min_unit, max_unit, step_size), ResourceSummary(capacity, used)
