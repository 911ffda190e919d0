"""How the power states of a guest follow each other."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cellrig.driver import GuestEventKind, PowerState

#: Method to the power states that allow it, the one it leads to, and what is told of it.
POWER: Mapping[str, tuple[tuple[PowerState, ...], PowerState, GuestEventKind]] = MappingProxyType(
    {
        "power_on": (
            (PowerState.SHUTDOWN, PowerState.CRASHED, PowerState.NOSTATE),
            PowerState.RUNNING,
            GuestEventKind.STARTED,
        ),
        "power_off": (tuple(PowerState), PowerState.SHUTDOWN, GuestEventKind.STOPPED),
        "pause": ((PowerState.RUNNING,), PowerState.PAUSED, GuestEventKind.PAUSED),
        "unpause": ((PowerState.PAUSED,), PowerState.RUNNING, GuestEventKind.RESUMED),
        "suspend": ((PowerState.RUNNING,), PowerState.SUSPENDED, GuestEventKind.SUSPENDED),
        "resume": ((PowerState.SUSPENDED,), PowerState.RUNNING, GuestEventKind.RESUMED),
    }
)
