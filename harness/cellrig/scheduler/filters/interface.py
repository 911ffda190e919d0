"""What a host filter is. Anybody can write one: an entry point in ``cellrig.scheduler.filters``."""

from __future__ import annotations

from typing import Protocol

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class HostFilter(Protocol):
    """Refuses hosts. Made once for each rig, without arguments; keeps nothing between calls.

    Attributes:
        enabled_by_default: whether it is on where the options do not name filters.
    """

    enabled_by_default: bool

    def applies(self, request: HostRequest) -> bool:
        """Whether the filter has anything to say for this request; if not, it sees no host."""

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Return why `host` cannot take the server, as half a sentence; None: it can."""
