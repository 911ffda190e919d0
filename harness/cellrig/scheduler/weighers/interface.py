"""What a weigher is. Anybody can write one: an entry point in ``cellrig.scheduler.weighers``."""

from __future__ import annotations

from typing import Protocol

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class HostWeigher(Protocol):
    """Puts hosts in an order. Made once for each rig, without arguments; keeps nothing.

    What it returns for all hosts of a request is normalised to 0..1 and multiplied.

    Attributes:
        default_multiplier: used where the option `weights` does not name the weigher; negative
            turns the order round, 0 switches it off.
    """

    default_multiplier: float

    def applies(self, request: HostRequest) -> bool:
        """Whether the weigher has anything to say for this request."""

    def weigh(self, host: HostState, request: HostRequest) -> float:
        """Return how good `host` is, in any unit: more is better."""
