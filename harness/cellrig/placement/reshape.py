"""Reshape: inventories move within a tree together with what is allocated of them."""

from __future__ import annotations

from collections.abc import Mapping

from cellrig.db.database import Transaction
from cellrig.placement import allocations, changes, inventories, providers
from cellrig.placement.types import AllocationsWrite, InventoriesWrite


def reshape(
    transaction: Transaction,
    inventory_writes: Mapping[str, InventoriesWrite],
    allocation_writes: Mapping[str, AllocationsWrite],
) -> None:
    """Replace inventories and allocations at once; see `PlacementClient.reshape`.

    New inventories come first and old ones go last, so that the allocations fit in between.
    """
    rows = []
    for uuid, write in inventory_writes.items():
        row = providers.find(transaction, uuid)
        providers.check_generation(row, write.generation)
        inventories.check(transaction, uuid, write.inventories)
        if write.inventories:
            inventories.write(transaction, row, write.inventories)
            providers.bump_generation(transaction, row.id, uuid, row.generation)
        rows.append(row)
    allocations.replace(transaction, allocation_writes)
    for row in rows:
        inventories.drop_others(transaction, row, inventory_writes[row.uuid].inventories)
        # Written twice, its generation grows twice, as clients count it.
        before = providers.find(transaction, row.uuid).generation
        providers.bump_generation(transaction, row.id, row.uuid, before)
    changes.record(
        transaction,
        {row.root_id for row in rows},
        [(uuid, sorted(w.inventories.items())) for uuid, w in sorted(inventory_writes.items())],
    )
