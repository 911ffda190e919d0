"""Gathers a group's servers where it can (the field's ServerGroupSoftAffinityWeigher)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class SoftAffinityWeigher:
    """Prefers hosts with more of the group's servers."""

    default_multiplier = 1.0

    def applies(self, request: HostRequest) -> bool:
        """Where the group's policy is soft-affinity and somebody of it has a host."""
        return request.has_policy("soft-affinity") and bool(request.group_members)

    def weigh(self, host: HostState, request: HostRequest) -> float:
        """Return the group's servers on the host."""
        return request.members_on(host.host)
