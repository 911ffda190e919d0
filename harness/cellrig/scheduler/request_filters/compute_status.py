"""No hosts whose compute service is disabled (the field's compute_status_filter)."""

from __future__ import annotations

from msgspec.structs import replace

from cellrig.placement.types import CandidateQuery
from cellrig.scheduler.request_filters.interface import Asked

#: The standard trait that the root provider of a disabled host has.
COMPUTE_STATUS_DISABLED = "COMPUTE_STATUS_DISABLED"

_DISABLED = frozenset({COMPUTE_STATUS_DISABLED})


def compute_status(query: CandidateQuery, asked: Asked) -> CandidateQuery:
    """Leave disabled hosts out, so that they do not use up the limit of candidates."""
    return replace(query, root_forbidden=query.root_forbidden | _DISABLED)
