"""Keeps a group's servers apart (the field's ServerGroupAntiAffinityFilter)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState

_RULE = "max_server_per_host"


class ServerGroupAntiAffinityFilter:
    """Takes hosts with less than ``max_server_per_host`` of the group's servers (1 by default)."""

    enabled_by_default = True

    def applies(self, request: HostRequest) -> bool:
        """Where the group's policy is anti-affinity and somebody of it has a host."""
        return request.has_policy("anti-affinity") and bool(request.group_members)

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse hosts that have as many members as they may."""
        rules = {} if request.group is None else request.group.rules
        most, there = rules.get(_RULE, 1), request.members_on(host.host)
        return None if there < most else f"it has {there} of the group's servers, at most {most}"
