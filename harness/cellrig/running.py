"""What runs in a rig: tasks, the seams that they pass, the plugins that listen there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from cellrig.plugins import plugin_manager
from cellrig.runtime import Runtime, Task
from cellrig.runtime.live import LiveRuntime
from cellrig.runtime.virtual import VirtualRuntime
from cellrig.seams import Seams

T = TypeVar("T")


class Running:
    """Runs what a test asks for as tasks, and lets what they have started come to an end.

    Args:
        seed: draws the order of tasks from this number; None runs them first-in first-out.
        live: run on threads and the wall clock instead of greenlets and a virtual clock.
    """

    def __init__(self, seed: int | None, *, live: bool) -> None:
        self.plugins = plugin_manager()
        self.runtime: Runtime = (
            LiveRuntime(self._task_failed) if live else VirtualRuntime(seed, self._task_failed)
        )
        self.seams = Seams(self.runtime, self.plugins)
        self._holding = 0

    def request(self, function: Callable[[], T], name: str = "request") -> T:
        """Run `function` as a task and settle, unless the rig is held; return its result."""
        try:
            result = self.runtime.run(function, name=name)
        except Exception as error:
            self.seams.handled(error, "raised to the test")
            self._settle()
            raise
        self._settle()
        return result

    def answer(self, function: Callable[[], T], name: str) -> T:
        """Run `function` as the request of a client that looks again for what it has started.

        On threads that goes on by itself, and the answer does not wait for it. On the virtual
        runtime it is settled, unless the rig is held: nothing else would make it go on.
        """
        if isinstance(self.runtime, LiveRuntime):
            return self.runtime.run(function, name=name)
        return self.request(function, name)

    def _settle(self) -> None:
        if not self._holding and not self.runtime.is_inside():
            self.settle()

    def settle(self) -> None:
        """Run all that was started until nothing is left to do.

        Raises:
            Deadlock: tasks wait for each other; says who for whom and where.
        """
        self.runtime.settle()
        self.plugins.hook.cellrig_settled()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Let calls return before what they started has happened; settle at the end."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1
        self._settle()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass: periodic work, timeouts and all that falls due on the way."""
        self.runtime.advance(seconds)
        self._settle()

    def spawn(self, function: Callable[[], Any], name: str = "test") -> Task:
        """Start `function` beside the test; it runs when the rig settles next."""
        return self.runtime.spawn(function, name=name)

    def concurrently(self, *functions: Callable[[], Any]) -> list[Any]:
        """Run `functions` at the same time; return what each returned, or the error it raised."""
        outcomes: list[Any] = [None] * len(functions)

        def run(index: int, function: Callable[[], Any]) -> None:
            try:
                outcomes[index] = function()
            except Exception as error:  # noqa: BLE001 - it is the outcome
                self.seams.handled(error, "returned to the test")
                outcomes[index] = error

        for index, function in enumerate(functions):
            self.spawn(
                lambda index=index, function=function: run(index, function),  # type: ignore[misc]
                name=f"test {index + 1}",
            )
        self.settle()
        return outcomes

    def _task_failed(self, task: Task, error: BaseException) -> None:
        self.plugins.hook.cellrig_task_failed(task=task, error=error)
