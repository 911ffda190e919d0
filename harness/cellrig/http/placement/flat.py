"""Candidates for clients older than microversion 1.29, who know no trees."""

from __future__ import annotations

from cellrig.placement.types import AllocationRequest, Candidates


def without_nested(found: Candidates, limit: int | None) -> Candidates:
    """Leave out every request that takes from two providers of one tree.

    Only the providers that are left in a request keep their summaries.

    Args:
        found: all candidates, without a limit.
        limit: at most so many requests; None for all.
    """
    summaries = found.provider_summaries

    def is_flat(request: AllocationRequest) -> bool:
        roots = {summaries[uuid].root_uuid for uuid in request.allocations}
        return len(roots) == len(request.allocations)

    requests = tuple(filter(is_flat, found.allocation_requests))[:limit]
    used = {uuid for request in requests for uuid in request.allocations}
    return Candidates(
        requests, {uuid: summary for uuid, summary in summaries.items() if uuid in used}
    )
