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
from cellrig.runtime.interface import Owner, Runtime, Task
from cellrig.runtime.threads import LiveEvent, LiveLock, LivePeriodic, LiveTask

T = TypeVar("T")


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
        self._still = False
        self._leaping = False
        self._leapt = 0.0
        lock = threading.RLock()
        self.changed = threading.Condition(lock)
        # For the timekeeper alone, who else would wake up whenever a task ends.
        self._rescheduled = threading.Condition(lock)
        self._timekeeper: threading.Thread | None = None

    def now(self) -> float:
        return time.time() + self._leapt

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
            self._rescheduled.notify()
            self.changed.notify_all()

    def switch(self, where: str) -> None:
        task = self._task()
        if task is None:
            return
        if task.open_database is not None:
            raise OpenTransaction(task.name, f"pass {where}", task.open_database)
        if task.killed:
            raise TaskKilled

    def let_others(self) -> None:
        pass  # threads go on by themselves

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

    def current(self) -> LiveTask | None:
        return self._task()

    def checkpoint(self) -> object:
        return None  # the wall's clock is not turned back, and threads have an order of their own

    def restore(self, state: object) -> None:
        if state is not None:
            raise Conflict("this state is not of a live runtime")

    def settle(self) -> None:
        with self.changed:
            self.changed.wait_for(
                lambda: self._closed or all(task.is_held for task in self._tasks.values())
            )

    def advance(self, seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self._closed, timeout=seconds)

    def leap(self, seconds: float) -> None:
        target = self.now() + seconds
        self._leaping = True
        while (due := self._next_due(target)) is not None:
            self._set_clock(due)
        self._set_clock(target)
        self._leaping = False
        self.settle()

    def _next_due(self, target: float) -> float | None:
        """Wait until tasks wait for nothing but time or the test; return what is due next."""
        with self.changed:
            self.changed.wait_for(lambda: self._closed or self._waits_for_time())
            dues = [task.wakes_at for task in self._tasks.values() if task.wakes_at is not None]
            if self._timers and not self._closed:
                dues.append(self._timers[0][0])
            return min((due for due in dues if due <= target), default=None)

    def _waits_for_time(self) -> bool:
        now = self.now()
        if self._timers and self._timers[0][0] <= now:
            return False
        return all(task.rests(now) for task in self._tasks.values())

    def _set_clock(self, now: float) -> None:
        with self.changed:
            self._leapt += max(now - self.now(), 0.0)
            self._rescheduled.notify()
            self.changed.notify_all()

    @contextmanager
    def still(self) -> Iterator[None]:
        with self.changed:
            self._still = True
        try:
            yield
        finally:
            with self.changed:
                self._still = False
                self._rescheduled.notify()
                self.changed.notify_all()

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
            self._rescheduled.notify()
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
            self._note_alarm(task, condition, min(ends, default=None))
            self.changed.wait(min(ends) - now if ends else None)

    def _note_wait(
        self, task: LiveTask | None, what: str | None, held_by: LiveEvent | None
    ) -> None:
        if task is not None:
            task.waiting_for = what
            if what is None:
                task.awaits, task.wakes_at = None, None
            if task.held_by is not held_by:
                task.held_by = held_by
                self.changed.notify_all()

    def _note_alarm(
        self, task: LiveTask | None, condition: Callable[[], bool], due: float | None
    ) -> None:
        if task is not None:
            task.awaits, task.wakes_at = condition, due
            if self._leaping:
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
                if self._still or not self._timers:
                    self._rescheduled.wait()
                    continue
                if self._timers[0][0] > now:
                    self._rescheduled.wait(self._timers[0][0] - now)
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
