"""Every call that the control plane makes of a driver in one case, as it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from cellrig.driver import Disk, Guest
from cellrig.hooks import hookimpl
from cellrig.seams import Passage

_DRIVER = "driver."
_CONTROL_PLANE = "the control plane"
_CASE = "the case"
#: What changes nothing.
_LOOKS = ("get_guest", "list_guests", "get_volume_connector", "get_host_state")


class DriverCall(msgspec.Struct, frozen=True):
    """One call.

    Args:
        step: its number in the case, from 1.
        time: when it was made, on the rig's clock.
        host: whose driver was called.
        method: which.
        arguments: by parameter.
        who: made it.
    """

    step: int
    time: float
    host: str
    method: str
    arguments: dict[str, Any]
    who: str

    def concerns(self, uuid: str) -> bool:
        """Whether a guest or volume is among the arguments."""
        return any(_names(value, uuid) for value in self.arguments.values())


class Calls:
    """Listens at the seams of one rig.

    Args:
        now: the rig's clock.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._began = now()
        self.all: list[DriverCall] = []
        self._open: dict[int, DriverCall] = {}
        #: Called whenever the rig has settled.
        self.when_settled: Callable[[], None] = lambda: None

    @hookimpl
    def cellrig_seam_enter(self, passage: Passage) -> None:
        """Note a call of a driver."""
        if passage.seam.startswith(_DRIVER):
            method, host = passage.seam.removeprefix(_DRIVER), passage.process.host or ""
            self._open[id(passage)] = self._note(host, method, passage.arguments, _CONTROL_PLANE)

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """Note that it has come back."""
        self._open.pop(id(passage), None)

    @contextmanager
    def of_the_case(self, host: str, method: str, arguments: dict[str, Any]) -> Iterator[None]:
        """Note a call that the case itself makes."""
        call = self._note(host, method, arguments, _CASE)
        self._open[id(call)] = call
        try:
            yield
        finally:
            del self._open[id(call)]

    def _note(self, host: str, method: str, arguments: dict[str, Any], who: str) -> DriverCall:
        step, when = len(self.all) + 1, self._now() - self._began
        call = DriverCall(step, when, host, method, arguments, who)
        self.all.append(call)
        return call

    def waits(self) -> str:
        """Say which calls have not come back; nothing where all have."""
        calls = [
            f"waits in driver.{call.method} of host {call.host}, called by {call.who} at "
            f"{call.time:.2f} s"
            for call in list(self._open.values())
        ]
        return "; ".join(calls)

    @hookimpl
    def cellrig_settled(self) -> None:
        """Look at the rig, where somebody wants to."""
        self.when_settled()

    def guest(self, uuid: str) -> Guest | None:
        """Return a guest as a driver was given it last."""
        for call in reversed(self.all):
            guest = call.arguments.get("guest")
            if isinstance(guest, Guest) and guest.uuid == uuid:
                return guest
        return None

    def disk(self, guest_uuid: str, serial: str, host: str) -> Disk | None:
        """Return a volume as a host's driver was given it last for a guest."""
        for call in reversed(self.all):
            guest = call.arguments.get("guest")
            if call.host == host and isinstance(guest, Guest) and guest.uuid == guest_uuid:
                for disk in _disks(call):
                    if disk.serial == serial:
                        return disk
        return None

    def maker(self, uuid: str, host: str) -> str:
        """Say which call made something that is left on a host: who, at which step, when."""
        for call in self.all:
            if call.host == host and call.method not in _LOOKS and call.concerns(uuid):
                return f"made by {call.who}: {call.method}, step {call.step}, at {call.time:.2f} s"
        return "made by nobody's call"


def _disks(call: DriverCall) -> Iterator[Disk]:
    for value in call.arguments.values():
        if isinstance(value, Disk):
            yield value
        elif isinstance(value, list | tuple):
            yield from (each for each in value if isinstance(each, Disk))


def _names(value: object, uuid: str) -> bool:
    if isinstance(value, list | tuple):
        return any(_names(each, uuid) for each in value)
    return uuid in (getattr(value, "uuid", None), getattr(value, "serial", None), value)
