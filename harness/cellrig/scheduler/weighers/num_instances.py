"""Packs or spreads servers by their number (the field's NumInstancesWeigher)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class NumInstancesWeigher:
    """Prefers hosts with more servers, or with a negative multiplier fewer. Off by default."""

    default_multiplier = 0.0

    def applies(self, request: HostRequest) -> bool:
        """Always, where it is on."""
        return True

    def weigh(self, host: HostState, request: HostRequest) -> float:
        """Return the number of servers."""
        return host.num_instances
