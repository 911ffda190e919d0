"""The connections of one process to a database server, which all its databases there share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Table

from cellrig.db.schema import Schema
from cellrig.db.statement import Row
from cellrig.db.storage import Session

#: So many connections a process keeps to one server, besides the one that makes and drops
#: databases: enough for a rig of sixteen cells, and four processes go with a server's default of
#: a hundred. Who needs more at the same time gets more, which are closed after use.
KEPT = 22


class ServerSession(Session, Protocol):
    """One connection to a server, which goes from one of its databases to another."""

    @property
    def is_lost(self) -> bool:
        """Whether it can never be used again."""

    @property
    def has_written(self) -> bool:
        """Whether the transaction that has begun last has written."""

    def together(self) -> AbstractContextManager[object]:
        """Return a block whose statements may go to the server together, to wait for it once.

        What they have found is there when it ends.
        """

    def enter(self, space: str, told: str) -> None:
        """Go to a database, of which transactions are from now on.

        Args:
            space: the database.
            told: what errors call it.

        Raises:
            DatabaseUnavailable: the server cannot be reached, or has no such database.
        """

    def begin(self) -> None:
        """Wait for the turn of this transaction among all processes; begin it.

        Raises:
            DatabaseUnavailable: the server cannot be reached.
        """

    def begin_alone(self) -> None:
        """Let a transaction begin to whose database nobody else writes; raises as `begin`.

        The server hears of it when it writes.
        """

    def begin_reading(self) -> None:
        """Begin a transaction that only reads; raises as `begin`."""

    def read(
        self, text: str, values: Mapping[str, Any], meanwhile: Callable[[], None] | None, /
    ) -> list[Row]:
        """Return what one statement selects, a transaction of its own; raises as `begin`.

        Args:
            text, values: the statement and its parameters.
            meanwhile: may be called while the server is at work.
        """

    def number_on(self, table: Table) -> None:
        """Let the numbers that the database gives go on after the greatest there is."""

    def close(self) -> None:
        """Close the connection."""


class Home(NamedTuple):
    """A database, as one who wants to be connected to it says it.

    Args:
        space: its name on the server.
        told: what errors call it.
        schema: its tables.
    """

    space: str
    told: str
    schema: Schema


class Connections:
    """The connections of one process to one server.

    A transaction takes one that lies idle, best of all one that was in its database last. When
    there are enough, one moves over from another database with the same tables, or is closed to
    make room: what a connection has prepared is right for equal tables only. Nobody waits for a
    connection: who holds one may be who asks for another.

    Args:
        connect: makes a connection, which is in a database.
        kept: so many are open at most when no more are in use.
    """

    def __init__(self, connect: Callable[[Home], ServerSession], kept: int = KEPT) -> None:
        self._connect = connect
        self._kept = kept
        self._lock = threading.Lock()
        self._open = 0
        # The one that was used last is the last one.
        self._idle: list[tuple[Home, ServerSession]] = []

    def take(self, home: Home) -> ServerSession:
        """Return a connection that is in a database.

        Raises:
            DatabaseUnavailable: the server cannot be reached, or has no such database.
        """
        found = self._found(home)
        if found is None:
            return self._connected(home)
        was, session = found
        if was.space == home.space:
            return session
        if was.schema is not home.schema:
            self.close_one(session)
            return self._connected(home)
        try:
            session.enter(home.space, home.told)
        except BaseException:
            self.close_one(session)
            raise
        return session

    def put_back(self, home: Home, session: ServerSession) -> None:
        """Take back what `take` gave, where no transaction is open."""
        with self._lock:
            is_kept = not session.is_lost and self._open <= self._kept
            if is_kept:
                self._idle.append((home, session))
        if not is_kept:
            self.close_one(session)

    def close_one(self, session: ServerSession) -> None:
        """Close what `take` gave: it is of no use any more."""
        with self._lock:
            self._open -= 1
        session.close()

    def close_idle(self) -> None:
        """Close all that lie idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _home, session in idle:
            self.close_one(session)

    def _found(self, home: Home) -> tuple[Home, ServerSession] | None:
        """Take one that lies idle; none where one more may be made for this database."""
        with self._lock:
            idle = self._idle
            for index in range(len(idle) - 1, -1, -1):
                if idle[index][0].space == home.space:
                    return idle.pop(index)
            if idle and self._open >= self._kept:
                equal = (i for i, (was, _) in enumerate(idle) if was.schema is home.schema)
                return idle.pop(next(equal, 0))
        return None

    def _connected(self, home: Home) -> ServerSession:
        with self._lock:
            self._open += 1
        try:
            return self._connect(home)
        except BaseException:
            with self._lock:
                self._open -= 1
            raise
