"""What the control face works with: the rig, its snapshots, and the gate before its other faces."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cellrig.errors import Conflict, NotFound
from cellrig.http.gate import Gate
from cellrig.snapshot import Snapshot

if TYPE_CHECKING:
    from cellrig.rig import Rig


class Control:
    """A served rig, to be reset, restored, looked at and disturbed.

    Args:
        rig: which has been started; its state now is the one of a reset.
        gate: before its other faces.
    """

    def __init__(self, rig: Rig, gate: Gate) -> None:
        self.rig = rig
        self.snapshots: dict[str, Snapshot] = {}
        self._gate = gate
        self._turn = threading.Lock()
        self._start: Snapshot | None = None
        self._no_start = ""
        try:
            with self.alone():
                self._start = rig.snapshot()
        except Conflict as error:
            rig.seams.handled(error, "told to whoever asks for a reset")
            self._no_start = str(error)

    @contextmanager
    def alone(self) -> Iterator[Rig]:
        """Have the rig for the block, at rest: no request is being answered, nothing goes on."""
        with self._turn, self._gate.alone(), self.rig.runtime.still():
            self.rig.runtime.settle()
            yield self.rig

    def reset(self) -> None:
        """Let the rig be what it was when it was ready: databases, hypervisors, services.

        Raises:
            Conflict: a driver takes no part in snapshots.
        """
        if self._start is None:
            raise Conflict(self._no_start)
        self.rig.plugins.hook.cellrig_reset()
        with self.alone() as rig:
            rig.restore(self._start)

    def take(self, name: str) -> None:
        """Keep all of the rig as it is, under a name; one that is kept under it is let go."""
        with self.alone() as rig:
            self.snapshots[name] = rig.snapshot()

    def restore(self, name: str) -> None:
        """Go back to what is kept under a name.

        Raises:
            NotFound: nothing is.
        """
        snapshot = self._kept(name)
        with self.alone() as rig:
            rig.restore(snapshot)

    def forget(self, name: str) -> None:
        """Let go of what is kept under a name.

        Raises:
            NotFound: nothing is.
        """
        self._kept(name)
        del self.snapshots[name]

    def advance(self, seconds: float) -> None:
        """Let the rig's clock be `seconds` later, with all that falls due on the way."""
        with self._turn, self._gate.alone():
            self.rig.runtime.leap(seconds)

    def _kept(self, name: str) -> Snapshot:
        snapshot = self.snapshots.get(name)
        if snapshot is None:
            raise NotFound("snapshot", name)
        return snapshot
