"""Where a database is and how it is spoken to: all that differs from one kind to another.

A `Storage` says where. Opened, it is an `OpenDatabase`, which gives each transaction a `Session`:
one connection, in the ways of its dialect. SQLite, PostgreSQL and MariaDB have a module each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Engine

from cellrig.db.statement import Dialect, Row
from cellrig.errors import CellrigError


class UnusableDatabase(CellrigError):
    """A database that should last cannot be opened.

    Args: where it is, why not.
    """

    template = "database {0} cannot be used: {1}"


class Cursor(Protocol):
    """What a statement has found or done."""

    @property
    def rowcount(self) -> int:
        """How many rows it has changed; one that was there already counts."""

    def fetchall(self) -> list[Row]:
        """Return all rows that are left."""

    def fetchone(self) -> Row | None:
        """Return the next row."""


class Session(Protocol):
    """One connection, as one transaction after another has it."""

    @property
    def refused(self) -> type[Exception]:
        """The driver's error for a row that the tables do not take."""

    def execute(self, text: str, values: Mapping[str, Any], /) -> Cursor:
        """Run a statement."""

    def execute_each(self, text: str, rows: Sequence[Mapping[str, Any]], /) -> object:
        """Run a statement once for each of `rows`."""

    def begin_writing(self) -> None:
        """Do what must be done before the first write of a transaction."""

    def end(self, is_success: bool, /) -> None:
        """Commit the transaction, or undo it.

        Raises:
            DatabaseUnavailable: the connection is lost; a commit may have been done.
        """


class OpenDatabase(Protocol):
    """A database that gives sessions to transactions.

    A transaction has its turn from beginning to end: no other one of any process writes meanwhile,
    so that what it reads cannot change before it writes. One that only reads has no need of that,
    and sees the database as it was when it began.
    """

    @property
    def dialect(self) -> Dialect:
        """How it wants its statements."""

    def acquire(self) -> Session:
        """Wait for a turn; begin a transaction.

        Raises:
            DatabaseUnavailable: it cannot be reached.
        """

    def acquire_reading(self) -> Session:
        """Begin a transaction that only reads; raises as `acquire`."""

    def read(
        self,
        text: str,
        values: Mapping[str, Any],
        meanwhile: Callable[[], None] | None = None,
        /,
    ) -> list[Row]:
        """Return what one statement selects, a transaction of its own; raises as `acquire`.

        Args:
            text, values: the statement and its parameters.
            meanwhile: may be called while another process is at work on it.
        """

    def release(self, session: Session, /) -> None:
        """Take back what `acquire` gave; its transaction has ended."""

    def release_reading(self, session: Session, /) -> None:
        """Take back what `acquire_reading` gave; its transaction has ended."""

    def dump(self) -> bytes:
        """Return the whole database as an SQLite image."""

    def load(self, image: bytes) -> None:
        """Replace all rows by those of `image`."""

    def close(self) -> None:
        """Give everything back; what does not last is gone."""


class Storage(Protocol):
    """Where one database is."""

    def open(self, image: bytes) -> OpenDatabase:
        """Open the database, which is `image` if it has never been before.

        Raises:
            UnusableDatabase: what is there is not the database that `image` is, or cannot be had.
        """


class LastingStorage(Storage, Protocol):
    """Where a database is that stays."""

    def engine(self) -> Engine:
        """Return SQLAlchemy's way to the database that is there, to change its tables.

        Raises:
            UnusableDatabase: it is not there.
        """
