"""Keeps a server away from others that are named (the field's DifferentHostFilter)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState

HINT = "different_host"


class DifferentHostFilter:
    """Takes hosts with none of the servers in the scheduler hint ``different_host``."""

    enabled_by_default = True

    def applies(self, request: HostRequest) -> bool:
        """Where the hint was given."""
        return bool(request.hint(HINT))

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse hosts that have one of them."""
        for server in request.hint(HINT):
            if request.hint_hosts.get(server) == host.host:
                return f"server {server} is on it"
        return None
