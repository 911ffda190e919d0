"""Usages: of a provider, and of a project."""

from __future__ import annotations

from cellrig.http.auth import Caller
from cellrig.http.calls import Answer, Call, Query
from cellrig.http.placement.records import record_of
from cellrig.placement import PlacementClient


def list_provider_usages(call: Call[PlacementClient]) -> Answer:
    """Show how much of each resource class a provider has given."""
    record = record_of(call)
    return Answer(body={"resource_provider_generation": record.generation, "usages": record.usages})


def list_usages(call: Call[PlacementClient]) -> Answer:
    """Show what a project's consumers use: in sum, since 1.38 by consumer type."""
    has_types = call.version >= (1, 38)
    found = call.service.get_usages(
        call.single("project_id") or "",
        user_id=call.single("user_id"),
        consumer_type=call.single("consumer_type") if has_types else "all",
    )
    if not has_types:
        return Answer(body={"usages": found["all"].usages if found else {}})
    by_type = {
        name: {"consumer_count": usage.consumer_count, **usage.usages}
        for name, usage in found.items()
    }
    return Answer(body={"usages": by_type})


def own_project(caller: Caller, query: Query) -> bool:
    """Allow administrators, and readers of the project that is asked about."""
    return caller.is_admin or dict(query).get("project_id") == caller.project_id
