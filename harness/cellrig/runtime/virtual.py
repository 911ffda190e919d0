"""The virtual runtime: greenlets in one thread, on a clock that moves when nothing can run.

The loop runs in the greenlet of whoever calls from outside (the test). Tasks are greenlets below
it; a task that must wait switches back to the loop. In the default order tasks run first-in
first-out and keep running until they wait. With a seed, the next task is drawn from the seed and
every seam may hand over to another task, so that one number replays one interleaving.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar, cast

import greenlet
import msgspec

from cellrig.errors import Conflict
from cellrig.runtime.deadlock import describe, report
from cellrig.runtime.errors import (
    DeadlineExceeded,
    Deadlock,
    OpenTransaction,
    TaskKilled,
    WrongThread,
)
from cellrig.runtime.greenlets import (
    Deadline,
    VirtualEvent,
    VirtualLock,
    VirtualTask,
    Waitable,
    Workers,
)
from cellrig.runtime.interface import Owner, Periodic, Runtime, Task
from cellrig.runtime.timers import Kind, Timer, Timers

T = TypeVar("T")

#: Where virtual time starts: the day Queens was released, 2018-02-28 00:00:00 UTC.
EPOCH = 1519776000.0


class VirtualState(msgspec.Struct, frozen=True):
    """The part of a snapshot that is the runtime's.

    Args:
        now: the clock.
        order: the state of what draws the order of tasks.
        due: name of periodic work and when it is due, in the order in which it was arranged.
    """

    now: float
    order: Any
    due: tuple[tuple[str, float], ...]


class VirtualPeriodic(Periodic):
    """Periodic work; between runs only a timer is kept, no task."""

    __slots__ = ("_function", "_runtime", "name", "owner", "seconds", "timer")

    def __init__(
        self,
        runtime: VirtualRuntime,
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
        self.timer: Timer | None = None

    def schedule(self, due: float) -> None:
        """Let the next run be at `due`, and at no other time."""
        self.cancel()
        self.timer = self._runtime.timers.set(due, self._fire, self.name, Kind.PERIODIC)
        self._runtime.periodics[id(self)] = self

    def _fire(self) -> None:
        self.schedule(self._runtime.now() + self.seconds)
        self._runtime.spawn(self._function, name=self.name, owner=self.owner).periodic = True

    def cancel(self) -> None:
        if self.timer is not None:
            self.timer.end()
            self.timer = None
        self._runtime.periodics.pop(id(self), None)


class VirtualRuntime(Runtime):
    """See the module's text.

    Args:
        seed: draws the order of tasks from this seed; None keeps first-in first-out.
        on_task_error: called with a task that ended with an exception that nobody waited for.
    """

    def __init__(
        self,
        seed: int | None = None,
        on_task_error: Callable[[Task, BaseException], None] | None = None,
    ) -> None:
        self._now = EPOCH
        self._order = None if seed is None else random.Random(seed)
        self._on_task_error = on_task_error
        self._ready: deque[VirtualTask] = deque()
        self.timers = Timers()
        self._thread = threading.get_ident()
        self._current: VirtualTask | None = None
        self._loop = greenlet.getcurrent()
        self._looping = False
        self._workers = Workers()
        self.tasks: dict[int, VirtualTask] = {}
        self.periodics: dict[int, VirtualPeriodic] = {}

    # -- what services use ---------------------------------------------------------------------

    def now(self) -> float:
        return self._now

    def spawn(
        self, function: Callable[[], Any], *, name: str, owner: Owner | None = None
    ) -> VirtualTask:
        started_by = self._current
        periodic = started_by is not None and started_by.periodic
        task = VirtualTask(self, function, name, owner, periodic)
        self.tasks[id(task)] = task
        self._ready.append(task)
        return task

    def sleep(self, seconds: float) -> None:
        task = self.current_task("sleep")
        timer = self.timers.set(
            self._now + seconds, lambda: self.wake(task), f"sleep {seconds:g} s", Kind.SLEEP
        )
        try:
            self.block(timer)
        finally:
            timer.end()

    def event(self, name: str, *, external: bool = False) -> VirtualEvent:
        return VirtualEvent(self, name, external)

    def lock(self, name: str) -> VirtualLock:
        return VirtualLock(self, name)

    def deadline(self, seconds: float, what: str) -> Deadline:
        task = self.current_task(f"set a deadline for {what}")
        return Deadline(task, self._now + seconds, seconds, what)

    def every(
        self,
        seconds: float,
        function: Callable[[], Any],
        *,
        name: str,
        owner: Owner | None = None,
        first: float | None = None,
    ) -> VirtualPeriodic:
        periodic = VirtualPeriodic(self, seconds, function, name, owner)
        periodic.schedule(self._now + (seconds if first is None else first))
        return periodic

    def switch(self, where: str) -> None:
        task = self._current
        if task is None:
            return
        if task.open_database is not None:
            raise OpenTransaction(task.name, f"pass {where}", task.open_database)
        if task.killed:
            raise TaskKilled
        if self._order is not None and self._ready and self._order.random() < 0.5:
            self._hand_over_turn(task)

    def let_others(self) -> None:
        task = self._current
        if task is not None and self._ready and greenlet.getcurrent() is task.greenlet:
            self._hand_over_turn(task)

    def transaction_opened(self, database: str) -> None:
        task = self._current
        if task is None:
            return
        if task.open_database is not None:
            raise OpenTransaction(task.name, f"open {database}", task.open_database)
        task.open_database = database

    def transaction_closed(self, database: str) -> None:
        if self._current is not None:
            self._current.open_database = None

    # -- what tests and the rig use ------------------------------------------------------------

    def run(self, function: Callable[[], T], *, name: str) -> T:
        if self._current is not None and greenlet.getcurrent() is self._current.greenlet:
            return function()
        self._check_thread()
        task = self.spawn(function, name=name)
        task.is_awaited = True
        self._drive(lambda: task.finished, until=None)
        if not task.finished:
            self._explain_stop()
            raise Deadlock(f"{name} cannot go on: what it needs is held\n{report(self._waiting())}")
        if task.error is not None:
            raise task.error
        return cast(T, task.value)

    def is_inside(self) -> bool:
        return self._current is not None and greenlet.getcurrent() is self._current.greenlet

    def current(self) -> VirtualTask | None:
        return self._current

    def checkpoint(self) -> VirtualState:
        return VirtualState(
            self._now,
            None if self._order is None else self._order.getstate(),
            tuple((p.name, p.timer.due) for p in self.periodics.values() if p.timer is not None),
        )

    def restore(self, state: object) -> None:
        if not isinstance(state, VirtualState):
            raise Conflict("this state is not of a virtual runtime")
        self._now = state.now
        if self._order is not None and state.order is not None:
            self._order.setstate(state.order)
        by_name = {periodic.name: periodic for periodic in self.periodics.values()}
        self.timers.clear()
        for name, due in state.due:
            if name in by_name:
                by_name[name].timer = None
                by_name[name].schedule(due)

    def settle(self) -> None:
        self._drive(lambda: False, until=None)
        self._explain_stop()

    def advance(self, seconds: float) -> None:
        target = self._now + seconds
        self._drive(lambda: False, until=target)
        self._now = target

    def leap(self, seconds: float) -> None:
        self.advance(seconds)

    @contextmanager
    def still(self) -> Iterator[None]:
        yield  # time moves only when it is told to

    def kill(self, owner: Owner) -> None:
        for periodic in list(self.periodics.values()):
            if periodic.owner is owner:
                periodic.cancel()
        for task in list(self.tasks.values()):
            if task.owner is not owner or task.killed:
                continue
            task.killed = True
            self.wake(task)

    def unfinished(self) -> list[str]:
        return [describe(task) for task in self.tasks.values()]

    def close(self) -> None:
        for periodic in list(self.periodics.values()):
            periodic.cancel()
        for task in list(self.tasks.values()):
            task.killed = True
            self.wake(task)
        self._run_ready(lambda: False)
        self._workers.close()
        self.timers.clear()

    # -- the loop ------------------------------------------------------------------------------

    def wake(self, task: VirtualTask) -> None:
        """Let a task that waits go on. One that was woken already is not woken twice."""
        if task.blocked:
            task.blocked = False
            self._ready.append(task)

    def current_task(self, wish: str) -> VirtualTask:
        """Return the task that is running; `wish` says in the error what needs one."""
        task = self._current
        if task is None or greenlet.getcurrent() is not task.greenlet:
            raise Deadlock(f"only a task of the rig can {wish}: call rig.run(function) from a test")
        return task

    def _hand_over_turn(self, task: VirtualTask) -> None:
        self._ready.append(task)
        self._loop.switch()
        if task.killed:
            raise TaskKilled

    def block(self, waiting_for: Waitable) -> None:
        """Hand the calling task's turn to the loop until somebody wakes it."""
        task = self.current_task("wait")
        if task.open_database is not None:
            raise OpenTransaction(task.name, "wait", task.open_database)
        if task.killed:
            raise TaskKilled
        task.waiting_for = waiting_for
        task.blocked = True
        timer = self._deadline_timer(task) if task.deadlines else None
        self._loop.switch()
        task.waiting_for = None
        if timer is not None:
            timer.end()
        if task.killed:
            raise TaskKilled
        if task.timed_out:
            task.timed_out = False
            _due, seconds, what = min(task.deadlines)
            raise DeadlineExceeded(what, seconds)

    def _deadline_timer(self, task: VirtualTask) -> Timer:
        due, _seconds, what = min(task.deadlines)
        return self.timers.set(due, partial(self._time_out, task), what, Kind.DEADLINE)

    def _time_out(self, task: VirtualTask) -> None:
        task.timed_out = task.blocked
        self.wake(task)

    def _drive(self, stop: Callable[[], bool], until: float | None) -> None:
        """Run tasks, and move the clock when none can run, until `stop` or nothing is left."""
        self._check_thread()
        if self._looping:
            raise Deadlock("the rig's loop was entered from inside itself")
        self._looping = True
        self._loop = greenlet.getcurrent()
        try:
            self._run_ready(stop)
            while not stop() and (timer := self._next_due(until)) is not None:
                action = timer.action
                timer.end()
                self._now = max(self._now, timer.due)
                action()
                self._run_ready(stop)
        finally:
            self._looping = False

    def _check_thread(self) -> None:
        if threading.get_ident() != self._thread:
            raise WrongThread(self._thread, threading.get_ident())

    def _next_due(self, until: float | None) -> Timer | None:
        """Return the timer that the clock may move on to."""
        timer = self.timers.first()
        if timer is None:
            return None
        if until is not None:
            return timer if timer.due <= until else None
        if all(task.periodic for task in self.tasks.values()):
            return None  # else periodic work that waits for a dead service would go on for ever
        sleeps, deadlines = self.timers.pending(Kind.SLEEP), self.timers.pending(Kind.DEADLINE)
        return timer if sleeps or (deadlines and not self._held()) else None

    def _run_ready(self, stop: Callable[[], bool]) -> None:
        ready = self._ready
        while ready:
            if self._order is not None and len(ready) > 1:
                ready.rotate(-self._order.randrange(len(ready)))
            task = ready.popleft()
            if task.finished:
                continue
            if task.greenlet is None:
                if task.killed:
                    self.finished(task)
                    continue
                task.greenlet = self._workers.take()
            self._current = task
            task.greenlet.parent = self._loop
            try:
                task.greenlet.switch(task)
            finally:
                self._current = None
            if stop():
                return

    def finished(self, task: VirtualTask) -> None:
        """Note that a task has ended."""
        task.finished = True
        task.waiting_for = None
        self.tasks.pop(id(task), None)
        for watcher in task.watchers:
            self.wake(watcher)
        if task.error is None or isinstance(task.error, TaskKilled):
            return
        if self._on_task_error is not None and not (task.watchers or task.is_awaited):
            self._on_task_error(task, task.error)

    def _waiting(self) -> list[VirtualTask]:
        return list(self.tasks.values())

    def _held(self) -> bool:
        return any(
            isinstance(task.waiting_for, VirtualEvent) and task.waiting_for.external
            for task in self.tasks.values()
        )

    def _explain_stop(self) -> None:
        timers = self.timers
        if all(task.periodic for task in self.tasks.values()) and (
            timers.pending(Kind.SLEEP) or timers.pending(Kind.DEADLINE)
        ):
            return  # time will end what they wait for
        if self.tasks and not self._ready and not self._held():
            raise Deadlock(report(self._waiting()))
