"""Tasks of the virtual runtime, and what they wait for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import greenlet

from cellrig.runtime.errors import TaskKilled
from cellrig.runtime.interface import Event, Lock, Owner, Task
from cellrig.runtime.timers import Timer


class Loop(Protocol):
    """What tasks, events and locks ask of the loop that runs them."""

    def current_task(self, wish: str) -> VirtualTask:
        """Return the task that is running; `wish` says in the error what needs one."""

    def block(self, waiting_for: Waitable) -> None:
        """Hand the calling task's turn to the loop until somebody wakes it."""

    def wake(self, task: VirtualTask) -> None:
        """Let a task that waits go on. One that was woken already is not woken twice."""

    def finished(self, task: VirtualTask) -> None:
        """Note that a task has ended."""


class VirtualTask(Task):
    """A greenlet, with what a report about it needs."""

    __slots__ = (
        "_loop",
        "blocked",
        "deadlines",
        "error",
        "finished",
        "greenlet",
        "is_awaited",
        "killed",
        "name",
        "open_database",
        "owner",
        "periodic",
        "timed_out",
        "value",
        "waiting_for",
        "watchers",
    )

    def __init__(
        self,
        loop: Loop,
        function: Callable[[], Any],
        name: str,
        owner: Owner | None,
        periodic: bool = False,
    ) -> None:
        self._loop = loop
        self.name = name
        self.owner = owner
        self.periodic = periodic  # a run of periodic work, or started by one
        self.greenlet: greenlet.greenlet | None = None  # until it runs
        self.value: Any = function  # until it runs: what to run
        self.error: BaseException | None = None
        self.finished = False
        self.killed = False
        self.blocked = False
        self.timed_out = False
        self.is_awaited = False
        self.waiting_for: Waitable | None = None
        self.open_database: str | None = None
        self.deadlines: list[tuple[float, float, str]] = []
        self.watchers: list[VirtualTask] = []

    def main(self) -> None:
        """Run to the end; called in a greenlet."""
        function, self.value = self.value, None
        try:
            self.value = function()
        except Exception as error:  # noqa: BLE001 - kept for result(), and announced by the loop
            self.error = error
        except TaskKilled as error:
            self.error = error
        finally:
            self._loop.finished(self)

    @property
    def done(self) -> bool:
        return self.finished

    def result(self) -> Any:
        while not self.finished:
            self.watchers.append(self._loop.current_task(f"wait for task {self.name}"))
            self._loop.block(self)
        if self.error is not None:
            raise self.error
        return self.value


class Workers:
    """Greenlets, each for one task after another: to make one takes longer than many a task.

    A worker holds nothing of a task that has ended, nor the runtime.
    """

    def __init__(self) -> None:
        self._idle: list[greenlet.greenlet] = []

    def take(self) -> greenlet.greenlet:
        """Return a greenlet that runs the task that is given to its next `switch`."""
        return self._idle.pop() if self._idle else greenlet.greenlet(partial(_work, self._idle))

    def close(self) -> None:
        """End all that have nothing to do."""
        while self._idle:
            self._idle.pop().throw()


def _work(idle: list[greenlet.greenlet], task: VirtualTask | None) -> None:
    myself = greenlet.getcurrent()
    while task is not None:
        task.main()
        task = None
        idle.append(myself)
        task = myself.parent.switch()  # type: ignore[union-attr]


class Deadline:
    """Bounds the waits of a task inside a ``with`` block."""

    __slots__ = ("_deadlines", "_entry")

    def __init__(self, task: VirtualTask, due: float, seconds: float, what: str) -> None:
        self._deadlines = task.deadlines
        self._entry = (due, seconds, what)

    def __enter__(self) -> None:
        self._deadlines.append(self._entry)

    def __exit__(self, *exc: object) -> None:
        self._deadlines.remove(self._entry)


class VirtualEvent(Event):
    """An event; whoever waits is woken in the order of their coming."""

    __slots__ = ("_loop", "_set", "external", "name", "waiting")

    def __init__(self, loop: Loop, name: str, external: bool) -> None:
        self._loop = loop
        self._set = False
        self.name = name
        self.external = external
        self.waiting: list[VirtualTask] = []

    def set(self) -> None:
        self._set = True
        waiting, self.waiting = self.waiting, []
        for task in waiting:
            self._loop.wake(task)

    @property
    def is_set(self) -> bool:
        return self._set

    def wait(self) -> None:
        if self._set:
            return
        task = self._loop.current_task(f"wait for {self.name}")
        self.waiting.append(task)
        try:
            self._loop.block(self)
        finally:
            if task in self.waiting:
                self.waiting.remove(task)


class VirtualLock(Lock):
    """A lock, handed over to the task that has waited longest."""

    __slots__ = ("_loop", "_waiting", "holder", "name")

    def __init__(self, loop: Loop, name: str) -> None:
        self._loop = loop
        self._waiting: deque[VirtualTask] = deque()
        self.name = name
        self.holder: VirtualTask | None = None

    def __enter__(self) -> None:
        task = self._loop.current_task(f"take lock {self.name}")
        if self.holder is None:
            self.holder = task
            return
        self._waiting.append(task)
        try:
            self._loop.block(self)
        except BaseException:
            if self.holder is task:  # it was handed over at the moment in which the wait ended
                self._hand_over()
            else:
                self._waiting.remove(task)
            raise

    def __exit__(self, *exc: object) -> None:
        self._hand_over()

    def _hand_over(self) -> None:
        self.holder = self._waiting.popleft() if self._waiting else None
        if self.holder is not None:
            self._loop.wake(self.holder)


Waitable = VirtualEvent | VirtualLock | VirtualTask | Timer
