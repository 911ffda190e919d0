"""Avoids busy hosts (the field's IoOpsWeigher)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class IoOpsWeigher:
    """Prefers, by its negative multiplier, hosts where fewer servers have a task going on."""

    default_multiplier = -1.0

    def applies(self, request: HostRequest) -> bool:
        """Always."""
        return True

    def weigh(self, host: HostState, request: HostRequest) -> float:
        """Return the number of busy servers."""
        return host.num_io_ops
