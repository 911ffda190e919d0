"""What falls due on a virtual clock, and when."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from enum import Enum

#: Below so many timers their heap is not worth tidying.
_FEW = 64


class Kind(Enum):
    """Why a timer was set: time passes by itself for the first two, never for periodic work."""

    SLEEP = "sleep"
    DEADLINE = "deadline"
    PERIODIC = "periodic"


class Timer:
    """Something that falls due, unless it is ended before."""

    __slots__ = ("_timers", "action", "due", "kind", "name", "over", "sequence")

    def __init__(
        self,
        timers: Timers,
        due: float,
        action: Callable[[], None],
        *,
        name: str,
        kind: Kind,
        sequence: int,
    ) -> None:
        self._timers = timers
        self.due = due
        self.action = action
        self.name = name
        self.kind = kind
        self.sequence = sequence
        self.over = False

    def end(self) -> None:
        """Let it not fall due (any more); twice is harmless."""
        if not self.over:
            self.over = True
            self._timers.ended(self)

    def __lt__(self, other: Timer) -> bool:
        return (self.due, self.sequence) < (other.due, other.sequence)


class Timers:
    """All timers of a runtime, in the order in which they fall due."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._sequence = 0
        self._pending = dict.fromkeys(Kind, 0)

    def set(self, due: float, action: Callable[[], None], name: str, kind: Kind) -> Timer:
        """Let `action` be called when the clock reaches `due`; of two at once, the older first."""
        self._sequence += 1
        timer = Timer(self, due, action, name=name, kind=kind, sequence=self._sequence)
        heapq.heappush(self._heap, timer)
        self._pending[kind] += 1
        return timer

    def pending(self, kind: Kind) -> bool:
        """Whether any timer of this kind will fall due."""
        return self._pending[kind] > 0

    def first(self) -> Timer | None:
        """Return the timer that falls due next."""
        while self._heap and self._heap[0].over:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def ended(self, timer: Timer) -> None:
        """Note that a timer is over; most end early, so the heap is tidied now and then."""
        self._pending[timer.kind] -= 1
        if len(self._heap) > _FEW and sum(self._pending.values()) < len(self._heap) // 2:
            self._heap = [each for each in self._heap if not each.over]
            heapq.heapify(self._heap)

    def clear(self) -> None:
        """Forget all timers."""
        self._heap.clear()
        self._pending = dict.fromkeys(Kind, 0)

    def __len__(self) -> int:
        return len(self._heap)
