"""Allocation candidates. Their answers are large, so they are structs that the encoder knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from cellrig.http.calls import Answer, Call
from cellrig.http.placement.flat import without_nested
from cellrig.http.placement.groups import candidate_query
from cellrig.http.versions import Version
from cellrig.placement import PlacementClient
from cellrig.placement.types import (
    AllocationRequest,
    CandidateQuery,
    ProviderSummary,
    ResourceSummary,
)


class _Amounts(msgspec.Struct, frozen=True, gc=False):
    resources: dict[str, int]


class _Request(msgspec.Struct, frozen=True, gc=False):
    """An allocation request since 1.12."""

    allocations: dict[str, _Amounts]
    mappings: dict[str, tuple[str, ...]] | UnsetType = UNSET


class _Summary(msgspec.Struct, frozen=True, gc=False):
    resources: dict[str, ResourceSummary]
    traits: list[str] | UnsetType = UNSET
    parent_provider_uuid: str | UnsetType | None = UNSET
    root_provider_uuid: str | UnsetType = UNSET


def list_candidates(call: Call[PlacementClient]) -> Answer:
    """List the ways in which resources could be allocated."""
    text = call.single("limit")
    limit = None if text is None else int(text)
    is_nested = call.version >= (1, 29)
    query = candidate_query(call, limit if is_nested else None)
    found = call.service.get_allocation_candidates(query)
    if not is_nested:
        found = without_nested(found, limit)
    return Answer(
        body={
            "allocation_requests": _requests(found.allocation_requests, call.version),
            "provider_summaries": _summaries(found.provider_summaries, query, call.version),
        }
    )


def _requests(found: Iterable[AllocationRequest], version: Version) -> list[Any]:
    if version >= (1, 34):
        return [_Request(_by_provider(request), request.mappings) for request in found]
    if version >= (1, 12):
        return [_Request(_by_provider(request)) for request in found]
    return [{"allocations": _listed(request)} for request in found]


def _by_provider(request: AllocationRequest) -> dict[str, _Amounts]:
    return {uuid: _Amounts(amounts) for uuid, amounts in request.allocations.items()}


def _listed(request: AllocationRequest) -> list[dict[str, Any]]:
    return [
        {"resource_provider": {"uuid": uuid}, "resources": amounts}
        for uuid, amounts in request.allocations.items()
    ]


def _summaries(
    found: Mapping[str, ProviderSummary], query: CandidateQuery, version: Version
) -> dict[str, _Summary]:
    """Return the summaries: from 1.27 of all resource classes, before of those asked for."""
    if version < (1, 27):
        asked = {name for group in query.groups for name in group.resources}
        resources = {
            uuid: {name: one for name, one in summary.resources.items() if name in asked}
            for uuid, summary in found.items()
        }
    else:
        resources = {uuid: summary.resources for uuid, summary in found.items()}
    if version < (1, 17):
        return {uuid: _Summary(resources[uuid]) for uuid in found}
    listed = {traits: sorted(traits) for traits in {s.traits for s in found.values()}}
    if version < (1, 29):
        return {uuid: _Summary(resources[uuid], listed[s.traits]) for uuid, s in found.items()}
    return {
        uuid: _Summary(resources[uuid], listed[s.traits], s.parent_uuid, s.root_uuid)
        for uuid, s in found.items()
    }
