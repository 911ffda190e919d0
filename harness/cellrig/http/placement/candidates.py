"""Allocation candidates. Their answers are large, so they are structs that the encoder knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from cellrig.http.calls import Answer, Call
from cellrig.http.placement.flat import without_nested
from cellrig.http.placement.groups import candidate_query
from cellrig.http.placement.templates import Template, placeholders
from cellrig.http.versions import Version
from cellrig.placement import Placement, PlacementClient
from cellrig.placement.answers import Found, Pattern
from cellrig.placement.shapes import Shape
from cellrig.placement.types import (
    AllocationRequest,
    CandidateQuery,
    Candidates,
    ProviderSummary,
    ResourceSummary,
)

#: The microversions that the form of a request, and of a summary, came with.
_MAPPINGS = Version(1, 34)
_TREES = Version(1, 29)


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
    text = call.first("limit")
    limit = None if text is None else int(text)
    service = call.service
    if call.version < _TREES:
        query = candidate_query(call, None)
        found = without_nested(service.get_allocation_candidates(query), limit)
        return _told(found, query, call.version)
    query = candidate_query(call, limit)
    if isinstance(service, Placement):
        return Answer(body=written(service.find_candidates(query), call.version))
    return _told(service.get_allocation_candidates(query), query, call.version)


def _told(found: Candidates, query: CandidateQuery, version: Version) -> Answer:
    return Answer(
        body={
            "allocation_requests": _requests(found.allocation_requests, version),
            "provider_summaries": _summaries(found.provider_summaries, query, version),
        }
    )


# -- since 1.29: written from templates --------------------------------------------------------


def written(found: Found, version: Version) -> bytes:
    """Return what `_told` encodes to, from the short form."""
    form = _MAPPINGS if version >= _MAPPINGS else _TREES
    requests = [_request_template(pattern, form).fill(uuids) for pattern, uuids in found.parts]
    summaries = [_summary_template(tree.shape).fill(tree.uuids) for tree in found.trees]
    return b'{"allocation_requests":[%b],"provider_summaries":{%b}}' % (
        ",".join(requests).encode(),
        ",".join(summaries).encode(),
    )


def _request_template(pattern: Pattern, form: Version) -> Template:
    template: Template | None = pattern.memo.get(form)
    if template is None:
        requests = pattern.requests_of(placeholders(pattern.breadth))
        template = pattern.memo[form] = Template(_requests(requests, form))
    return template


def _summary_template(shape: Shape) -> Template:
    template: Template | None = shape.memo.get(_TREES)
    if template is None:
        summaries = shape.summaries(placeholders(len(shape.outlines)))
        told = _summaries(summaries, CandidateQuery(()), _TREES)
        template = shape.memo[_TREES] = Template(told)
    return template


# -- in every microversion: translated and then encoded ------------------------------------------


def _requests(found: Iterable[AllocationRequest], version: Version) -> list[Any]:
    if version >= _MAPPINGS:
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
