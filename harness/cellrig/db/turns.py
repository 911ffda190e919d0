"""An open database on a server: whose turn it is to write, and its rows as an image."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Table, delete, select

from cellrig.db.connections import Connections, Home, ServerSession
from cellrig.db.images import image_of, opened
from cellrig.db.schema import VERSION_TABLE
from cellrig.db.sqlite import SQLITE
from cellrig.db.statement import Dialect, Row, Statement
from cellrig.db.storage import Session
from cellrig.errors import DatabaseUnavailable

T = TypeVar("T")

#: So many transactions that only read go on at the same time in a process, for each database.
READERS = 4
#: So many of them at most let other tasks go on meanwhile. Where all tasks have one thread, who
#: waits for a reader to end would wait for ever if each of them had let others go on.
_PATIENT = READERS - 1

_VERSION = Statement(select(VERSION_TABLE.c.version_num))


class OpenOnServer:
    """An open database of a server.

    Each transaction takes a connection of the process. Those that may write have their turn one
    after the other, first within the process and then among all. So no two wait for each other's
    rows, and none must be undone because of another.

    Args:
        connections: of the process, to the server.
        home: the database.
        dialect: of the server.
        close: gives back what it needs; called once.
    """

    def __init__(
        self,
        connections: Connections,
        home: Home,
        dialect: Dialect,
        close: Callable[[], None],
    ) -> None:
        self.dialect = dialect
        self._connections = connections
        self._home = home
        self._schema = home.schema
        self._closing = close
        self._turn = threading.RLock()
        self._readers = threading.BoundedSemaphore(READERS)
        self._patient = threading.BoundedSemaphore(_PATIENT)

    def acquire(self) -> ServerSession:
        """Wait for a turn; begin a transaction."""
        self._turn.acquire()
        try:
            return self._begun(self._take_turn)
        except BaseException:
            self._turn.release()
            raise

    def _take_turn(self, session: ServerSession) -> None:
        session.begin()

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

    def read(
        self, text: str, values: Mapping[str, Any], meanwhile: Callable[[], None] | None = None
    ) -> list[Row]:
        """Return what one statement selects, which is a transaction of its own."""
        with self._readers:
            if meanwhile is None or not self._patient.acquire(blocking=False):
                return self._once_more(lambda: self._read_once(text, values, None))
            try:
                return self._once_more(lambda: self._read_once(text, values, meanwhile))
            finally:
                self._patient.release()

    def _read_once(
        self, text: str, values: Mapping[str, Any], meanwhile: Callable[[], None] | None
    ) -> list[Row]:
        session = self._connections.take(self._home)
        try:
            return session.read(text, values, meanwhile)
        finally:
            self._put_back(session)

    def _begun(self, begin: Callable[[ServerSession], None]) -> ServerSession:
        return self._once_more(lambda: self._begin_once(begin))

    def _once_more(self, step: Callable[[], T]) -> T:
        """Return what a step does that has done nothing where it fails; it is repeated once.

        So a connection that was lost is made anew.
        """
        try:
            return step()
        except DatabaseUnavailable:
            # What lies idle was lost with it, when the server was started again.
            self._connections.close_idle()
            return step()

    def _begin_once(self, begin: Callable[[ServerSession], None]) -> ServerSession:
        session = self._connections.take(self._home)
        try:
            begin(session)
        except BaseException:
            self._connections.close_one(session)
            raise
        return session

    def _put_back(self, session: Session) -> None:
        mine: ServerSession = session  # type: ignore[assignment]
        self._connections.put_back(self._home, mine)

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
        tables = self._tables()
        texts = [_all_of(table).bind(self.dialect, {}) for table in tables]
        with self._transaction() as session:
            with session.together():
                asked = [session.execute(*text) for text in texts]
            rows = [cursor.fetchall() for cursor in asked]
        image = opened(self._schema.image)
        try:
            image.execute("BEGIN")
            for table, of_table in zip(tables, rows, strict=True):
                image.execute(*_none_of(table).bind(SQLITE, {}))
                places = ", ".join("?" * len(table.columns))
                name = SQLITE.compiler.identifier_preparer.format_table(table)
                image.executemany(f"INSERT INTO {name} VALUES ({places})", of_table)  # noqa: S608
            image.execute("COMMIT")
            return image_of(image)
        finally:
            image.close()

    def load(self, image: bytes) -> None:
        """Replace all rows by those of `image`, in one transaction."""
        source = opened(image)
        try:
            with self._transaction() as session:
                session.begin_writing()
                with session.together():
                    self._replace(session, source)
        finally:
            source.close()

    def _replace(self, session: ServerSession, source: sqlite3.Connection) -> None:
        for table in reversed(self._tables()):
            session.execute(*_none_of(table).bind(self.dialect, {}))
        for table in self._tables():
            rows = source.execute(*_all_of(table).bind(SQLITE, {})).fetchall()
            self._insert(session, table, rows)
        # Last of all: there are servers on which this ends the transaction.
        for table in self._tables():
            session.number_on(table)

    def _insert(
        self, session: ServerSession, table: Table, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        names = [column.name for column in table.columns]
        given = [dict(zip(names, row, strict=True)) for row in rows]
        if given:
            text, _values = _new_in(table).bind(self.dialect, given[0])
            session.execute_each(text, given)

    def _tables(self) -> list[Table]:
        return [VERSION_TABLE, *self._schema.tables]

    def close(self) -> None:
        """Give back what it needs; its connections are those of the process."""
        self._closing()


class OpenAlone(OpenOnServer):
    """An open database to which nobody else writes.

    So what a transaction reads before its first write cannot change, and the server need not hear
    of it sooner: two round trips less for each that writes nothing. And it knows when it is still
    what it was when it was copied last. Of the databases of a rig most are, when a test goes back
    to a snapshot.
    """

    _image: bytes | None = None

    def _take_turn(self, session: ServerSession) -> None:
        session.begin_alone()

    def release(self, session: Session) -> None:
        """Let the next one have its turn."""
        mine: ServerSession = session  # type: ignore[assignment]
        if mine.has_written:
            self._image = None
        super().release(session)

    def dump(self) -> bytes:
        """Return all rows, in an SQLite image."""
        with self._turn:
            if self._image is None:
                self._image = super().dump()
            return self._image

    def load(self, image: bytes) -> None:
        """Replace all rows by those of `image`, in one transaction."""
        with self._turn:
            if image != self._image:
                super().load(image)
                self._image = image


# Compiled once for each table: that takes longer than to run it.


@cache
def _all_of(table: Table) -> Statement:
    return Statement(select(table).order_by(*table.primary_key.columns))


@cache
def _none_of(table: Table) -> Statement:
    return Statement(delete(table))


@cache
def _new_in(table: Table) -> Statement:
    return Statement(table.insert().inline())
