"""Keeps a server in the zone that it was asked for (the field's AvailabilityZoneFilter)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class AvailabilityZoneFilter:
    """Takes hosts of the zone asked for.

    Placement has been asked the same by aggregates; this catches a host that has changed its
    aggregate since, or whose providers do not yet show it.
    """

    enabled_by_default = True

    def applies(self, request: HostRequest) -> bool:
        """Where a zone was asked for."""
        return request.spec.availability_zone is not None

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse hosts of other zones."""
        wanted = request.spec.availability_zone
        if host.zone == wanted:
            return None
        return f"zone {wanted!r} was asked for, the host is in {host.zone!r}"
