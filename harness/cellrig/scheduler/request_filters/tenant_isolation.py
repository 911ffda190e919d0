"""Hosts kept for some projects (the field's "Tenant isolation with placement")."""

from __future__ import annotations

from cellrig.placement.types import CandidateQuery
from cellrig.scheduler.request_filters.host_conditions import in_aggregates
from cellrig.scheduler.request_filters.interface import Asked


def tenant_isolation(query: CandidateQuery, asked: Asked) -> CandidateQuery:
    """Take a project's own aggregates where it has some, else none that is kept for others."""
    own = asked.aggregates.of_tenant(asked.spec.project_id)
    if own:
        return in_aggregates(query, any_of=own)
    return in_aggregates(query, none_of=asked.aggregates.of_tenants())
