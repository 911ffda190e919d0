"""Whole trees as one answer, and the search for single providers."""

from __future__ import annotations

from cellrig.db.database import Transaction
from cellrig.placement import inventories, memberships, providers
from cellrig.placement.index import Index
from cellrig.placement.query import Group, check_group
from cellrig.placement.types import Provider, ProviderRecord, RequestGroup


def tree(transaction: Transaction, uuid: str) -> tuple[ProviderRecord, ...]:
    """Return the tree that a provider is in; see `PlacementClient.get_provider_tree`."""
    rows = providers.tree_of(transaction, uuid)
    if not rows:
        return ()
    root_id = rows[0].root_id
    stocks = inventories.stocks_of_tree(transaction, root_id)
    traits = memberships.traits.of_tree(transaction, root_id)
    aggregates = memberships.aggregates.of_tree(transaction, root_id)
    return tuple(
        ProviderRecord(
            uuid=row.uuid,
            name=row.name,
            generation=row.generation,
            parent_uuid=row.parent_uuid,
            root_uuid=row.root_uuid,
            inventories={n: stock.inventory for n, stock in stocks.get(row.id, {}).items()},
            usages={n: stock.used for n, stock in stocks.get(row.id, {}).items()},
            traits=frozenset(traits.get(row.id, ())),
            aggregates=frozenset(aggregates.get(row.id, ())),
            inventories_updated_at={n: s.updated_at for n, s in stocks.get(row.id, {}).items()},
        )
        for row in rows
    )


def search(
    transaction: Transaction,
    index: Index,
    name: str | None,
    uuid: str | None,
    in_tree: str | None,
    request: RequestGroup,
) -> tuple[Provider, ...]:
    """Return the providers that fit all; see `PlacementClient.list_providers`.

    Args:
        request: what each provider must be like by itself.
    """
    check_group(transaction, request)
    rows = providers.search(transaction, name, uuid, in_tree)
    if request != RequestGroup():
        index.follow(transaction)
        group = Group(request, None)
        nodes = [(row, index.node(row.uuid)) for row in rows]
        rows = [row for row, node in nodes if node is not None and group.serves(node)]
    return tuple(row.value() for row in rows)
