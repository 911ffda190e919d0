"""How long something may take: what does not end is interrupted where it stands, and told."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

#: Seconds until what has swallowed the interruption is interrupted again.
_AGAIN = 5.0


class DidNotEnd(BaseException):
    """Something took too long. Args: what is told of it.

    Not an `Exception`: neither a service nor a driver may take it for an error that it deals with.
    """


@contextmanager
def limit(seconds: float, where: Callable[[], str]) -> Iterator[None]:
    """Interrupt the block when it takes longer than it may.

    It is a signal of the wall clock that interrupts, so also a driver that waits for something
    outside of the runtime is reached. Signals reach the main thread alone: in another one there is
    no limit.

    Args:
        seconds: how long it may take; 0 for as long as it wants.
        where: asked at the moment of the interruption, what it is that does not end.

    Raises:
        DidNotEnd: it was interrupted.
    """
    if not seconds or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise DidNotEnd(f"did not end within {seconds:g} s: {where()}")

    handler = signal.signal(signal.SIGALRM, interrupt)
    began = time.monotonic()
    rest, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if rest:  # somebody else had set it before
            rest = max(rest - (time.monotonic() - began), 0.001)
            signal.setitimer(signal.ITIMER_REAL, rest, interval)


def beside(function: Callable[[], T]) -> T:
    """Call `function` in a thread of its own, and wait so that a `limit` can end the wait.

    Where a library waits for a hypervisor no signal reaches it. The thread is then left behind, and
    ends when the hypervisor answers, or with the process.
    """
    outcome: Future[T] = Future()

    def call() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            outcome.set_exception(error)

    threading.Thread(target=call, name="conformance", daemon=True).start()
    return outcome.result()
