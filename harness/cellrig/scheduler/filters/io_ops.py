"""Spares hosts that are busy (the field's IoOpsFilter and AggregateIoOpsFilter)."""

from __future__ import annotations

from cellrig.scheduler.filters.limits import limit_of
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState

_LIMIT = "max_io_ops_per_host"


class IoOpsFilter:
    """Takes hosts where fewer servers than ``max_io_ops_per_host`` have a task going on.

    The limit is the option's, or the smallest that an aggregate of the host has in its metadata.
    """

    enabled_by_default = False

    def applies(self, request: HostRequest) -> bool:
        """Always, where it is on."""
        return True

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse hosts that are as busy as they may be."""
        most = limit_of(host, _LIMIT, request.options.max_io_ops_per_host)
        busy = host.num_io_ops
        return None if busy < most else f"{busy} of its servers are busy, at most {most}"
