"""Waiting for one's turn where only so many may go at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from cellrig.errors import CellrigError
from cellrig.runtime import Event, Runtime


class TurnGivenUp(CellrigError):
    """Somebody does not wait for a turn any more. Args: whose turn it was."""

    template = "{0} was given up while it waited for its turn"


class Turns:
    """Lets at most `limit` at a time go; the others wait in order, and may be given up.

    Args:
        runtime: of the rig.
        limit: how many; 0 for any number.
        name: of what is waited for.
    """

    def __init__(self, runtime: Runtime, limit: int, name: str) -> None:
        self._runtime = runtime
        self._limit = limit
        self._name = name
        self._going = 0
        self._waiting: deque[tuple[str, Event]] = deque()
        self._given_up: set[str] = set()

    @contextmanager
    def take(self, key: str) -> Iterator[None]:
        """Wait for a turn and keep it while the block runs.

        Args:
            key: by which `give_up` knows it.

        Raises:
            TurnGivenUp: it was given up meanwhile.
        """
        if self._limit and self._going >= self._limit:
            event = self._runtime.event(f"{self._name} of {key}")
            self._waiting.append((key, event))
            event.wait()
            if key in self._given_up:
                self._given_up.discard(key)
                raise TurnGivenUp(f"{self._name} of {key}")
        else:
            self._going += 1
        try:
            yield
        finally:
            self._pass_on()

    def give_up(self, key: str) -> bool:
        """Let `key` wait no longer; return whether it was waiting."""
        for waiting in self._waiting:
            if waiting[0] == key:
                self._waiting.remove(waiting)
                self._given_up.add(key)
                waiting[1].set()
                return True
        return False

    def would_wait(self) -> bool:
        """Whether the next one has to wait."""
        return bool(self._limit) and self._going >= self._limit

    def _pass_on(self) -> None:
        """Hand the turn to the next that waits, so that nobody can come in between."""
        if self._waiting:
            self._waiting.popleft()[1].set()
        else:
            self._going -= 1
