"""Spreads a group's servers where it can (the field's ServerGroupSoftAntiAffinityWeigher)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class SoftAntiAffinityWeigher:
    """Prefers hosts with fewer of the group's servers."""

    default_multiplier = 1.0

    def applies(self, request: HostRequest) -> bool:
        """Where the group's policy is soft-anti-affinity and somebody of it has a host."""
        return request.has_policy("soft-anti-affinity") and bool(request.group_members)

    def weigh(self, host: HostState, request: HostRequest) -> float:
        """Return the group's servers on the host, as less is better."""
        return -request.members_on(host.host)
