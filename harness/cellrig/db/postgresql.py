"""PostgreSQL, by psycopg."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, cast
from zlib import crc32

import psycopg
from psycopg import sql
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, Table, create_engine
from sqlalchemy.dialects.postgresql.base import PGDialect, PGTypeCompiler
from sqlalchemy.engine import URL

from cellrig.db.schema import Schema
from cellrig.db.server import first_rows
from cellrig.db.statement import Dialect
from cellrig.db.storage import Cursor, UnusableDatabase
from cellrig.errors import Conflict, DatabaseUnavailable

#: A commit outlives the process but perhaps not the machine, as with a file of SQLite. Whoever
#: waits a minute for a turn waits for something that hangs.
_OPTIONS = "-c synchronous_commit=off -c lock_timeout=60s"
_CONNECT_SECONDS = 10

# The lock is of no row: to hold it writes nothing, and it is gone with the connection.
_BEGIN = "BEGIN; SELECT pg_advisory_xact_lock(1128417639, {})"
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_UNUSED = (
    "SELECT nspname FROM pg_namespace "
    "WHERE nspname NOT IN (SELECT application_name FROM pg_stat_activity)"
)


class _Types(PGTypeCompiler):
    """Text is sorted by its code points, whatever the database's own language is."""

    def visit_VARCHAR(self, type_: Any, **options: Any) -> str:  # noqa: N802 - SQLAlchemy's name
        return f'{super().visit_VARCHAR(type_, **options)} COLLATE "C"'

    def visit_TEXT(self, type_: Any, **options: Any) -> str:  # noqa: N802
        return f'{super().visit_TEXT(type_, **options)} COLLATE "C"'


def _compiler() -> PGDialect:
    compiler: PGDialect = PGDialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
    compiler.type_compiler_instance = _Types(compiler)
    return compiler


POSTGRESQL = Dialect("postgresql", _compiler(), "%({})s")


_PARAMETER = re.compile(r"%\((\w+)\)s")


class _FlagDumper(Dumper):
    """Flags are numbers in all tables, as they are in SQLite."""

    oid = psycopg.adapters.types["int2"].oid

    def dump(self, obj: bool) -> Buffer:
        return b"1" if obj else b"0"


class _SumLoader(Loader):
    """A sum of whole numbers is one."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


class PostgresqlSession:
    """A connection to a database of PostgreSQL.

    Args:
        connection: which begins no transaction of its own.
        told: what errors call the database.
        lock: the number of the lock that a turn in it is.
    """

    refused = psycopg.IntegrityError

    def __init__(self, connection: psycopg.Connection[Any], told: str, lock: int) -> None:
        self._connection = connection
        self._told = told
        self._begin = _BEGIN.format(lock)

    @property
    def is_lost(self) -> bool:
        """Whether it can never be used again."""
        return self._connection.closed

    def begin(self) -> None:
        """Wait for the turn of this transaction among all processes; begin it."""
        self._run(self._begin)

    def begin_reading(self) -> None:
        """Begin a transaction that only reads."""
        self._run(_BEGIN_READING)

    def begin_writing(self) -> None:
        """Do nothing: the transaction has its turn."""

    def execute(self, text: str, values: Mapping[str, Any]) -> Cursor:
        """Run a statement."""
        try:
            return self._connection.execute(text, values)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(self._told, _told(error)) from error

    def execute_each(self, text: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each of `rows`."""
        try:
            with self._connection.cursor() as cursor:
                cursor.executemany(text, rows)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(self._told, _told(error)) from error

    def end(self, is_success: bool) -> None:
        """Commit the transaction, or undo it."""
        status = self._connection.info.transaction_status
        if not is_success:
            # Where the connection is lost, the server has undone everything.
            if not self.is_lost:
                self._run("ROLLBACK")
        elif status == TransactionStatus.INERROR:
            self._run("ROLLBACK")
            raise Conflict(
                f"database {self._told}: a statement of the transaction was refused, "
                "so nothing of it was kept"
            )
        else:
            self._run("COMMIT")

    def number_on(self, table: Table) -> None:
        """Let the numbers that the database gives go on after the greatest there is."""
        column = table.autoincrement_column
        if column is None:
            return
        name = sql.Identifier(column.name)
        query = sql.SQL(
            "SELECT setval(pg_get_serial_sequence({}, {}), coalesce(max({}), 0) + 1, false) FROM {}"
        ).format(table.name, column.name, name, sql.Identifier(table.name))
        self._connection.execute(query)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _run(self, text: str) -> None:
        try:
            self._connection.execute(text, prepare=False)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(self._told, _told(error)) from error


