"""One database: transactions that cannot be held across a seam, wherever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from cellrig.db.sqlite import InMemory
from cellrig.db.statement import Dialect, Row, Statement
from cellrig.db.storage import Cursor, Session, Storage
from cellrig.errors import CellrigError, Conflict, DatabaseUnavailable
from cellrig.runtime import Runtime

__all__ = ["Database", "ReadOnly", "Reading", "Row", "Statement", "Transaction"]


class ReadOnly(CellrigError):
    """Something is written in a transaction that only reads."""

    template = "a transaction that only reads database {0!r} was asked to write"


class Transaction:
    """One transaction, open inside a ``with`` block: committed at its end, undone if it raises.

    Values are bound by name, never written into SQL. No other transaction writes to the database
    while this one is open, so what is read cannot change before it is written.

    Raises:
        DatabaseUnavailable: on entering, the database has been taken away or cannot be reached; or
            its connection is lost later, and then nothing was kept. Only where it is lost at the
            very end, it is not known whether all was kept or nothing.
        Conflict: on a row that must be unique and exists.
    """

    __slots__ = ("_database", "_dialect", "_session", "_writes")

    def __init__(self, database: Database, dialect: Dialect) -> None:
        self._database = database
        self._dialect = dialect
        self._writes = False
        self._session: Session

    def __enter__(self) -> Self:
        self._session = self._database.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            self._session.end(kind is None)
        finally:
            self._database.release(self._session)

    def now(self) -> float:
        """Return the rig's time, for what is written: seconds since the epoch."""
        return self._database.now()

    def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        """Return all rows that a statement selects, or returns of those it has changed."""
        if statement.changes_rows:
            return self._write(statement, values).fetchall()
        return self._session.execute(*statement.bind(self._dialect, values)).fetchall()

    def ask(self, statement: Statement, values: Mapping[str, Any]) -> list[Row]:
        """Return what `all` would, as `Database.ask` does."""
        return self.all(statement, **values)

    def one(self, statement: Statement, /, **values: Any) -> Row | None:
        """Return the first row of those that `all` would return, or None where there is none."""
        if statement.changes_rows:
            return next(iter(self._write(statement, values).fetchall()), None)
        return self._session.execute(*statement.bind(self._dialect, values)).fetchone()

    def run(self, statement: Statement, /, **values: Any) -> int:
        """Run a statement that changes rows; return how many it changed."""
        return self._write(statement, values).rowcount

    def run_each(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run a statement once for each of `rows`; it takes no lists."""
        self._begin()
        bound = [statement.bind(self._dialect, values) for values in rows]
        try:
            if bound:
                self._session.execute_each(bound[0][0], [values for _text, values in bound])
        except self._session.refused as error:
            raise Conflict(f"database {self._database.name}: {error}") from error

    def _write(self, statement: Statement, values: Mapping[str, Any]) -> Cursor:
        self._begin()
        try:
            return self._session.execute(*statement.bind(self._dialect, values))
        except self._session.refused as error:
            raise Conflict(f"database {self._database.name}: {error}") from error

    def _begin(self) -> None:
        if not self._writes:
            self._session.begin_writing()
            self._writes = True


class Reading(Transaction):
    """A transaction that only reads. It waits for no other one, and no other one for it.

    All of it is read from the database as it was when the transaction began.
    """

    __slots__ = ()

    def __enter__(self) -> Self:
        self._session = self._database.acquire_reading()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            self._session.end(kind is None)
        finally:
            self._database.release_reading(self._session)

    def _begin(self) -> None:
        raise ReadOnly(self._database.name)


class Database:
    """One database, private to its rig.

    Args:
        name: what errors, seams and audits call it.
        image: the serialized database to start from.
        runtime: told of every open transaction, so that none is held across a seam.
        storage: where it is; in memory where nothing is said.

    Attributes:
        refusal: why it refuses connections; None while it accepts them.
        now: the rig's clock, in seconds since the epoch.
        replacements: how often all of it was replaced; who keeps what was read looks at it.

    Raises:
        UnusableDatabase: it is somewhere where it cannot be.
    """

    def __init__(
        self, name: str, image: bytes, runtime: Runtime, storage: Storage | None = None
    ) -> None:
        self.name = name
        self.now = runtime.now
        self.refusal: str | None = None
        self.replacements = 0
        self._runtime = runtime
        self._open = (storage or InMemory()).open(image)
        self._dialect = self._open.dialect

    def transaction(self) -> Transaction:
        """Return a transaction to be used as a context manager."""
        return Transaction(self, self._dialect)

    def reading(self) -> Reading:
        """Return a transaction that only reads, to be used as a context manager."""
        return Reading(self, self._dialect)

    def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        """Return all rows that a statement selects, which is a transaction of its own.

        On a server it costs one round trip and not three.

        Raises:
            DatabaseUnavailable: the database has been taken away or cannot be reached.
            ReadOnly: the statement writes.
        """
        return self._read(statement, values)

    def ask(self, statement: Statement, values: Mapping[str, Any]) -> list[Row]:
        """Return what `all` would. While a server is at work, other tasks may go on.

        So one who asks many databases at once does not wait for each of them.
        """
        return self._read(statement, values, self._runtime.let_others)

    def one(self, statement: Statement, /, **values: Any) -> Row | None:
        """Return the first row of those that `all` would return, or None where there is none."""
        return next(iter(self.all(statement, **values)), None)

    def _read(
        self,
        statement: Statement,
        values: Mapping[str, Any],
        meanwhile: Callable[[], None] | None = None,
    ) -> list[Row]:
        if self.refusal is not None:
            raise DatabaseUnavailable(self.name, self.refusal)
        if statement.changes_rows:
            raise ReadOnly(self.name)
        self._runtime.transaction_opened(self.name)
        try:
            return self._open.read(*statement.bind(self._dialect, values), meanwhile)
        finally:
            self._runtime.transaction_closed(self.name)

    def acquire(self) -> Session:
        """Begin the calling task's transaction, when it is its turn."""
        if self.refusal is not None:
            raise DatabaseUnavailable(self.name, self.refusal)
        self._runtime.transaction_opened(self.name)
        try:
            return self._open.acquire()
        except BaseException:
            self._runtime.transaction_closed(self.name)
            raise

    def release(self, session: Session) -> None:
        """Let the next one have its turn."""
        self._open.release(session)
        self._runtime.transaction_closed(self.name)

    def acquire_reading(self) -> Session:
        """Begin the calling task's transaction, which only reads."""
        if self.refusal is not None:
            raise DatabaseUnavailable(self.name, self.refusal)
        self._runtime.transaction_opened(self.name)
        try:
            return self._open.acquire_reading()
        except BaseException:
            self._runtime.transaction_closed(self.name)
            raise

    def release_reading(self, session: Session) -> None:
        """Take back what `acquire_reading` gave."""
        self._open.release_reading(session)
        self._runtime.transaction_closed(self.name)

    def take_down(self, reason: str) -> None:
        """Refuse every connection from now on, with `reason`, until `bring_back`."""
        self.refusal = reason

    def bring_back(self) -> None:
        """Accept connections again."""
        self.refusal = None

    def dump(self) -> bytes:
        """Return the whole database as bytes: an SQLite image, wherever it is."""
        return self._open.dump()

    def load(self, image: bytes) -> None:
        """Replace the whole database by `image`."""
        try:
            self._open.load(image)
        finally:
            self.replacements += 1

    def close(self) -> None:
        """Give the connections back; a database that does not last is gone."""
        self._open.close()
