"""Spreads servers by processors (the field's CPUWeigher)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class CpuWeigher:
    """Prefers hosts with more virtual processors left; a negative multiplier packs them."""

    default_multiplier = 1.0

    def applies(self, request: HostRequest) -> bool:
        """Always."""
        return True

    def weigh(self, host: HostState, request: HostRequest) -> float:
        """Return the free virtual processors."""
        return host.free_vcpus
