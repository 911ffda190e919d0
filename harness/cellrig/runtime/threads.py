"""What the live runtime is made of: tasks that are threads, events, locks and periodic work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cellrig.runtime.interface import Event, Lock, Owner, Periodic, Task

if TYPE_CHECKING:
    from cellrig.runtime.live import LiveRuntime


class LiveTask(Task):
    """A thread."""

    def __init__(self, name: str, owner: Owner | None) -> None:
        self.name = name
        self.owner = owner
        self.ended: LiveEvent
        self.value: Any = None
        self.error: BaseException | None = None
        self.killed = False
        self.waited_for = False
        self.waiting_for: str | None = None
        self.held_by: LiveEvent | None = None
        self.awaits: Callable[[], bool] | None = None
        self.wakes_at: float | None = None
        self.open_database: str | None = None
        self.deadlines: list[tuple[float, float, str]] = []

    @property
    def is_held(self) -> bool:
        """Whether it waits for something that only the test can set, and has not."""
        return self.held_by is not None and not self.held_by.is_set

    def rests(self, now: float) -> bool:
        """Whether it waits, and what it waits for has not come."""
        if self.awaits is None or self.awaits():
            return False
        return self.wakes_at is None or self.wakes_at > now

    @property
    def done(self) -> bool:
        return self.ended.is_set

    def result(self) -> Any:
        self.waited_for = True
        self.ended.wait()
        if self.error is not None:
            raise self.error
        return self.value


class LiveEvent(Event):
    """An event of the live runtime."""

    def __init__(self, runtime: LiveRuntime, name: str, external: bool) -> None:
        self._runtime = runtime
        self._set = False
        self.name = name
        self.external = external

    def set(self) -> None:
        with self._runtime.changed:
            self._set = True
            self._runtime.changed.notify_all()

    @property
    def is_set(self) -> bool:
        return self._set

    def wait(self) -> None:
        self._runtime.wait_until(
            lambda: self._set, self.name, held_by=self if self.external else None
        )


class LiveLock(Lock):
    """A lock of the live runtime, first come first served."""

    def __init__(self, runtime: LiveRuntime, name: str) -> None:
        self._runtime = runtime
        self.name = name
        self._queue: list[object] = []

    def __enter__(self) -> None:
        turn = object()
        with self._runtime.changed:
            self._queue.append(turn)
        try:
            self._runtime.wait_until(lambda: self._queue[0] is turn, self.name)
        except BaseException:
            self._leave(turn)
            raise

    def __exit__(self, *exc: object) -> None:
        self._leave(self._queue[0])

    def _leave(self, turn: object) -> None:
        with self._runtime.changed:
            self._queue.remove(turn)
            self._runtime.changed.notify_all()


class LivePeriodic(Periodic):
    """Periodic work of the live runtime."""

    def __init__(
        self,
        runtime: LiveRuntime,
        seconds: float,
        function: Callable[[], Any],
        name: str,
        owner: Owner | None,
    ) -> None:
        self._runtime = runtime
        self._function = function
        self.seconds = seconds
        self.name = name
        self.owner = owner
        self.cancelled = False

    def fire(self) -> None:
        """Start one run and arrange the next."""
        if not self.cancelled:
            self._runtime.spawn(self._function, name=self.name, owner=self.owner)
            self._runtime.schedule(self._runtime.now() + self.seconds, self)

    def cancel(self) -> None:
        self.cancelled = True
