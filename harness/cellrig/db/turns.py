"""An open database on a server: its connections, and whose turn it is to write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Table, delete, select

from cellrig.db.images import image_of, opened
from cellrig.db.schema import VERSION_TABLE, Schema
from cellrig.db.sqlite import SQLITE
from cellrig.db.statement import Dialect, Statement
from cellrig.db.storage import Session
from cellrig.errors import DatabaseUnavailable

#: So many transactions that only read go on at the same time in a process, for each database.
READERS = 4

_VERSION = Statement(select(VERSION_TABLE.c.version_num))


class ServerSession(Session, Protocol):
    """One connection to a database on a server."""

    @property
    def is_lost(self) -> bool:
        """Whether it can never be used again."""

    def begin(self) -> None:
        """Wait for the turn of this transaction among all processes; begin it.

        Raises:
            DatabaseUnavailable: the server cannot be reached.
        """

    def begin_reading(self) -> None:
        """Begin a transaction that only reads; raises as `begin`."""

    def number_on(self, table: Table) -> None:
        """Let the numbers that the database gives go on after the greatest there is."""

    def close(self) -> None:
        """Close the connection."""


class OpenOnServer:
    """An open database of a server.

    Each transaction takes a connection that lies idle, or a new one. Those that may write have
    their turn one after the other, first within the process and then among all. So no two wait for
    each other's rows, and none must be undone because of another.

    Args:
        connect: makes a connection.
        dialect, schema: of the database.
    """

    def __init__(
        self, connect: Callable[[], ServerSession], dialect: Dialect, schema: Schema
    ) -> None:
        self.dialect = dialect
        self._connect = connect
        self._schema = schema
        self._turn = threading.RLock()
        self._readers = threading.BoundedSemaphore(READERS)
        self._idle: list[ServerSession] = []

    def acquire(self) -> ServerSession:
        """Wait for a turn; begin a transaction."""
        self._turn.acquire()
        try:
            return self._begun(lambda session: session.begin())
        except BaseException:
            self._turn.release()
            raise

    def release(self, session: Session) -> None:
        """Let the next one have its turn."""
        self._put_back(session)
        self._turn.release()

    def acquire_reading(self) -> ServerSession:
        """Begin a transaction that only reads."""
        self._readers.acquire()
        try:
            return self._begun(lambda session: session.begin_reading())
        except BaseException:
            self._readers.release()
            raise

    def release_reading(self, session: Session) -> None:
        """Take the connection back."""
        self._put_back(session)
        self._readers.release()

    def _begun(self, begin: Callable[[ServerSession], None]) -> ServerSession:
        """Return a session that has begun; a lost connection is made anew, once.

        Nothing of the transaction has been done yet, so this repeats nothing.
        """
        try:
            return self._begin_once(begin)
        except DatabaseUnavailable:
            # What lies idle was lost with it, when the server was started again.
            self._close_idle()
            return self._begin_once(begin)

    def _begin_once(self, begin: Callable[[ServerSession], None]) -> ServerSession:
        try:
            session = self._idle.pop()
        except IndexError:
            session = self._connect()
        try:
            begin(session)
        except BaseException:
            session.close()
            raise
        return session

    def _put_back(self, session: Session) -> None:
        mine: ServerSession = session  # type: ignore[assignment]
        if mine.is_lost:
            mine.close()
        else:
            self._idle.append(mine)

    @contextmanager
    def _transaction(self) -> Iterator[ServerSession]:
        session = self.acquire()
        is_success = False
        try:
            yield session
            is_success = True
        finally:
            try:
                session.end(is_success)
            finally:
                self.release(session)

    def version(self) -> str | None:
        """Return what the database says of the version of its tables."""
        with self._transaction() as session:
            row = session.execute(*_VERSION.bind(self.dialect, {})).fetchone()
        return None if row is None else str(row[0])

    def dump(self) -> bytes:
        """Return all rows, in an SQLite image."""
        image = opened(self._schema.image)
        try:
            with self._transaction() as session:
                image.execute("BEGIN")
                for table in self._tables():
                    rows = session.execute(*_all_of(table).bind(self.dialect, {})).fetchall()
                    image.execute(*Statement(delete(table)).bind(SQLITE, {}))
                    places = ", ".join("?" * len(table.columns))
                    name = SQLITE.compiler.identifier_preparer.format_table(table)
                    image.executemany(f"INSERT INTO {name} VALUES ({places})", rows)  # noqa: S608
                image.execute("COMMIT")
            return image_of(image)
        finally:
            image.close()

    def load(self, image: bytes) -> None:
        """Replace all rows by those of `image`, in one transaction."""
        source = opened(image)
        try:
            with self._transaction() as session:
                for table in reversed(self._tables()):
                    session.execute(*Statement(delete(table)).bind(self.dialect, {}))
                for table in self._tables():
                    rows = source.execute(*_all_of(table).bind(SQLITE, {})).fetchall()
                    self._insert(session, table, rows)
        finally:
            source.close()

    def _insert(
        self, session: ServerSession, table: Table, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        names = [column.name for column in table.columns]
        given = [dict(zip(names, row, strict=True)) for row in rows]
        if given:
            text, _values = Statement(table.insert().inline()).bind(self.dialect, given[0])
            session.execute_each(text, given)
        session.number_on(table)

    def _tables(self) -> list[Table]:
        return [VERSION_TABLE, *self._schema.tables]

    def close(self) -> None:
        """Close all connections."""
        self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _all_of(table: Table) -> Statement:
    return Statement(select(table).order_by(*table.primary_key.columns))
