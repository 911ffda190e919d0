"""One provider with all that belongs to it."""

from __future__ import annotations

from cellrig.http.calls import Call
from cellrig.placement import PlacementClient
from cellrig.placement.errors import ProviderNotFound
from cellrig.placement.types import ProviderRecord


def record_of(call: Call[PlacementClient]) -> ProviderRecord:
    """Return what placement knows about the provider in the path.

    Raises:
        ProviderNotFound: no such provider.
    """
    uuid = call.parameters["uuid"]
    for record in call.service.get_provider_tree(uuid):
        if record.uuid == uuid:
            return record
    raise ProviderNotFound(uuid)
