"""Spreads servers by memory (the field's RAMWeigher)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class RamWeigher:
    """Prefers hosts with more memory left; a negative multiplier packs them."""

    default_multiplier = 1.0

    def applies(self, request: HostRequest) -> bool:
        """Always."""
        return True

    def weigh(self, host: HostState, request: HostRequest) -> float:
        """Return the free memory in MiB."""
        return host.free_memory_mb
