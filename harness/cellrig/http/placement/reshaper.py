"""The reshaper: inventories move together with what is allocated of them."""

from __future__ import annotations

from cellrig.http.calls import Answer, Call
from cellrig.http.errors import Refusal
from cellrig.http.placement.allocations import writes_of
from cellrig.http.placement.inventories import inventory_of
from cellrig.placement import PlacementClient
from cellrig.placement.errors import ProviderNotFound
from cellrig.placement.types import InventoriesWrite


def reshape(call: Call[PlacementClient]) -> Answer:
    """Replace inventories of providers and allocations of consumers at once."""
    inventories = {
        uuid: InventoriesWrite(
            {name: inventory_of(fields) for name, fields in one["inventories"].items()},
            one["resource_provider_generation"],
        )
        for uuid, one in call.body["inventories"].items()
    }
    try:
        call.service.reshape(inventories, writes_of(call.body["allocations"], call.version))
    except ProviderNotFound as error:
        # It is the body that names the provider, not the path.
        raise Refusal(400, str(error), stable_code=error.code) from error
    return Answer(204)
