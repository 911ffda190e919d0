"""Limits the servers of a host (the field's NumInstancesFilter and AggregateNumInstancesFilter)."""

from __future__ import annotations

from cellrig.scheduler.filters.limits import limit_of
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState

_LIMIT = "max_instances_per_host"


class NumInstancesFilter:
    """Takes hosts with fewer servers than ``max_instances_per_host``.

    The limit is the option's, or the smallest that an aggregate of the host has in its metadata.
    """

    enabled_by_default = False

    def applies(self, request: HostRequest) -> bool:
        """Always, where it is on."""
        return True

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse hosts that have as many servers as they may."""
        most = limit_of(host, _LIMIT, request.options.max_instances_per_host)
        there = host.num_instances
        return None if there < most else f"it has {there} servers, at most {most}"
