"""Inventories of a provider: the whole set, and one class of it."""

from __future__ import annotations

from typing import Any

import msgspec

from cellrig.http.calls import Answer, Call
from cellrig.http.errors import Refusal
from cellrig.http.placement.dates import newest
from cellrig.http.placement.links import provider_path
from cellrig.http.placement.records import record_of
from cellrig.http.versions import Version
from cellrig.placement import PlacementClient
from cellrig.placement.errors import ConcurrentUpdate, ResourceClassNotFound
from cellrig.placement.types import Inventory

_FIELDS = Inventory.__struct_fields__


def list_inventories(call: Call[PlacementClient]) -> Answer:
    """List all inventories of a resource provider."""
    record = record_of(call)
    return Answer(
        body=_set_told(record.inventories, record.generation),
        updated_at=newest(record.inventories_updated_at.values()),
    )


def set_inventories(call: Call[PlacementClient]) -> Answer:
    """Replace all inventories of a resource provider."""
    given = {name: inventory_of(fields) for name, fields in call.body["inventories"].items()}
    for name, inventory in given.items():
        _refuse_full_reserve(name, inventory, call.version)
    generation = call.service.set_inventories(
        call.parameters["uuid"], given, generation=call.body["resource_provider_generation"]
    )
    return Answer(body=_set_told(given, generation))


def delete_inventories(call: Call[PlacementClient]) -> Answer:
    """Delete all inventories of a resource provider."""
    record = record_of(call)
    call.service.set_inventories(record.uuid, {}, generation=record.generation)
    return Answer(204)


def show_inventory(call: Call[PlacementClient]) -> Answer:
    """Show the inventory of one resource class."""
    record = record_of(call)
    name = call.parameters["resource_class"]
    if name not in record.inventories:
        raise Refusal(404, f"resource provider {record.uuid} has no inventory of {name}")
    return Answer(
        body=_told(record.inventories[name], record.generation),
        updated_at=record.inventories_updated_at.get(name),
    )


def add_inventory(call: Call[PlacementClient]) -> Answer:
    """Add the inventory of one more resource class. No generation is compared."""
    record = record_of(call)
    name, inventory = call.body["resource_class"], inventory_of(call.body)
    _refuse_full_reserve(name, inventory, call.version)
    if name in record.inventories:
        raise Refusal(
            409,
            f"resource provider {record.uuid} has an inventory of {name} already",
            stable_code=ConcurrentUpdate.code,
        )
    generation = call.service.set_inventories(
        record.uuid, {**record.inventories, name: inventory}, generation=record.generation
    )
    location = f"{provider_path(call, record.uuid)}/inventories/{name}"
    return Answer(201, _told(inventory, generation), location)


def update_inventory(call: Call[PlacementClient]) -> Answer:
    """Replace the inventory of one resource class."""
    record = record_of(call)
    name, inventory = call.parameters["resource_class"], inventory_of(call.body)
    given = call.body["resource_provider_generation"]
    if given != record.generation:
        raise ConcurrentUpdate(f"resource provider {record.uuid}", given, record.generation)
    _refuse_full_reserve(name, inventory, call.version)
    if name not in record.inventories:
        if name not in call.service.list_resource_classes():
            raise ResourceClassNotFound(name)
        raise Refusal(400, f"resource provider {record.uuid} has no inventory of {name} to update")
    generation = call.service.set_inventories(
        record.uuid, {**record.inventories, name: inventory}, generation=given
    )
    return Answer(body=_told(inventory, generation))


def delete_inventory(call: Call[PlacementClient]) -> Answer:
    """Delete the inventory of one resource class."""
    record = record_of(call)
    name = call.parameters["resource_class"]
    if name not in record.inventories:
        raise Refusal(404, f"resource provider {record.uuid} has no inventory of {name}")
    kept = {other: one for other, one in record.inventories.items() if other != name}
    call.service.set_inventories(record.uuid, kept, generation=record.generation)
    return Answer(204)


def inventory_of(fields: dict[str, Any]) -> Inventory:
    """Return the inventory that a body describes; integers may have come as ``4.0``."""
    given = {name: fields[name] for name in _FIELDS if name in fields}
    ratio = float(given.pop("allocation_ratio", 1.0))
    return Inventory(**{name: int(n) for name, n in given.items()}, allocation_ratio=ratio)


def _refuse_full_reserve(name: str, inventory: Inventory, version: Version) -> None:
    """Before 1.26 something must be left for consumers."""
    if version < (1, 26) and inventory.reserved == inventory.total:
        raise Refusal(
            400,
            f"inventory of {name}: reserved is {inventory.reserved}, the whole total, "
            "which is taken from microversion 1.26 on",
        )


def _told(inventory: Inventory, generation: int) -> dict[str, Any]:
    return {**msgspec.structs.asdict(inventory), "resource_provider_generation": generation}


def _set_told(inventories: dict[str, Inventory], generation: int) -> dict[str, Any]:
    return {"resource_provider_generation": generation, "inventories": inventories}
