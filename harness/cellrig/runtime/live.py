"""The live runtime: threads and the wall clock.

For serving real clients, for real hypervisors at real speed, and for services in separate
processes. Nothing polls: sleeps, timers and settling all wait on one condition.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from cellrig.errors import Conflict
from cellrig.runtime.errors import DeadlineExceeded, Deadlock, OpenTransaction, TaskKilled
from cellrig.runtime.interface import Event, Lock, Owner, Periodic, Runtime, Task

T = TypeVar("T")


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
        self.open_database: str | None = None
        self.deadlines: list[tuple[float, float, str]] = []

    @property
    def is_held(self) -> bool:
        """Whether it waits for something that only the test can set, and has not."""
        return self.held_by is not None and not self.held_by.is_set

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


class LiveRuntime(Runtime):
    """See the module's text.

    Args:
        on_task_error: called with a task that ended with an exception that nobody waited for.
    """

    def __init__(self, on_task_error: Callable[[Task, BaseException], None] | None = None) -> None:
        self._on_task_error = on_task_error
        self._local = threading.local()
        self._tasks: dict[int, LiveTask] = {}
        self._timers: list[tuple[float, int, LivePeriodic]] = []
        self._sequence = 0
        self._closed = False
        self.changed = threading.Condition(threading.RLock())
        self._timekeeper: threading.Thread | None = None

    def now(self) -> float:
        return time.time()

    def spawn(
        self, function: Callable[[], Any], *, name: str, owner: Owner | None = None
    ) -> LiveTask:
        task = self._new_task(name, owner)
        threading.Thread(target=self._main, args=(task, function), name=name, daemon=True).start()
        return task

    def sleep(self, seconds: float) -> None:
        self.wait_until(lambda: False, f"sleep {seconds:g} s", until=self.now() + seconds)

    def event(self, name: str, *, external: bool = False) -> LiveEvent:
        return LiveEvent(self, name, external)

    def lock(self, name: str) -> LiveLock:
        return LiveLock(self, name)

    @contextmanager
    def deadline(self, seconds: float, what: str) -> Iterator[None]:
        task = self._task()
        entry = (self.now() + seconds, seconds, what)
        deadlines = task.deadlines if task is not None else self._outside_deadlines()
        deadlines.append(entry)
        try:
            yield
        finally:
            deadlines.remove(entry)

    def every(
        self,
        seconds: float,
        function: Callable[[], Any],
        *,
        name: str,
        owner: Owner | None = None,
        first: float | None = None,
    ) -> LivePeriodic:
        periodic = LivePeriodic(self, seconds, function, name, owner)
        self.schedule(self.now() + (seconds if first is None else first), periodic)
        return periodic

    def schedule(self, due: float, periodic: LivePeriodic) -> None:
        """Let `periodic` run at `due`."""
        with self.changed:
            if self._closed:
                return
            self._sequence += 1
            heapq.heappush(self._timers, (due, self._sequence, periodic))
            if self._timekeeper is None:
                self._timekeeper = threading.Thread(
                    target=self._keep_time, name="cellrig timekeeper", daemon=True
                )
                self._timekeeper.start()
            self.changed.notify_all()

    def switch(self, where: str) -> None:
        task = self._task()
        if task is None:
            return
        if task.open_database is not None:
            raise OpenTransaction(task.name, f"pass {where}", task.open_database)
        if task.killed:
            raise TaskKilled

    def transaction_opened(self, database: str) -> None:
        task = self._task()
        if task is None:
            return
        if task.open_database is not None:
            raise OpenTransaction(task.name, f"open {database}", task.open_database)
        task.open_database = database

    def transaction_closed(self, database: str) -> None:
        task = self._task()
        if task is not None:
            task.open_database = None

    def run(self, function: Callable[[], T], *, name: str) -> T:
        if self._task() is not None:
            return function()
        task = self._new_task(name, None)
        task.waited_for = True
        result: list[T] = []
        self._main(task, lambda: result.append(function()))
        if task.error is not None:
            raise task.error
        return result[0]

    def is_inside(self) -> bool:
        return self._task() is not None

    def checkpoint(self) -> object:
        raise Conflict("the live runtime's clock cannot be turned back: it takes no snapshots")

    def restore(self, state: object) -> None:
        raise Conflict("the live runtime's clock cannot be turned back: it takes no snapshots")

    def settle(self) -> None:
        with self.changed:
            self.changed.wait_for(
                lambda: self._closed or all(task.is_held for task in self._tasks.values())
            )

    def advance(self, seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self._closed, timeout=seconds)

    def kill(self, owner: Owner) -> None:
        with self.changed:
            for _due, _sequence, periodic in self._timers:
                if periodic.owner is owner:
                    periodic.cancel()
            for task in self._tasks.values():
                if task.owner is owner:
                    task.killed = True
            self.changed.notify_all()

    def unfinished(self) -> list[str]:
        with self.changed:
            return [
                f"{task.name}{f' of {task.owner.label}' if task.owner else ''} "
                + (f"waits for {task.waiting_for!r}" if task.waiting_for else "is running")
                for task in self._tasks.values()
            ]

    def close(self) -> None:
        with self.changed:
            self._closed = True
            for task in self._tasks.values():
                task.killed = True
            self._timers.clear()
            self.changed.notify_all()
        if self._timekeeper is not None:
            self._timekeeper.join()
        with self.changed:
            self.changed.wait_for(lambda: not self._tasks, timeout=5)

    def wait_until(
        self,
        condition: Callable[[], bool],
        what: str,
        *,
        until: float | None = None,
        held_by: LiveEvent | None = None,
    ) -> None:
        """Wait until `condition`, the time `until`, or the nearest deadline of the task."""
        task = self._task()
        if task is not None and task.open_database is not None and not condition():
            raise OpenTransaction(task.name, "wait", task.open_database)
        deadlines = task.deadlines if task is not None else self._outside_deadlines()
        with self.changed:
            self._note_wait(task, what, held_by)
            try:
                self._wait(task, condition, until, deadlines)
            finally:
                self._note_wait(task, None, None)

    def _wait(
        self,
        task: LiveTask | None,
        condition: Callable[[], bool],
        until: float | None,
        deadlines: list[tuple[float, float, str]],
    ) -> None:
        while not condition():
            if task is not None and task.killed:
                raise TaskKilled
            now = self.now()
            if until is not None and now >= until:
                return
            if deadlines and now >= min(deadlines)[0]:
                _due, seconds, what = min(deadlines)
                raise DeadlineExceeded(what, seconds)
            ends = [due for due, _seconds, _what in deadlines]
            if until is not None:
                ends.append(until)
            self.changed.wait(min(ends) - now if ends else None)

    def _note_wait(
        self, task: LiveTask | None, what: str | None, held_by: LiveEvent | None
    ) -> None:
        if task is not None:
            task.waiting_for = what
            if task.held_by is not held_by:
                task.held_by = held_by
                self.changed.notify_all()

    def _new_task(self, name: str, owner: Owner | None) -> LiveTask:
        task = LiveTask(name, owner)
        task.ended = LiveEvent(self, f"the end of {name}", external=False)
        with self.changed:
            if self._closed:
                raise Deadlock(f"{name} cannot start: the rig has been closed")
            self._tasks[id(task)] = task
        return task

    def _main(self, task: LiveTask, function: Callable[[], Any]) -> None:
        self._local.task = task
        try:
            if not task.killed:
                task.value = function()
        except Exception as error:  # noqa: BLE001 - kept for result(), and announced below
            task.error = error
        except TaskKilled as error:
            task.error = error
        finally:
            self._local.task = None
            with self.changed:
                self._tasks.pop(id(task), None)
                task.ended.set()
        if task.error is None or isinstance(task.error, TaskKilled):
            return
        if self._on_task_error is not None and not task.waited_for:
            self._on_task_error(task, task.error)

    def _keep_time(self) -> None:
        while True:
            with self.changed:
                if self._closed:
                    return
                now = self.now()
                if not self._timers or self._timers[0][0] > now:
                    self.changed.wait(self._timers[0][0] - now if self._timers else None)
                    continue
                _due, _sequence, periodic = heapq.heappop(self._timers)
                periodic.fire()

    def _task(self) -> LiveTask | None:
        return getattr(self._local, "task", None)

    def _outside_deadlines(self) -> list[tuple[float, float, str]]:
        deadlines: list[tuple[float, float, str]] | None = getattr(self._local, "deadlines", None)
        if deadlines is None:
            deadlines = self._local.deadlines = []
        return deadlines
