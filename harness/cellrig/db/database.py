"""One database: statements written once, transactions that cannot be held across a seam.

Statements are SQLAlchemy expressions, compiled to text once for each dialect and then given
straight to the database's own driver: on an SQLite image in memory the text is all there is to
save, and it is most of the time.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement

from cellrig.errors import Conflict, DatabaseUnavailable
from cellrig.runtime import Runtime

Row = tuple[Any, ...]

_DIALECT = sqlite.dialect(paramstyle="named")


class Statement:
    """A SQL statement, compiled when first used.

    A parameter made by ``bindparam(name, expanding=True)`` takes a sequence. Its list is padded to
    a power of two, so that there are few different texts to prepare.
    """

    def __init__(self, expression: ClauseElement) -> None:
        self._expression = expression
        self._text: str | None = None
        self._constants: dict[str, Any] = {}
        self._lists: tuple[str, ...] = ()
        self._sized: dict[tuple[int, ...], str] = {}

    def bind(self, values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return the text and the parameters for `values`."""
        text = self._text or self._compile()
        if self._constants:
            values = {**self._constants, **values}
        if self._lists:
            return self._expand(text, values)
        return text, values

    def _compile(self) -> str:
        compiled = self._expression.compile(dialect=_DIALECT)
        self._constants = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        text = str(compiled)
        self._lists = tuple(name for name in compiled.params if _marker(name) in text)
        self._text = text
        return text

    def _expand(self, text: str, values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        parameters = dict(values)
        sizes = []
        for name in self._lists:
            given = list(parameters.pop(name))
            size = 1 << max(len(given) - 1, 0).bit_length()
            given += [given[-1] if given else None] * (size - len(given))
            parameters.update({f"{name}_{i}": value for i, value in enumerate(given)})
            sizes.append(size)
        key = tuple(sizes)
        sized = self._sized.get(key)
        if sized is None:
            sized = text
            for name, size in zip(self._lists, sizes, strict=True):
                places = ", ".join(f":{name}_{i}" for i in range(size))
                sized = sized.replace(_marker(name), f"({places})")
            self._sized[key] = sized
        return sized, parameters


def _marker(name: str) -> str:
    return f"(__[POSTCOMPILE_{name}])"


class Transaction:
    """One transaction, open inside a ``with`` block: committed at its end, undone if it raises.

    Values are bound by name, never written into SQL. The connection is held from the beginning, so
    what is read cannot change before it is written; a transaction that only reads writes nothing
    to begin or to commit.

    Raises:
        DatabaseUnavailable: on entering, the database has been taken away.
        Conflict: on a row that must be unique and exists.
    """

    __slots__ = ("_connection", "_database", "_writes")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes = False
        self._connection: sqlite3.Connection

    def __enter__(self) -> Self:
        self._connection = self._database.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if self._writes:
                self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
        finally:
            self._database.release()

    def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        """Return all rows."""
        return self._connection.execute(*statement.bind(values)).fetchall()

    def one(self, statement: Statement, /, **values: Any) -> Row | None:
        """Return the first row, or None where there is none."""
        row: Row | None = self._connection.execute(*statement.bind(values)).fetchone()
        return row

    def run(self, statement: Statement, /, **values: Any) -> int:
        """Run a statement that changes rows; return how many it changed."""
        self._begin()
        try:
            return self._connection.execute(*statement.bind(values)).rowcount
        except sqlite3.IntegrityError as error:
            raise Conflict(f"database {self._database.name}: {error}") from error

    def run_each(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run a statement once for each of `rows`; it takes no lists."""
        self._begin()
        bound = [statement.bind(values) for values in rows]
        try:
            if bound:
                self._connection.executemany(bound[0][0], [values for _text, values in bound])
        except sqlite3.IntegrityError as error:
            raise Conflict(f"database {self._database.name}: {error}") from error

    def _begin(self) -> None:
        if not self._writes:
            self._connection.execute("BEGIN IMMEDIATE")
            self._writes = True


class Database:
    """One SQLite image in memory, private to its rig.

    Args:
        name: what errors, seams and audits call it.
        image: the serialized database to start from.
        runtime: told of every open transaction, so that none is held across a seam.

    Attributes:
        refusal: why it refuses connections; None while it accepts them.
    """

    def __init__(self, name: str, image: bytes, runtime: Runtime) -> None:
        self.name = name
        self._runtime = runtime
        self.refusal: str | None = None
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False, cached_statements=512
        )
        self.load(image)

    def transaction(self) -> Transaction:
        """Return a transaction to be used as a context manager."""
        return Transaction(self)

    def acquire(self) -> sqlite3.Connection:
        """Take the connection for the calling task's transaction."""
        if self.refusal is not None:
            raise DatabaseUnavailable(self.name, self.refusal)
        self._runtime.transaction_opened(self.name)
        self._lock.acquire()
        return self._connection

    def release(self) -> None:
        """Give the connection back."""
        self._lock.release()
        self._runtime.transaction_closed(self.name)

    def take_down(self, reason: str) -> None:
        """Refuse every connection from now on, with `reason`, until `bring_back`."""
        self.refusal = reason

    def bring_back(self) -> None:
        """Accept connections again."""
        self.refusal = None

    def dump(self) -> bytes:
        """Return the whole database as bytes."""
        with self._lock:
            return self._connection.serialize()

    def load(self, image: bytes) -> None:
        """Replace the whole database by `image`."""
        with self._lock:
            self._connection.deserialize(image)
            self._connection.execute("PRAGMA journal_mode = MEMORY")
            self._connection.execute("PRAGMA synchronous = OFF")

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._connection.close()


def build_image(create: Callable[[sqlite3.Connection], None]) -> bytes:
    """Return a serialized database that `create` has filled."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        create(connection)
        return connection.serialize()
    finally:
        connection.close()
