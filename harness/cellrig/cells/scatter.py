"""Asking many cells at once, and telling apart those that do not answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Generic, TypeVar

import msgspec

from cellrig.db import CellDatabase
from cellrig.errors import CellBroken, CellDown, CellLate, CellUnavailable, DatabaseUnavailable
from cellrig.runtime import DeadlineExceeded, Runtime, Task
from cellrig.seams import Process, Seams

T = TypeVar("T")

#: Seconds that a cell may take to answer.
CELL_TIMEOUT = 60.0
#: Seconds more after which a task that should have ended by then is left behind.
_GRACE = 1.0


class Gathered(msgspec.Struct, Generic[T], frozen=True):
    """What the cells answered.

    Args:
        answers: cell name to answer.
        missing: cell name to why there is none: `CellDown`, `CellLate` or `CellBroken`.
    """

    answers: dict[str, T]
    missing: dict[str, CellUnavailable]


class Scatter:
    """Runs one question in every cell, each in a task of its own.

    Args:
        runtime, seams: of the rig.
        process: who asks.
        timeout: seconds that a cell may take.
    """

    def __init__(
        self, runtime: Runtime, seams: Seams, process: Process, timeout: float = CELL_TIMEOUT
    ) -> None:
        self._runtime = runtime
        self._seams = seams
        self._process = process
        self._timeout = timeout

    def gather(
        self, cells: Mapping[str, CellDatabase], question: Callable[[CellDatabase], T]
    ) -> Gathered[T]:
        """Ask `question` of all `cells` at once; a cell that fails costs its own answer only."""
        outcomes: dict[str, T | CellUnavailable] = {}

        def ask(name: str) -> None:
            outcomes[name] = self._outcome(name, cells[name], question)

        if len(cells) <= 1:
            for name in cells:
                ask(name)
            return _gathered(outcomes)
        tasks = {
            name: self._runtime.spawn(
                partial(ask, name), name=f"ask cell {name}", owner=self._process
            )
            for name in cells
        }
        # In another dictionary: what a task that is left behind still finds changes no answer.
        return _gathered(
            {
                name: outcomes[name]
                if self._has_ended(task, name)
                else CellLate(name, self._timeout)
                for name, task in tasks.items()
            }
        )

    def _has_ended(self, task: Task, name: str) -> bool:
        """Wait for a task; return False where it is stuck in what no deadline of its own ends.

        That is so where a thread waits in a database's driver.
        """
        if task.done:
            task.result()  # it has raised what is no cell's failure
            return True
        what = f"the end of what asks cell {name}"
        try:
            with self._runtime.deadline(self._timeout + _GRACE, what):
                task.result()
        except DeadlineExceeded as error:
            if task.done or error.args[0] != what:
                raise
            self._seams.handled(error, f"cell {name} is missing from the answer")
            return False
        return True

    def _outcome(
        self, name: str, cell: CellDatabase, question: Callable[[CellDatabase], T]
    ) -> T | CellUnavailable:
        missing: CellUnavailable
        try:
            with self._runtime.deadline(self._timeout, f"an answer of cell {name}"):
                return question(cell)
        except DatabaseUnavailable as error:
            missing = CellDown(name, str(error))
            self._seams.handled(error, f"cell {name} is missing from the answer")
        except DeadlineExceeded as error:
            missing = CellLate(name, self._timeout)
            self._seams.handled(error, f"cell {name} is missing from the answer")
        except Exception as error:  # noqa: BLE001 - a broken cell must not break the others
            missing = CellBroken(name, f"{type(error).__name__}: {error}")
            self._seams.handled(error, f"cell {name} is missing from the answer")
        return missing


def _gathered(outcomes: Mapping[str, T | CellUnavailable]) -> Gathered[T]:
    return Gathered(
        {n: o for n, o in outcomes.items() if not isinstance(o, CellUnavailable)},
        {n: o for n, o in outcomes.items() if isinstance(o, CellUnavailable)},
    )
