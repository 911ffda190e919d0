"""Candidates for clients older than microversion 1.29, who know no trees."""

from __future__ import annotations

from cellrig.placement.types import AllocationRequest, Candidates


def without_nested(found: Candidates, limit: int | None) -> Candidates:
    """Leave out every request that takes from two providers of one tree.

    The providers that are left in a request keep their summaries, as far as a request within the
    limit takes from their tree.

    Args:
        found: all candidates, without a limit.
        limit: at most so many requests; None for all.
    """
    summaries = found.provider_summaries

    def roots_of(request: AllocationRequest) -> set[str]:
        return {summaries[uuid].root_uuid for uuid in request.allocations}

    flat = [r for r in found.allocation_requests if len(roots_of(r)) == len(r.allocations)]
    requests = tuple(flat[:limit])
    used = {uuid for request in flat for uuid in request.allocations}
    roots = {root for request in requests for root in roots_of(request)}
    return Candidates(
        requests,
        {
            uuid: summary
            for uuid, summary in summaries.items()
            if uuid in used and summary.root_uuid in roots
        },
    )
