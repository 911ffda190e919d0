"""SQLite: a database in memory, for as long as its rig lives, or in a file that stays.

There is one connection, which goes from one transaction to the next.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects import sqlite

from cellrig.db.images import fill, image_of, is_empty, stamp_in, stamp_of
from cellrig.db.statement import Dialect, Row
from cellrig.db.storage import UnusableDatabase

SQLITE = Dialect("sqlite", sqlite.dialect(paramstyle="named"), ":{}")

_STATEMENTS_KEPT = 512
#: How many connections the rigs of one process hand on, for each kind of database.
_IDLE_KEPT = 8


class SqliteSession:
    """The connection of an SQLite database.

    A transaction that only reads writes nothing to begin or to commit.
    """

    __slots__ = ("connection", "execute", "execute_each")

    refused = sqlite3.IntegrityError
    execute: Callable[[str, Mapping[str, Any]], sqlite3.Cursor]
    execute_each: Callable[[str, Sequence[Mapping[str, Any]]], object]

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        # The driver's own, so that nothing stands between it and a statement.
        self.execute = connection.execute
        self.execute_each = connection.executemany

    def begin_writing(self) -> None:
        """Begin a transaction that nothing else can write beside."""
        self.connection.execute("BEGIN IMMEDIATE")

    def end(self, is_success: bool) -> None:
        """Commit or undo, where anything was begun."""
        connection = self.connection
        if not connection.in_transaction:
            return
        try:
            if is_success:
                connection.execute("COMMIT")
        finally:
            # Also where the commit has failed. A full disk may have undone everything already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _closed() -> SqliteSession:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.close()
    return SqliteSession(connection)


_CLOSED = _closed()


class OpenSqlite:
    """An open SQLite database: its one connection, and whose turn it is.

    Args:
        connection: to a database in memory, or to one in a file.
    """

    dialect = SQLITE

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._session = SqliteSession(connection)
        self._lock = threading.RLock()

    def acquire(self) -> SqliteSession:
        """Wait for the connection."""
        self._lock.acquire()
        return self._session

    acquire_reading = acquire

    def release(self, _session: object) -> None:
        """Let the next one have the connection."""
        self._lock.release()

    release_reading = release

    def read(
        self, text: str, values: Mapping[str, Any], _meanwhile: Callable[[], None] | None = None
    ) -> list[Row]:
        """Return what one statement selects."""
        with self._lock:
            return self._session.execute(text, values).fetchall()

    def dump(self) -> bytes:
        """Return the whole database as an image."""
        with self._lock:
            return image_of(self._session.connection)

    def load(self, image: bytes) -> None:
        """Replace the whole database by `image`, in one transaction."""
        with self._lock:
            fill(self._session.connection, image)

    def close(self) -> None:
        """Give the connection back; a database in memory is gone."""
        with self._lock:
            self._session.connection.close()


class _OpenInMemory(OpenSqlite):
    """Knows its image as long as nothing is written: most snapshots differ in few databases.

    Args:
        connection: to the database.
        image: of what is in it.
    """

    def __init__(self, connection: sqlite3.Connection, image: bytes) -> None:
        super().__init__(connection)
        self._first_image = image
        self._know(image)

    def close(self) -> None:
        """Let another rig have the connection, with the statements that are prepared there."""
        with self._lock:
            if self._session is _CLOSED:
                return
            connection = self._session.connection
            if connection.in_transaction or _IDLE.is_full(self._first_image):
                connection.close()
            else:
                self.load(self._first_image)
                _IDLE.put(self._first_image, connection)
            # Whoever still has this database must not reach the next one.
            self._session = _CLOSED

    def dump(self) -> bytes:
        with self._lock:
            if self._has_changed():
                self._know(super().dump())
            return self._image

    def load(self, image: bytes) -> None:
        with self._lock:
            if image is not self._image or self._has_changed():
                _load(self._session.connection, image)
                self._know(image)

    def _know(self, image: bytes) -> None:
        self._image = image
        self._changes = self._session.connection.total_changes

    def _has_changed(self) -> bool:
        return self._session.connection.total_changes != self._changes


class _Idle:
    """Connections to databases in memory that no rig has now, by the image that each is again.

    To prepare the statements of a rig again costs a fifth of what the rig does. A connection keeps
    them, also when its database is replaced by one with the same tables in the same places, which
    its schema cookie tells (see `build_image`).
    """

    def __init__(self) -> None:
        self._connections: dict[bytes, list[sqlite3.Connection]] = {}

    def take(self, image: bytes) -> sqlite3.Connection | None:
        """Return a connection to a database that is `image`, if there is one."""
        try:
            return self._connections[image].pop()
        except LookupError:
            return None

    def is_full(self, image: bytes) -> bool:
        """Whether there are enough connections to databases that are `image`."""
        return len(self._connections.get(image, ())) >= _IDLE_KEPT

    def put(self, image: bytes, connection: sqlite3.Connection) -> None:
        """Keep a connection to a database that is `image`, and that nobody else has."""
        self._connections.setdefault(image, []).append(connection)


_IDLE = _Idle()


class InMemory:
    """A database that goes with its connection."""

    def open(self, image: bytes) -> OpenSqlite:
        """Return a copy of `image`."""
        connection = _IDLE.take(image)
        if connection is None:
            connection = _connect(":memory:")
            _load(connection, image)
        return _OpenInMemory(connection, image)


class InFile:
    """An SQLite file, which belongs to one connection of one process as long as that is open.

    A commit outlives the process, also when it is killed. It may be lost when the machine loses
    power, and then with all that came after it, so that what is left is whole.

    Args:
        path: of the file; its directory exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, image: bytes) -> OpenSqlite:
        """Open the file, which is made and filled with `image` if need be."""
        # SQLite calls it an error of the disk. To open the file here would undo its locks.
        if not os.access(self._path if self._path.exists() else self._path.parent, os.W_OK):
            raise UnusableDatabase(self._path, "it cannot be written")
        try:
            connection = _connect(str(self._path), timeout=0.0)
        except sqlite3.Error as error:
            raise UnusableDatabase(self._path, error) from error
        try:
            self._take(connection)
            if is_empty(connection):
                fill(connection, image)
            stamp_of(connection).check(stamp_in(image), self._path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            # Said again, the default is of the file's own pages, which are smaller than usual.
            connection.execute("PRAGMA cache_size = -2000")
        except sqlite3.Error as error:
            connection.close()
            raise UnusableDatabase(self._path, _told(error)) from error
        except BaseException:
            connection.close()
            raise
        return OpenSqlite(connection)

    def engine(self) -> Engine:
        """Return SQLAlchemy's way to the file, which one connection has for itself."""
        if not self._path.exists():
            raise UnusableDatabase(self._path, "it is not there")
        engine = create_engine(
            f"sqlite:///{self._path}", connect_args={"timeout": 0.0, "isolation_level": None}
        )

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # The driver itself would begin nothing before a definition.
            connection.exec_driver_sql("BEGIN EXCLUSIVE")

        return engine

    def _take(self, connection: sqlite3.Connection) -> None:
        """Lock the file for this connection alone; the lock ends with it, or with the process.

        What one transaction reads can then not be changed by another process, and a copy of the
        database that follows it needs to follow one writer only.
        """
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")


def _load(connection: sqlite3.Connection, image: bytes) -> None:
    connection.deserialize(image)
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute("PRAGMA synchronous = OFF")


def _connect(target: str, timeout: float = 5.0) -> sqlite3.Connection:
    connection = sqlite3.connect(
        target,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS_KEPT,
    )
    # The operator REGEXP, which SQLite parses and leaves to its user.
    connection.create_function("regexp", 2, _matches, deterministic=True)
    return connection


def _matches(pattern: str, value: str | None) -> bool:
    return value is not None and re.search(pattern, value) is not None


def _told(error: sqlite3.Error) -> str:
    if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
        return "another process has it open"
    return str(error)
