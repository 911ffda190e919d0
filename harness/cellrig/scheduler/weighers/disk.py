"""Spreads servers by disk (the field's DiskWeigher)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class DiskWeigher:
    """Prefers hosts with more disk left; a negative multiplier packs them."""

    default_multiplier = 1.0

    def applies(self, request: HostRequest) -> bool:
        """Always."""
        return True

    def weigh(self, host: HostState, request: HostRequest) -> float:
        """Return the free disk in GiB."""
        return host.free_disk_gb
