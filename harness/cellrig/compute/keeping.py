"""Keeping in a node's tree what is in use, though the driver does not have it any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from cellrig.driver.provider_tree import ProviderData
from cellrig.placement.types import Inventory, ProviderRecord


def keep_what_is_held(
    described: Iterable[ProviderData],
    records: Iterable[ProviderRecord],
    held: Mapping[str, Mapping[str, int]],
) -> dict[str, ProviderData]:
    """Return what placement shall have: what the driver described, and what is held besides.

    A device that is pulled out while a guest has it stays what the guest holds: its provider is
    left where it was, with just the inventory that is in use, so that nobody else gets any of it.
    It goes once it is given back.

    Args:
        described: the driver's tree.
        records: what placement has, parents before their children.
        held: by provider uuid, the amount in use of each resource class.
    """
    wanted = {provider.uuid: provider for provider in described}
    parents_of_kept: set[str | None] = set()
    for record in reversed(list(records)):
        provider = wanted.get(record.uuid)
        there = {} if provider is None else provider.inventory
        kept = {
            name: _given_away(record.inventories[name], used)
            for name, used in held.get(record.uuid, {}).items()
            if used and name not in there
        }
        if provider is not None:
            if kept:
                wanted[record.uuid] = replace(provider, inventory={**there, **kept})
        elif kept or record.uuid in parents_of_kept:
            wanted[record.uuid] = replace(data_of(record), inventory=kept)
            parents_of_kept.add(record.parent_uuid)
    return wanted


def data_of(record: ProviderRecord) -> ProviderData:
    """Return a provider of placement as one of a driver's tree."""
    return ProviderData(
        uuid=record.uuid,
        name=record.name,
        parent_uuid=record.parent_uuid,
        inventory=record.inventories,
        traits=tuple(sorted(record.traits)),
        aggregates=tuple(sorted(record.aggregates)),
    )


def _given_away(inventory: Inventory, used: int) -> Inventory:
    return replace(inventory, total=used, reserved=0, allocation_ratio=1.0)
