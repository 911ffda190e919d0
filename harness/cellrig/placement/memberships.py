"""Traits that a provider has, and aggregates that it is in."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from sqlalchemy import Column, Table, and_, bindparam, delete, insert, select

from cellrig.db.database import Statement, Transaction
from cellrig.placement import changes, providers
from cellrig.placement.errors import InvalidWrite
from cellrig.placement.names import unknown_traits
from cellrig.placement.tables import provider_aggregates, provider_traits, resource_providers


class Membership:
    """A set of names that belongs to each provider, kept in a table of two columns."""

    def __init__(self, table: Table, column: Column[str]) -> None:
        provider_id = table.c.provider_id
        self._column = column.name
        self._of = Statement(select(column).where(provider_id == bindparam("of")))
        self._of_tree = Statement(
            select(provider_id, column)
            .select_from(table.join(resource_providers, resource_providers.c.id == provider_id))
            .where(resource_providers.c.root_id == bindparam("of"))
        )
        self._add = Statement(insert(table))
        self._drop = Statement(
            delete(table).where(
                and_(provider_id == bindparam("of"), column == bindparam("of_name"))
            )
        )

    def of(self, transaction: Transaction, provider_id: int) -> set[str]:
        """Return the names that one provider has."""
        return {name for (name,) in transaction.all(self._of, of=provider_id)}

    def of_tree(self, transaction: Transaction, root_id: int) -> dict[int, set[str]]:
        """Return the names that the providers of a tree have, by provider id."""
        found: dict[int, set[str]] = {}
        for provider_id, name in transaction.all(self._of_tree, of=root_id):
            found.setdefault(provider_id, set()).add(name)
        return found

    def replace(self, transaction: Transaction, provider_id: int, wanted: AbstractSet[str]) -> None:
        """Let one provider have exactly the names in `wanted`."""
        present = self.of(transaction, provider_id)
        rows = [{"provider_id": provider_id, self._column: n} for n in sorted(wanted - present)]
        transaction.run_each(self._add, rows)
        for name in sorted(present - wanted):
            transaction.run(self._drop, of=provider_id, of_name=name)


traits = Membership(provider_traits, provider_traits.c.trait)
aggregates = Membership(provider_aggregates, provider_aggregates.c.aggregate_uuid)


def set_traits(
    transaction: Transaction, uuid: str, wanted: AbstractSet[str], generation: int
) -> int:
    """Let a provider have exactly the traits in `wanted`; see `PlacementClient.set_traits`."""
    row = providers.find(transaction, uuid)
    providers.check_generation(row, generation)
    unknown = unknown_traits(transaction, sorted(wanted))
    if unknown:
        raise InvalidWrite(f"no such trait: {', '.join(unknown)} (for resource provider {uuid})")
    if wanted == traits.of(transaction, row.id):
        return row.generation  # as in Placement, which moves on for inventories and aggregates
    traits.replace(transaction, row.id, wanted)
    changes.record(transaction, [row.root_id], ("traits", uuid, sorted(wanted)))
    return providers.bump_generation(transaction, row.id, uuid, row.generation)


def set_aggregates(
    transaction: Transaction, uuid: str, wanted: AbstractSet[str], generation: int | None
) -> int:
    """Let a provider be in exactly the aggregates in `wanted`, of any or a given generation."""
    row = providers.find(transaction, uuid)
    if generation is not None:
        providers.check_generation(row, generation)
    aggregates.replace(transaction, row.id, wanted)
    changes.record(transaction, [row.root_id], ("aggregates", uuid, sorted(wanted)))
    if generation is None:  # the API before 1.19 knows no generation here and changes none
        return row.generation
    return providers.bump_generation(transaction, row.id, uuid, row.generation)
