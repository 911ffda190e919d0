"""Aggregates that a provider is in. With 1.19 they came under the provider's generation."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer, Call
from cellrig.http.placement.records import record_of
from cellrig.placement import PlacementClient


def list_aggregates(call: Call[PlacementClient]) -> Answer:
    """List the aggregates of a resource provider."""
    record = record_of(call)
    return _told(call, sorted(record.aggregates), record.generation)


def set_aggregates(call: Call[PlacementClient]) -> Answer:
    """Replace the aggregates of a resource provider."""
    uuid = call.parameters["uuid"]
    if call.version < (1, 19):
        aggregates, generation = call.body, None
    else:
        aggregates = call.body["aggregates"]
        generation = call.body["resource_provider_generation"]
    after = call.service.set_aggregates(uuid, frozenset(aggregates), generation=generation)
    return _told(call, aggregates, after)


def _told(call: Call[PlacementClient], aggregates: list[str], generation: int) -> Answer:
    told: dict[str, Any] = {"aggregates": aggregates}
    if call.version >= (1, 19):
        told["resource_provider_generation"] = generation
    return Answer(body=told)
