"""Consumers: who holds allocations (an instance, a migration), in which generation."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from cellrig.db.database import Statement, Transaction
from cellrig.placement.errors import ConcurrentUpdate
from cellrig.placement.tables import allocations, consumers, resource_providers
from cellrig.placement.types import AllocationsWrite, ConsumerAllocations, ConsumerTypeUsage

#: What usages call consumers whose type nobody has said, and the sum over all types.
UNKNOWN_TYPE, ALL_TYPES = "unknown", "all"


class ConsumerRow(NamedTuple):
    """A consumer as the database has it."""

    uuid: str
    generation: int
    project_id: str
    user_id: str
    consumer_type: str | None
    updated_at: float


_columns = consumers.c
_AMONG = Statement(select(consumers).where(_columns.uuid.in_(bindparam("uuids", expanding=True))))
_CREATE = Statement(insert(consumers))
_CHANGE = Statement(
    update(consumers)
    .where(and_(_columns.uuid == bindparam("of"), _columns.generation == bindparam("before")))
    .values(
        generation=bindparam("after"),
        project_id=bindparam("project"),
        user_id=bindparam("user"),
        consumer_type=bindparam("type"),
        updated_at=bindparam("at"),
    )
)
_DROP = Statement(delete(consumers).where(_columns.uuid == bindparam("of")))

_holdings = (
    select(
        _columns.uuid,
        _columns.generation,
        _columns.project_id,
        _columns.user_id,
        _columns.consumer_type,
        _columns.updated_at,
        resource_providers.c.uuid,
        resource_providers.c.generation,
        allocations.c.resource_class,
        allocations.c.amount,
    )
    .select_from(
        consumers.join(allocations, allocations.c.consumer_uuid == _columns.uuid).join(
            resource_providers, resource_providers.c.id == allocations.c.provider_id
        )
    )
    .order_by(_columns.uuid, allocations.c.provider_id, allocations.c.resource_class)
)
_HOLDINGS = Statement(_holdings)
_HOLDINGS_OF = Statement(_holdings.where(_columns.uuid == bindparam("of")))
_of_provider = allocations.alias("of_provider")
_HOLDINGS_FROM = Statement(
    _holdings.where(
        _columns.uuid.in_(
            select(_of_provider.c.consumer_uuid).where(
                _of_provider.c.provider_id == bindparam("of")
            )
        )
    )
)

_USAGES = Statement(
    select(
        _columns.consumer_type,
        _columns.user_id,
        _columns.uuid,
        allocations.c.resource_class,
        func.sum(allocations.c.amount),
    )
    .select_from(consumers.join(allocations, allocations.c.consumer_uuid == _columns.uuid))
    .where(_columns.project_id == bindparam("of"))
    .group_by(_columns.consumer_type, _columns.user_id, _columns.uuid, allocations.c.resource_class)
    .order_by(_columns.consumer_type, allocations.c.resource_class, _columns.uuid)
)


def find(transaction: Transaction, uuids: Iterable[str]) -> dict[str, ConsumerRow]:
    """Return the consumers that exist among `uuids`, by uuid."""
    wanted = list(uuids)
    if not wanted:
        return {}
    return {row[0]: ConsumerRow._make(row) for row in transaction.all(_AMONG, uuids=wanted)}


def check_generation(uuid: str, row: ConsumerRow | None, given: object) -> None:
    """Raise `ConcurrentUpdate` where a consumer (None: absent) is not of the given generation."""
    actual = row.generation if row else None
    if actual != given:
        raise ConcurrentUpdate(f"consumer {uuid}", given, actual)


def save(
    transaction: Transaction, uuid: str, row: ConsumerRow | None, write: AllocationsWrite
) -> None:
    """Create a consumer or move its generation on, or delete it when it shall hold nothing."""
    if row is None:
        if write.allocations:
            transaction.run(
                _CREATE,
                uuid=uuid,
                generation=1,  # 0 is the consumer without allocations, which nobody ever sees
                project_id=write.project_id,
                user_id=write.user_id,
                consumer_type=write.consumer_type,
                updated_at=transaction.now(),
            )
        return
    if not write.allocations:
        remove(transaction, row)
        return
    changed = transaction.run(
        _CHANGE,
        of=uuid,
        before=row.generation,
        after=row.generation + 1,
        project=write.project_id,
        user=write.user_id,
        type=row.consumer_type if write.consumer_type is None else write.consumer_type,
        at=transaction.now(),
    )
    if not changed:
        raise ConcurrentUpdate(f"consumer {uuid}", row.generation, "another one")


def remove(transaction: Transaction, row: ConsumerRow) -> None:
    """Delete a consumer that holds nothing any more."""
    transaction.run(_DROP, of=row.uuid)


def allocations_of(transaction: Transaction, uuid: str) -> ConsumerAllocations | None:
    """Return what one consumer holds, None where it holds nothing."""
    found = _collect(transaction.all(_HOLDINGS_OF, of=uuid))
    return found[0] if found else None


def allocations_from(transaction: Transaction, provider_id: int) -> tuple[ConsumerAllocations, ...]:
    """Return all that the consumers of one provider hold."""
    return _collect(transaction.all(_HOLDINGS_FROM, of=provider_id))


def all_allocations(transaction: Transaction) -> tuple[ConsumerAllocations, ...]:
    """Return what every consumer holds."""
    return _collect(transaction.all(_HOLDINGS))


def _collect(rows: list[tuple[Any, ...]]) -> tuple[ConsumerAllocations, ...]:
    collected = []
    for consumer, lines in groupby(rows, key=lambda row: row[:6]):
        uuid, generation, project_id, user_id, consumer_type, updated_at = consumer
        held: dict[str, dict[str, int]] = {}
        generations: dict[str, int] = {}
        for *_consumer, provider_uuid, provider_generation, name, amount in lines:
            held.setdefault(provider_uuid, {})[name] = amount
            generations[provider_uuid] = provider_generation
        collected.append(
            ConsumerAllocations(
                consumer_uuid=uuid,
                allocations=held,
                generation=generation,
                project_id=project_id,
                user_id=user_id,
                consumer_type=consumer_type,
                provider_generations=generations,
                updated_at=updated_at,
            )
        )
    return tuple(collected)


def usages(
    transaction: Transaction, project_id: str, user_id: str | None, consumer_type: str | None
) -> dict[str, ConsumerTypeUsage]:
    """Return what a project's consumers use, by type; see `PlacementClient.get_usages`."""
    amounts: dict[str, dict[str, int]] = {}
    counted: dict[str, set[str]] = {}
    for kind, user, consumer_uuid, name, amount in transaction.all(_USAGES, of=project_id):
        key = ALL_TYPES if consumer_type == ALL_TYPES else kind or UNKNOWN_TYPE
        if consumer_type not in {None, key} or user_id not in {None, user}:
            continue
        used = amounts.setdefault(key, {})
        used[name] = used.get(name, 0) + amount
        counted.setdefault(key, set()).add(consumer_uuid)
    return {key: ConsumerTypeUsage(len(counted[key]), used) for key, used in amounts.items()}
