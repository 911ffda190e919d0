"""From libvirt's domain events to the interface's, and from libvirt's thread into the runtime."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from cellrig.driver import DriverContext, GuestEvent, GuestEventKind, PowerState
from cellrig.runtime import Deadlock, Periodic
from cellrig.runtime.live import LiveRuntime

#: How often a runtime without threads looks for events, in seconds of its clock.
_INTERVAL = 1.0


def guest_event(library: Any, uuid: str, event: int, detail: int) -> GuestEvent | None:
    """Return what a lifecycle event says; None for one that changes nothing for the guest's server.

    What belongs to a migration is left out: the move itself tells how it ended.
    """
    lv = library
    if event == lv.VIR_DOMAIN_EVENT_STARTED and detail != lv.VIR_DOMAIN_EVENT_STARTED_MIGRATED:
        return GuestEvent(uuid, GuestEventKind.STARTED, PowerState.RUNNING)
    if event == lv.VIR_DOMAIN_EVENT_RESUMED and detail == lv.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED:
        return GuestEvent(uuid, GuestEventKind.RESUMED, PowerState.RUNNING)
    if event == lv.VIR_DOMAIN_EVENT_SUSPENDED and detail == lv.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED:
        return GuestEvent(uuid, GuestEventKind.PAUSED, PowerState.PAUSED)
    if event == lv.VIR_DOMAIN_EVENT_CRASHED:
        return GuestEvent(uuid, GuestEventKind.DIED, PowerState.CRASHED)
    if event == lv.VIR_DOMAIN_EVENT_STOPPED:
        return _stopped(lv, uuid, detail)
    return None


def _stopped(lv: Any, uuid: str, detail: int) -> GuestEvent | None:
    if detail == lv.VIR_DOMAIN_EVENT_STOPPED_MIGRATED:
        return None
    if detail == lv.VIR_DOMAIN_EVENT_STOPPED_SAVED:
        return GuestEvent(uuid, GuestEventKind.SUSPENDED, PowerState.SUSPENDED)
    if detail in (lv.VIR_DOMAIN_EVENT_STOPPED_CRASHED, lv.VIR_DOMAIN_EVENT_STOPPED_FAILED):
        return GuestEvent(uuid, GuestEventKind.DIED, PowerState.CRASHED)
    return GuestEvent(uuid, GuestEventKind.STOPPED, PowerState.SHUTDOWN)


class Inbox:
    """Where libvirt's thread leaves events for the runtime.

    The live runtime has threads itself, so there an event is told at once. On another runtime only
    its own thread may start tasks: there events wait until the clock has moved a second.

    Args:
        context: the driver's.
        tell: takes an event, inside of the runtime.
    """

    def __init__(self, context: DriverContext, tell: Callable[[GuestEvent], None]) -> None:
        self._runtime = context.runtime
        self._context = context
        self._tell = tell
        self._waiting: deque[GuestEvent] = deque()
        self._periodic: Periodic | None = None

    def open(self) -> None:
        """Begin to tell events."""
        if self._periodic is None and not isinstance(self._runtime, LiveRuntime):
            self._periodic = self._runtime.every(
                _INTERVAL, self._empty, name=f"{self._context.host} hears its hypervisor"
            )

    def close(self) -> None:
        """Tell none any more. Twice is harmless."""
        if self._periodic is not None:
            self._periodic.cancel()
            self._periodic = None

    def put(self, event: GuestEvent) -> None:
        """Take an event, from any thread."""
        if not isinstance(self._runtime, LiveRuntime):
            self._waiting.append(event)
            return
        try:
            self._tell(event)
        except Deadlock as error:
            self._context.logger.info("nobody hears that %s: %s", event, error)

    def _empty(self) -> None:
        while self._waiting:
            self._tell(self._waiting.popleft())
