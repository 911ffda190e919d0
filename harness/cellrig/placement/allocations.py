"""Allocations: what consumers hold. A claim is a compare-and-swap, decided here and nowhere else.

A write replaces all that its consumers hold, in one transaction: what they held is given back,
what they want is checked against what is left, generations of consumers and providers are
compared and moved on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import UNSET
from sqlalchemy import and_, bindparam, delete, insert, select, update

from cellrig.db.database import Statement, Transaction
from cellrig.placement import changes, consumers
from cellrig.placement.errors import CapacityExceeded, InvalidWrite, NoInventory, UnitsViolated
from cellrig.placement.names import unknown_resource_classes
from cellrig.placement.providers import bump_generation
from cellrig.placement.tables import allocations, inventories, resource_providers
from cellrig.placement.types import AllocationsWrite, Inventory


class _Provider(NamedTuple):
    """A provider that something is taken from or given back to."""

    id: int
    uuid: str
    generation: int
    root_id: int


class _Line(NamedTuple):
    """What a provider has of one class."""

    total: int
    reserved: int
    min_unit: int
    max_unit: int
    step_size: int
    allocation_ratio: float
    used: int


class _Shelf(NamedTuple):
    """A provider with its lines, by resource class."""

    provider: _Provider
    lines: dict[str, _Line]


_provider_columns = [resource_providers.c[name] for name in ("id", "uuid", "generation", "root_id")]
_SHELVES = Statement(
    select(
        *_provider_columns, inventories.c.resource_class, *[inventories.c[n] for n in _Line._fields]
    )
    .select_from(
        resource_providers.outerjoin(
            inventories, inventories.c.provider_id == resource_providers.c.id
        )
    )
    .where(resource_providers.c.uuid.in_(bindparam("uuids", expanding=True)))
)
_HELD = Statement(
    select(
        *_provider_columns,
        allocations.c.consumer_uuid,
        allocations.c.resource_class,
        allocations.c.amount,
    )
    .select_from(
        allocations.join(resource_providers, resource_providers.c.id == allocations.c.provider_id)
    )
    .where(allocations.c.consumer_uuid.in_(bindparam("consumers", expanding=True)))
)
_DROP = Statement(
    delete(allocations).where(
        allocations.c.consumer_uuid.in_(bindparam("consumers", expanding=True))
    )
)
_ADD = Statement(insert(allocations))
_USE = Statement(
    update(inventories)
    .where(
        and_(
            inventories.c.provider_id == bindparam("of"),
            inventories.c.resource_class == bindparam("of_class"),
        )
    )
    .values(used=inventories.c.used + bindparam("more"))
)


class _Balance:
    """What a write changes.

    Attributes:
        more: by provider id and class the amount that is taken, less what is given back.
        moved_on: providers whose generation moves on, by id.
        roots: ids of the roots of the trees that change.
    """

    def __init__(self) -> None:
        self.more: dict[tuple[int, str], int] = defaultdict(int)
        self.moved_on: dict[int, _Provider] = {}
        self.roots: set[int] = set()

    def give_back(
        self, transaction: Transaction, consumer_uuids: Iterable[str], emptied: set[str]
    ) -> None:
        """Delete all that the consumers hold.

        A provider's generation moves on with what it gives, and when a consumer is `emptied`; it
        stays when a consumer goes elsewhere. This is what Placement does.
        """
        uuids = list(consumer_uuids)
        if uuids:
            for *columns, consumer_uuid, name, amount in transaction.all(_HELD, consumers=uuids):
                provider = _Provider(*columns)
                self.more[provider.id, name] -= amount
                self.roots.add(provider.root_id)
                if consumer_uuid in emptied:
                    self.moved_on[provider.id] = provider
            transaction.run(_DROP, consumers=uuids)

    def take(self, provider: _Provider, amounts: Mapping[str, int]) -> None:
        """Note what is wanted of a provider."""
        self.moved_on[provider.id] = provider
        self.roots.add(provider.root_id)
        for name, amount in amounts.items():
            self.more[provider.id, name] += amount

    def settle(self, transaction: Transaction, what: object) -> None:
        """Write down what is used now, compare and swap the generations, log the change."""
        transaction.run_each(
            _USE,
            [
                {"of": provider_id, "of_class": name, "more": amount}
                for (provider_id, name), amount in self.more.items()
                if amount
            ],
        )
        for provider in self.moved_on.values():
            bump_generation(transaction, provider.id, provider.uuid, provider.generation)
        changes.record(transaction, self.roots, what)


def replace(transaction: Transaction, writes: Mapping[str, AllocationsWrite]) -> None:
    """Let each consumer hold exactly what its write says; see `PlacementClient.post_allocations`.

    The writes are by consumer uuid.
    """
    known = consumers.find(transaction, writes)
    for uuid, write in writes.items():
        if write.consumer_generation is not UNSET:
            consumers.check_generation(uuid, known.get(uuid), write.consumer_generation)
    shelves = _shelves(transaction, writes)
    balance = _Balance()
    balance.give_back(transaction, known, {uuid for uuid in known if not writes[uuid].allocations})
    for write in writes.values():
        for uuid, amounts in write.allocations.items():
            balance.take(shelves[uuid].provider, amounts)
    for write in writes.values():
        for uuid, amounts in write.allocations.items():
            _refuse_unfit(transaction, shelves[uuid], amounts, balance)
    added = []
    for uuid, write in writes.items():
        consumers.save(transaction, uuid, known.get(uuid), write)
        for provider_uuid, amounts in write.allocations.items():
            key = {"consumer_uuid": uuid, "provider_id": shelves[provider_uuid].provider.id}
            added += [{**key, "resource_class": n, "amount": a} for n, a in amounts.items()]
    transaction.run_each(_ADD, added)
    balance.settle(transaction, dict(writes))


def release(transaction: Transaction, consumer_uuid: str) -> bool:
    """Take everything from a consumer; see `PlacementClient.delete_allocations`."""
    row = consumers.find(transaction, [consumer_uuid]).get(consumer_uuid)
    if row is None:
        return False
    balance = _Balance()
    balance.give_back(transaction, [consumer_uuid], set())
    consumers.remove(transaction, row)
    balance.settle(transaction, ("release", consumer_uuid))
    return True


def _shelves(transaction: Transaction, writes: Mapping[str, AllocationsWrite]) -> dict[str, _Shelf]:
    """Read the providers that are written to, with all that they have, by uuid."""
    uuids = sorted({uuid for write in writes.values() for uuid in write.allocations})
    shelves: dict[str, _Shelf] = {}
    if uuids:
        for row in transaction.all(_SHELVES, uuids=uuids):
            shelf = shelves.get(row[1])
            if shelf is None:
                shelf = shelves[row[1]] = _Shelf(_Provider(*row[:4]), {})
            if row[4] is not None:
                shelf.lines[row[4]] = _Line(*row[5:])
    for uuid in uuids:
        if uuid not in shelves:
            raise InvalidWrite(f"allocation of resource provider {uuid}, which does not exist")
    return shelves


def _refuse_unfit(
    transaction: Transaction, shelf: _Shelf, amounts: Mapping[str, int], balance: _Balance
) -> None:
    """Raise for an amount that breaks the units, and for a class or room that is not there."""
    provider, lines = shelf
    for name, amount in amounts.items():
        if amount < 1:
            raise InvalidWrite(
                f"allocation of {amount} {name} of resource provider {provider.uuid}: "
                "the least amount is 1"
            )
        line = lines.get(name)
        if line is not None:
            _refuse_amount(provider, line, name, amount, balance.more[provider.id, name])
        elif unknown_resource_classes(transaction, [name]):
            raise InvalidWrite(f"no such resource class: {name} (allocation of {provider.uuid})")
        else:
            raise NoInventory(provider.uuid, name)


def _refuse_amount(provider: _Provider, line: _Line, name: str, amount: int, more: int) -> None:
    total, reserved, min_unit, max_unit, step_size, ratio, used = line
    if not min_unit <= amount <= max_unit or amount % step_size:
        raise UnitsViolated(provider.uuid, name, amount, min_unit, max_unit, step_size)
    capacity = Inventory(total, reserved, allocation_ratio=ratio).capacity
    # Who is over capacity already, because the inventory shrank, may hold on, move and shrink.
    if used + more > capacity and more > 0:
        left = max(0, capacity - used - more + amount)
        raise CapacityExceeded(provider.uuid, name, amount, left, capacity)
