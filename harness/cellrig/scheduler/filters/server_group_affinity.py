"""Keeps a group's servers on one host (the field's ServerGroupAffinityFilter)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class ServerGroupAffinityFilter:
    """Takes the host where the group's other servers are; any, while there is none.

    One host is in one cell, so the group stays in one cell too.
    """

    enabled_by_default = True

    def applies(self, request: HostRequest) -> bool:
        """Where the group's policy is affinity and somebody of it has a host."""
        return request.has_policy("affinity") and bool(request.group_members)

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse hosts without a member."""
        if request.members_on(host.host):
            return None
        return f"the group's servers are on {', '.join(sorted(request.group_members))}"
