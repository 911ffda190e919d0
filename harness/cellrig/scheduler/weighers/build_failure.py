"""Avoids hosts where builds have failed (the field's BuildFailureWeigher)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class BuildFailureWeigher:
    """Prefers hosts with fewer failed builds since the last success, before all else."""

    default_multiplier = 1000000.0

    def applies(self, request: HostRequest) -> bool:
        """Always."""
        return True

    def weigh(self, host: HostState, request: HostRequest) -> float:
        """Return the failed builds, as less is better."""
        return -host.node.failed_builds
