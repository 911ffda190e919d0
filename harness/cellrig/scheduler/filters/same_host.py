"""Puts a server beside others that are named (the field's SameHostFilter)."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState

HINT = "same_host"


class SameHostFilter:
    """Takes hosts of any of the servers in the scheduler hint ``same_host``."""

    enabled_by_default = True

    def applies(self, request: HostRequest) -> bool:
        """Where the hint was given."""
        return bool(request.hint(HINT))

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse hosts that have none of them."""
        servers = request.hint(HINT)
        if any(request.hint_hosts.get(server) == host.host for server in servers):
            return None
        return f"none of the servers {', '.join(servers)} is on it"
