"""Filters by address: the network service knows which servers have which."""

from __future__ import annotations

from msgspec.structs import replace

from cellrig.compute.api.server_filters import ServerFilters
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext


def with_addresses(
    context: RequestContext, around: Surroundings, filters: ServerFilters
) -> ServerFilters:
    """Return filters in which those by address are filters by id.

    Raises:
        Invalid: an address pattern is no regular expression.
    """
    found: set[str] | None = None
    for pattern, version in ((filters.ip, 4), (filters.ip6, 6)):
        if pattern is not None:
            servers = set(around.networks.servers_with_address(context, pattern, version))
            found = servers if found is None else found & servers
    if found is None:
        return filters
    if filters.ids is not None:
        found &= {filters.ids} if isinstance(filters.ids, str) else set(filters.ids)
    return replace(filters, ip=None, ip6=None, ids=tuple(sorted(found)))
