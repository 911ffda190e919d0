"""What happened last in a rig, as its drivers saw it."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from cellrig.hooks import hookimpl
from cellrig.runtime import Runtime
from cellrig.seams import Passage

#: How many are kept.
_KEPT = 60
_DRIVER = "driver."
#: Calls that only look.
_LOOKING = ("get_", "list_", "check_", "volume_connections", "host_state")


class Happening(msgspec.Struct, frozen=True):
    """A call of a driver that was about a server.

    Args:
        at: when it returned, on the rig's clock.
        what: the method.
        host: whose driver it was.
        server: the server's uuid.
        error: what it raised, in words; None if it did not.
    """

    at: float
    what: str
    host: str | None
    server: str
    error: str | None


class Happenings:
    """Notes the calls of drivers that did something, or should have.

    Args:
        runtime: of the rig.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._now = runtime.now
        self._kept: deque[Happening] = deque(maxlen=_KEPT)

    def latest(self) -> list[Happening]:
        """Return what happened, the latest first."""
        return list(self._kept)[::-1]

    @hookimpl(trylast=True)
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """Note a call."""
        seam = passage.seam
        if not seam.startswith(_DRIVER):
            return
        what = seam.removeprefix(_DRIVER)
        server = passage.server
        if server is None or what.startswith(_LOOKING):
            return
        self._kept.append(Happening(self._now(), what, passage.host, server, _told(passage.error)))


def _told(error: Any) -> str | None:
    return None if error is None else f"{type(error).__name__}: {error}"[:200]
