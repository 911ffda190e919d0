"""Provider trees as the search wants them: read from the database once, then never changed.

When a tree changes in the database a new `Tree` takes the place of the old one.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select

from cellrig.db.database import Row, Statement, Transaction
from cellrig.placement.shapes import SHARING, Room, Shape, Shared, room_left
from cellrig.placement.tables import (
    inventories,
    provider_aggregates,
    provider_traits,
    resource_providers,
)

#: So many trees are read with one statement.
_BATCH = 256


class Node:
    """One provider of a tree; `place` is where it is among the tree's providers."""

    __slots__ = ("aggregates", "id", "parent", "place", "rooms", "traits", "tree", "uuid")

    parent: Node | None

    def __init__(self, tree: Tree, place: int, provider_id: int, uuid: str) -> None:
        self.tree = tree
        self.place = place
        self.id = provider_id
        self.uuid = uuid
        self.rooms = tree.shape.rooms[place]
        _parent, _rooms, self.traits, self.aggregates = tree.shape.outlines[place]

    @property
    def is_sharing(self) -> bool:
        """Whether other trees may use its resources."""
        return SHARING in self.traits


class Tree:
    """One provider tree; its providers are ordered by id."""

    __slots__ = ("nodes", "root", "shape", "uuids")

    def __init__(self, shape: Shape, ids: Iterable[int], uuids: tuple[str, ...]) -> None:
        self.shape = shape
        self.uuids = uuids
        self.nodes = tuple(
            Node(self, place, provider_id, uuids[place]) for place, provider_id in enumerate(ids)
        )
        self.root = self.nodes[shape.root]
        for node, (parent, *_rest) in zip(self.nodes, shape.outlines, strict=True):
            node.parent = None if parent is None else self.nodes[parent]

    @property
    def sharing(self) -> tuple[Node, ...]:
        """The providers whose resources other trees may use."""
        return tuple(self.nodes[place] for place in self.shape.sharing)

    def having(self, resource_class: str) -> list[Node]:
        """Return the providers that have any inventory of a class."""
        nodes = self.nodes
        return [nodes[place] for place in self.shape.by_class.get(resource_class, ())]


_columns = resource_providers.c


def _pair(expression: Any, by_provider: Any = None, *order: Any) -> tuple[Statement, Statement]:
    """Return a statement that reads everything, and one that reads some trees.

    Args:
        expression: reads everything.
        by_provider: the column with the provider's id, where that is of another table.
        order: how what there is of one provider is sorted, if it must be.
    """
    everything = some = expression
    if by_provider is not None:
        some = expression.join(resource_providers, _columns.id == by_provider)
    if order:
        everything = everything.order_by(by_provider, *order)
        some = some.order_by(_columns.root_id, _columns.id, *order)
    return (
        Statement(everything),
        Statement(some.where(_columns.root_id.in_(bindparam("roots", expanding=True)))),
    )


_SPACE: Any = literal_column("' '")
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
    # Rows of one table come in any order from a server, and summaries show them in this one.
    _stock.resource_class,
)
_TRAITS = _pair(
    select(_trait.provider_id, func.aggregate_strings(_trait.trait, _SPACE)).group_by(
        _trait.provider_id
    ),
    _trait.provider_id,
)
_AGGREGATES = _pair(
    select(
        _aggregate.provider_id, func.aggregate_strings(_aggregate.aggregate_uuid, _SPACE)
    ).group_by(_aggregate.provider_id),
    _aggregate.provider_id,
)


def read_all(transaction: Transaction, shared: Shared) -> list[Tree]:
    """Return every tree, ordered by the root's id."""
    return _assemble(
        transaction.all(_PROVIDERS[0]),
        transaction.all(_ROOMS[0]),
        shared.sets(transaction.all(_TRAITS[0])),
        shared.sets(transaction.all(_AGGREGATES[0])),
        shared,
    )


def read_some(transaction: Transaction, root_ids: Iterable[int], shared: Shared) -> list[Tree]:
    """Return the trees that exist among those of `root_ids`, ordered by the root's id."""
    roots = sorted(root_ids)
    trees = []
    for start in range(0, len(roots), _BATCH):
        batch = roots[start : start + _BATCH]
        trees += _assemble(
            transaction.all(_PROVIDERS[1], roots=batch),
            transaction.all(_ROOMS[1], roots=batch),
            shared.sets(transaction.all(_TRAITS[1], roots=batch)),
            shared.sets(transaction.all(_AGGREGATES[1], roots=batch)),
            shared,
        )
    return trees


def _assemble(
    providers: list[Row],
    stocks: list[Row],
    traits: dict[int, frozenset[str]],
    aggregates: dict[int, frozenset[str]],
    shared: Shared,
) -> list[Tree]:
    nothing: frozenset[str] = frozenset()
    rooms: dict[int, list[tuple[str, Room]]] = {}
    for provider_id, name, *stock in stocks:
        rooms.setdefault(provider_id, []).append((name, room_left(*stock)))
    trees = []
    for _root_id, members in groupby(providers, key=itemgetter(3)):
        ids, uuids, parents, _roots = zip(*members, strict=True)
        places = {provider_id: place for place, provider_id in enumerate(ids)}
        outlines = tuple(
            (
                places.get(parent_id),
                tuple(rooms.get(provider_id, ())),
                traits.get(provider_id, nothing),
                aggregates.get(provider_id, nothing),
            )
            for provider_id, parent_id in zip(ids, parents, strict=True)
        )
        trees.append(Tree(shared.shape(outlines), ids, uuids))
    return trees
