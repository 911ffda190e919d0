"""Errors on their way: which left a seam, and which of them nobody ever answered for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType

import msgspec

from cellrig.seams import Passage


class Escape(msgspec.Struct, frozen=True, eq=False):
    """An error that left a seam.

    Args:
        error: the error itself; kept until it is answered for, so that its identity is.
        seam: the first that it left.
        process: the label of who made the call.
        server: the uuid of the server that the call was about.
        seconds: when, since the rig was made.
    """

    error: Exception
    seam: str
    process: str
    server: str | None
    seconds: float

    def __str__(self) -> str:
        about = f" for server {self.server}" if self.server else ""
        return (
            f"{type(self.error).__name__} ({self.error}) left {self.seam}, called by "
            f"{self.process}{about} at {self.seconds:g} s, and was swallowed: "
            "what catches an error must raise again or call seams.handled"
        )


class Escapes:
    """The errors that have left a seam and are not yet answered for, oldest first."""

    def __init__(self) -> None:
        self._open: dict[int, Escape] = {}

    def note(self, passage: Passage, seconds: float) -> None:
        """Note that `passage` ended with an error."""
        error = passage.error
        if not isinstance(error, Exception):
            if error is not None:
                self.died(error)
            return
        first = self._open.get(id(error))
        self.answered(error)
        self._open[id(error)] = first or Escape(
            error, passage.seam, passage.process.label, passage.server, seconds
        )

    def answered(self, error: BaseException) -> None:
        """Let `error`, and what it was raised in place of, count as dealt with."""
        if self._open:
            for link in _carried_by(error):
                self._open.pop(id(link), None)

    def died(self, error: BaseException) -> None:
        """Let all that a task was handling when `error` ended it count as lost, not swallowed."""
        waiting: list[BaseException | None] = [error]
        seen: dict[int, None] = {}
        while waiting and self._open:
            link = waiting.pop()
            if link is not None and id(link) not in seen:
                seen[id(link)] = None
                self._open.pop(id(link), None)
                waiting += [link.__cause__, link.__context__]

    def unanswered(self) -> list[Escape]:
        """Return what is left."""
        return list(self._open.values())

    def forget(self) -> None:
        """Let go of all errors, and of the frames that they keep alive."""
        self._open.clear()


def _carried_by(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and every error that it took the place of.

    What Python calls the context of an error is also what an `except` block was dealing with when
    a call made there failed. That one is not done with: its handler is still running.
    """
    running: dict[int, None] | None = None
    link: BaseException | None = error
    seen: dict[int, None] = {}
    while link is not None and id(link) not in seen:
        seen[id(link)] = None
        yield link
        if link.__cause__ is not None:
            link = link.__cause__
            continue
        context = link.__context__
        if context is not None and not link.__suppress_context__:
            running = _running_frames() if running is None else running
            if _handler(context) in running:
                return
        link = context


def _handler(error: BaseException) -> int:
    """Return which frame caught `error`: the last that it was raised through."""
    trace = error.__traceback__
    return 0 if trace is None else id(trace.tb_frame)


def _running_frames() -> dict[int, None]:
    frames: dict[int, None] = {}
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        frames[id(frame)] = None
        frame = frame.f_back
    return frames
