"""Asking many cells at once, and telling apart those that do not answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec

from cellrig.db import CellDatabase
from cellrig.errors import CellBroken, CellDown, CellLate, CellUnavailable, DatabaseUnavailable
from cellrig.runtime import DeadlineExceeded, Runtime, Task
from cellrig.seams import Process, Seams

T = TypeVar("T")

#: Seconds that a cell may take to answer.
CELL_TIMEOUT = 60.0


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
        answers: dict[str, T] = {}
        missing: dict[str, CellUnavailable] = {}
        if len(cells) == 1:
            ((name, cell),) = cells.items()
            self._settle(name, lambda: self._in_time(name, cell, question), answers, missing)
            return Gathered(answers, missing)
        tasks: dict[str, Task] = {
            name: self._runtime.spawn(
                lambda name=name, cell=cell: self._in_time(name, cell, question),  # type: ignore[misc]
                name=f"ask cell {name}",
                owner=self._process,
            )
            for name, cell in cells.items()
        }
        for name, task in tasks.items():
            self._settle(name, task.result, answers, missing)
        return Gathered(answers, missing)

    def _in_time(self, name: str, cell: CellDatabase, question: Callable[[CellDatabase], T]) -> T:
        with self._runtime.deadline(self._timeout, f"an answer of cell {name}"):
            return question(cell)

    def _settle(
        self,
        name: str,
        answer: Callable[[], T],
        answers: dict[str, T],
        missing: dict[str, CellUnavailable],
    ) -> None:
        try:
            answers[name] = answer()
        except DatabaseUnavailable as error:
            missing[name] = CellDown(name, str(error))
            self._seams.handled(error, f"cell {name} is missing from the answer")
        except DeadlineExceeded as error:
            missing[name] = CellLate(name, self._timeout)
            self._seams.handled(error, f"cell {name} is missing from the answer")
        except Exception as error:  # noqa: BLE001 - a broken cell must not break the others
            missing[name] = CellBroken(name, f"{type(error).__name__}: {error}")
            self._seams.handled(error, f"cell {name} is missing from the answer")
