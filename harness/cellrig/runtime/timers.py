"""What falls due on a virtual clock, and when."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from enum import IntEnum

#: Below so many timers their heap is not worth tidying.
_FEW = 64


class Kind(IntEnum):
    """Why a timer was set: time passes by itself for the first two, never for periodic work."""

    SLEEP = 0
    DEADLINE = 1
    PERIODIC = 2


def _nothing() -> None:
    pass


class Timer:
    """Something that falls due, unless it is ended before."""

    __slots__ = ("_timers", "action", "due", "kind", "name", "over")

    def __init__(
        self, timers: Timers, due: float, action: Callable[[], None], name: str, kind: Kind
    ) -> None:
        self._timers = timers
        self.due = due
        self.action = action
        self.name = name
        self.kind = kind
        self.over = False

    def end(self) -> None:
        """Let it not fall due (any more); twice is harmless."""
        if not self.over:
            self.over = True
            # It may stay in the heap for a while; what its action knows of, a whole page, may not.
            self.action = _nothing
            self._timers.ended(self)


class Timers:
    """All timers of a runtime, in the order in which they fall due."""

    def __init__(self) -> None:
        # Compared by when they are due and then by their number, never by the timer.
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence = 0
        self._pending = [0] * len(Kind)

    def set(self, due: float, action: Callable[[], None], name: str, kind: Kind) -> Timer:
        """Let `action` be called when the clock reaches `due`; of two at once, the older first."""
        self._sequence += 1
        timer = Timer(self, due, action, name, kind)
        heapq.heappush(self._heap, (due, self._sequence, timer))
        self._pending[kind] += 1
        return timer

    def pending(self, kind: Kind) -> bool:
        """Whether any timer of this kind will fall due."""
        return self._pending[kind] > 0

    def first(self) -> Timer | None:
        """Return the timer that falls due next."""
        while self._heap and self._heap[0][2].over:
            heapq.heappop(self._heap)
        return self._heap[0][2] if self._heap else None

    def ended(self, timer: Timer) -> None:
        """Note that a timer is over; most end early, so the heap is tidied now and then."""
        self._pending[timer.kind] -= 1
        if len(self._heap) > _FEW and sum(self._pending) < len(self._heap) // 2:
            self._heap = [each for each in self._heap if not each[2].over]
            heapq.heapify(self._heap)

    def clear(self) -> None:
        """Forget all timers."""
        self._heap.clear()
        self._pending = [0] * len(Kind)

    def __len__(self) -> int:
        return len(self._heap)
