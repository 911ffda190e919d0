"""Takes hosts that can answer (the field's ComputeFilter)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class ComputeFilter:
    """Takes hosts whose compute service is enabled and up.

    A service is up when nobody has forced it down and it has reported within the option
    `service_down_time`.
    """

    enabled_by_default = True

    def applies(self, request: HostRequest) -> bool:
        """Always."""
        return True

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse hosts whose service is disabled or down."""
        service = host.service
        if service.disabled:
            reason = f" ({service.disabled_reason})" if service.disabled_reason else ""
            return f"the service is disabled{reason}"
        if service.forced_down:
            return "the service is forced down"
        silent = request.now - service.last_seen_up
        if silent > request.options.service_down_time:
            return f"the service is down: it last reported {silent:.0f} s ago"
        return None
