"""Cases side by side: each process has hosts of its own, and takes a case whenever it is free."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait

from cellrig.driver import Capabilities
from cellrig.errors import CellrigError
from cellrig.testing.conformance.case import Case
from cellrig.testing.conformance.running import Outcome, Result, declared_by, result_of
from cellrig.testing.conformance.setup import Setup

#: Tries a case of a driver with these capabilities; it is the same in every process.
Attempt = Callable[[Setup, Case, Capabilities], Result]

#: Not by a fork: neither threads nor connections of this process are to be in another.
_PROCESSES = get_context("spawn")


class JobDied(CellrigError):
    """A process that was about to try cases has ended. Args: its exit status."""

    template = "a process that was about to try cases has ended with status {0}"


@contextmanager
def side_by_side(
    setup: Setup, cases: Sequence[Case], attempt: Attempt, seconds: float, jobs: int
) -> Iterator[tuple[Capabilities, Iterator[tuple[int, Result]]]]:
    """Try cases in several processes, which have ended when the block is left.

    Args:
        setup: not entered; each process enters one like it.
        cases: which.
        attempt: tries one; a function of a module, or a `partial` of one.
        seconds: how long a cloud may take to start by the wall clock; 0 for ever.
        jobs: how many processes.

    Yields:
        What the driver declares, and the numbers and results of the cases as they end.

    Raises:
        Exception: what a set-up raised when it was entered, in any of the processes.
        JobDied: a process ended before it had tried anything.
    """
    with ExitStack() as endings:
        started = [
            _Job(endings, setup, tuple(cases), attempt, seconds)
            for _number in range(min(jobs, len(cases)))
        ]
        declared = [job.begun() for job in started]
        yield declared[0], _results(started, cases)


def _results(free: list[_Job], cases: Sequence[Case]) -> Iterator[tuple[int, Result]]:
    left = list(reversed(tuple(enumerate(cases))))
    busy: dict[object, _Job] = {}
    while left or busy:
        while left and free:
            job = free.pop()
            job.take(*left.pop())
            busy[job.pipe] = job
        if not busy:
            yield from ((number, _untried(case)) for number, case in reversed(left))
            return
        for pipe in wait([job.pipe for job in busy.values()]):
            job = busy.pop(pipe)
            yield job.number, job.result()
            if job.is_alive:
                free.append(job)


def _untried(case: Case) -> Result:
    return result_of(case, Outcome.FAILED, "no process is left that could try it")


class _Job:
    """One process, seen from the one that has started it."""

    def __init__(
        self,
        endings: ExitStack,
        setup: Setup,
        cases: tuple[Case, ...],
        attempt: Attempt,
        seconds: float,
    ) -> None:
        self.pipe, theirs = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(
            target=_work, args=(theirs, setup, cases, attempt, seconds), name="conformance"
        )
        self._process.start()
        # Its end of the pipe is its own alone, so that either side hears when the other is gone.
        theirs.close()
        endings.callback(self._process.join)
        endings.callback(self.pipe.close)
        self.number, self._case = -1, cases[0]
        self.is_alive = True

    def begun(self) -> Capabilities:
        """Wait until it can begin, and return what the driver declares there."""
        try:
            told: Capabilities | Exception = self.pipe.recv()
        except EOFError:
            self._process.join()
            raise JobDied(self._process.exitcode) from None
        if isinstance(told, Exception):
            raise told
        return told

    def take(self, number: int, case: Case) -> None:
        """Let it try a case."""
        self.number, self._case = number, case
        try:
            self.pipe.send(number)
        except BrokenPipeError:
            self.is_alive = False  # its result says so

    def result(self) -> Result:
        """Return how the case ended; a process that died with it has failed it."""
        try:
            result: Result = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.is_alive = False
            self._process.join()
            told = f"the process that tried it has ended with status {self._process.exitcode}"
            return result_of(self._case, Outcome.FAILED, told)
        return result


def _work(
    pipe: Connection, setup: Setup, cases: tuple[Case, ...], attempt: Attempt, seconds: float
) -> None:
    """Try cases whose numbers come, until nobody sends any more."""
    with ExitStack() as endings:
        try:
            endings.enter_context(setup)
            declared = declared_by(setup, seconds)
        except Exception as error:  # noqa: BLE001 - raised where cases are handed out
            pipe.send(error)
            return
        pipe.send(declared)
        while True:
            try:
                number: int = pipe.recv()
            except EOFError:
                return
            pipe.send(attempt(setup, cases[number], declared))