class PostgresqlServer:
    """A database of a PostgreSQL server, in which each database of a rig is a schema.

    A database of the server for each would cost a checkpoint of the whole server when it is
    dropped, which takes seconds on a busy machine.

    Args:
        url: of the database; its user may create schemas.
    """

    dialect = POSTGRESQL
    lasting_space = "public"

    def __init__(self, url: URL) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._own: psycopg.Connection[Any] | None = None

    def connect(self, space: str, told: str) -> PostgresqlSession:
        """Return a connection to a schema, which goes by the schema's name."""
        return PostgresqlSession(self._connect(space, told), told, crc32(space.encode()) >> 1)

    def now(self) -> float:
        """Return the time by the server's clock, in seconds since the epoch."""
        ((seconds,),) = self._do("SELECT extract(epoch FROM now())::float8").fetchall()
        return float(seconds)

    def unused_spaces(self) -> Sequence[str]:
        """Return the names of all schemas to which nobody is connected."""
        return [name for (name,) in self._do(_UNUSED)]

    def create(self, space: str, schema: Schema) -> None:
        """Create a schema with tables and their first rows."""
        self._define(space, schema, sql.SQL("CREATE SCHEMA {0}; SET LOCAL search_path TO {0}"))

    def define(self, space: str, schema: Schema) -> None:
        """Make the tables of a schema that has none, with their first rows."""
        self._define(space, schema, sql.SQL("SET LOCAL search_path TO {0}"))

    def tables(self, space: str) -> Sequence[str]:
        """Return the names of the tables of a schema."""
        known = sql.SQL("SELECT tablename FROM pg_tables WHERE schemaname = {}").format(space)
        return [name for (name,) in self._do(known)]

    def engine(self, space: str) -> Engine:
        """Return SQLAlchemy's way to a schema."""
        engine = create_engine(
            self._url.set(drivername="postgresql+psycopg"),
            connect_args={"options": f"-c search_path={space}"},
        )
        engine.dialect.type_compiler_instance = _Types(engine.dialect)
        return engine

    def drop(self, space: str) -> None:
        """Drop a schema with all that it has."""
        self._do(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(space)))

    def close(self) -> None:
        """Close the connection that all of this needs."""
        if self._own is not None:
            self._own.close()
            self._own = None

    def _define(self, space: str, schema: Schema, begin: sql.SQL) -> None:
        """Make tables in one transaction and one round trip."""
        rows = [
            sql.SQL(_PARAMETER.sub(r"{\1}", text)).format(**values)
            for text, values in first_rows(schema, POSTGRESQL)
        ]
        definitions = map(sql.SQL, schema.definitions(POSTGRESQL.compiler))
        ours = begin.format(sql.Identifier(space))
        self._do(
            sql.SQL(";").join([sql.SQL("BEGIN"), ours, *definitions, *rows, sql.SQL("COMMIT")])
        )

    def _do(self, query: str | sql.Composed) -> psycopg.Cursor[Any]:
        with self._lock:
            if self._own is None or self._own.closed:
                self._own = self._connect("public", str(self._url.database))
            try:
                return self._own.execute(query, prepare=False)
            except psycopg.Error as error:
                self._own.close()
                raise UnusableDatabase(self._url.database, _told(error)) from error

    def _connect(self, space: str, told: str) -> psycopg.Connection[Any]:
        url = self._url
        try:
            connection = psycopg.connect(
                host=url.host,
                port=url.port,
                user=url.username,
                password=url.password,
                dbname=url.database,
                connect_timeout=_CONNECT_SECONDS,
                application_name=space,
                options=f"{_OPTIONS} -c search_path={space}",
                autocommit=True,
                **cast(Mapping[str, Any], url.query),
            )
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(told, _told(error)) from error
        connection.adapters.register_dumper(bool, _FlagDumper)
        connection.adapters.register_loader("numeric", _SumLoader)
        return connection


def _told(error: psycopg.Error) -> str:
    return " ".join(str(error).split())
