"""Inventories: what a provider has of each resource class, and how much of it is allocated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import and_, bindparam, delete, insert, select, update

from cellrig.db.database import Statement, Transaction
from cellrig.placement import changes, providers
from cellrig.placement.errors import InvalidWrite, InventoryInUse
from cellrig.placement.names import unknown_resource_classes
from cellrig.placement.tables import inventories, resource_providers
from cellrig.placement.types import MAX_AMOUNT, Inventory


class Stock(NamedTuple):
    """An inventory together with what is allocated of it, and when it was written last."""

    inventory: Inventory
    used: int
    updated_at: float


_columns = inventories.c
_FIELDS = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")
_inventory_columns = [_columns[name] for name in _FIELDS]
_this_one = and_(
    _columns.provider_id == bindparam("of"), _columns.resource_class == bindparam("of_class")
)
_OF = Statement(
    select(_columns.resource_class, *_inventory_columns, _columns.used, _columns.updated_at)
    .where(_columns.provider_id == bindparam("of"))
    .order_by(_columns.resource_class)
)
_OF_TREE = Statement(
    select(
        _columns.provider_id,
        _columns.resource_class,
        *_inventory_columns,
        _columns.used,
        _columns.updated_at,
    )
    .select_from(
        inventories.join(resource_providers, resource_providers.c.id == _columns.provider_id)
    )
    .where(resource_providers.c.root_id == bindparam("of"))
    .order_by(_columns.provider_id, _columns.resource_class)
)
_ADD = Statement(insert(inventories))
_CHANGE = Statement(
    update(inventories)
    .where(_this_one)
    .values({name: bindparam(f"new_{name}") for name in (*_FIELDS, "updated_at")})
)
_DROP = Statement(delete(inventories).where(_this_one))


def stocks_of(transaction: Transaction, provider_id: int) -> dict[str, Stock]:
    """Return what one provider has and has given, by resource class."""
    return {
        name: Stock(Inventory(*fields), used, updated_at)
        for name, *fields, used, updated_at in transaction.all(_OF, of=provider_id)
    }


def stocks_of_tree(transaction: Transaction, root_id: int) -> dict[int, dict[str, Stock]]:
    """Return what the providers of one tree have and have given, by provider id and class."""
    found: dict[int, dict[str, Stock]] = {}
    for provider_id, name, *fields, used, updated_at in transaction.all(_OF_TREE, of=root_id):
        found.setdefault(provider_id, {})[name] = Stock(Inventory(*fields), used, updated_at)
    return found


def replace(
    transaction: Transaction, uuid: str, wanted: Mapping[str, Inventory], generation: int
) -> int:
    """Let a provider have exactly `wanted`; see `PlacementClient.set_inventories`."""
    row = providers.find(transaction, uuid)
    providers.check_generation(row, generation)
    check(transaction, uuid, wanted)
    write(transaction, row, wanted)
    drop_others(transaction, row, wanted)
    changes.record(transaction, [row.root_id], ("inventories", uuid, sorted(wanted.items())))
    return providers.bump_generation(transaction, row.id, uuid, row.generation)


def check(transaction: Transaction, uuid: str, wanted: Mapping[str, Inventory]) -> None:
    """Raise `InvalidWrite` for an unknown class or an inventory that cannot be."""
    unknown = unknown_resource_classes(transaction, wanted)
    if unknown:
        raise InvalidWrite(
            f"resource provider {uuid} cannot have an inventory of {', '.join(unknown)}: "
            "no such resource class"
        )
    for name, inventory in wanted.items():
        reason = _flaw(inventory)
        if reason:
            raise InvalidWrite(f"inventory of {name} on resource provider {uuid}: {reason}")


def write(
    transaction: Transaction, row: providers.ProviderRow, wanted: Mapping[str, Inventory]
) -> None:
    """Add and change inventories, and leave those alone that are not `wanted`."""
    present = stocks_of(transaction, row.id)
    new_rows = []
    for name, inventory in wanted.items():
        fields = {field: getattr(inventory, field) for field in _FIELDS}
        fields["updated_at"] = transaction.now()
        if name not in present:
            own = {"provider_id": row.id, "resource_class": name, "used": 0}
            new_rows.append({**own, **fields})
        elif present[name].inventory != inventory:
            new = {f"new_{field}": value for field, value in fields.items()}
            transaction.run(_CHANGE, of=row.id, of_class=name, **new)
    transaction.run_each(_ADD, new_rows)


def drop_others(
    transaction: Transaction, row: providers.ProviderRow, wanted: Iterable[str]
) -> None:
    """Take away the inventories that are not `wanted`; raise `InventoryInUse` if one is used."""
    kept = set(wanted)
    gone = [(n, stock) for n, stock in stocks_of(transaction, row.id).items() if n not in kept]
    used = [name for name, stock in gone if stock.used]
    if used:
        raise InventoryInUse(row.uuid, ", ".join(used))
    for name, _stock in gone:
        transaction.run(_DROP, of=row.id, of_class=name)


def _flaw(inventory: Inventory) -> str | None:
    """Return what is wrong with an inventory (the API's schema, microversion 1.26)."""
    for field, least in (("total", 1), ("reserved", 0), ("min_unit", 1), ("step_size", 1)):
        if not least <= getattr(inventory, field) <= MAX_AMOUNT:
            return f"{field} is {getattr(inventory, field)}, not from {least} to {MAX_AMOUNT}"
    if not 1 <= inventory.max_unit <= MAX_AMOUNT:
        return f"max_unit is {inventory.max_unit}, not from 1 to {MAX_AMOUNT}"
    if inventory.reserved > inventory.total:
        return f"reserved is {inventory.reserved}, more than the total of {inventory.total}"
    if not inventory.allocation_ratio >= 0.0:
        return f"allocation_ratio is {inventory.allocation_ratio}, less than 0"
    return None
