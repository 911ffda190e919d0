"""PostgreSQL, by psycopg."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast
from zlib import crc32

import psycopg
from psycopg import sql
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.types.numeric import NumericBinaryLoader
from sqlalchemy import Engine, Table, create_engine, delete
from sqlalchemy.dialects.postgresql.base import PGDialect, PGTypeCompiler
from sqlalchemy.engine import URL

from cellrig.db.connections import Connections, Home
from cellrig.db.names import SpaceNames
from cellrig.db.postgresql_reading import Reader
from cellrig.db.schema import VERSION_TABLE, Schema
from cellrig.db.server import first_rows, has_news
from cellrig.db.statement import Dialect, Row
from cellrig.db.storage import Cursor, UnusableDatabase
from cellrig.errors import Conflict, DatabaseUnavailable

#: A commit outlives the process but perhaps not the machine, as with a file of SQLite. Whoever
#: waits a minute for a turn waits for something that hangs.
_OPTIONS = "-c synchronous_commit=off -c lock_timeout=60s"
_CONNECT_SECONDS = 10

_DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)

# The lock is of no row: to hold it writes nothing, and it is gone with the connection.
_BEGIN = "BEGIN; SELECT pg_advisory_xact_lock(1128417639, {})"
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_UNUSED = (
    "SELECT nspname FROM pg_namespace WHERE NOT EXISTS (SELECT FROM pg_stat_activity "
    "WHERE application_name = 'cellrig_' || split_part(nspname, '_', 4))"
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


class _BinarySumLoader(NumericBinaryLoader):
    """A sum of whole numbers is one."""

    def load(self, data: Buffer) -> int:  # type: ignore[override]
        return int(super().load(data))


class PostgresqlSession:
    """A connection to a database of PostgreSQL.

    Args:
        connection: which begins no transaction of its own.
        home: the schema that it is in.
    """

    refused = psycopg.IntegrityError

    def __init__(self, connection: psycopg.Connection[Any], home: Home) -> None:
        self._connection = connection
        self._reader = Reader(connection)
        self.has_written = False
        self._be_in(home.space, home.told)

    def _be_in(self, space: str, told: str) -> None:
        self._told = told
        self._begin = _BEGIN.format(crc32(space.encode()) >> 1)

    @property
    def is_lost(self) -> bool:
        """Whether it can never be used again."""
        return self._connection.closed

    def enter(self, space: str, told: str) -> None:
        """Go to another schema."""
        self._be_in(space, told)
        self._run(f'SET search_path TO "{space}"')

    def begin(self) -> None:
        """Wait for the turn of this transaction among all processes; begin it."""
        self.has_written = False
        self._run(self._begin)

    def begin_alone(self) -> None:
        """Let a transaction begin to whose database nobody else writes."""
        self.has_written = False
        if has_news(self._connection.fileno()):
            # It is lost, or not: that must be known while nothing is done.
            self._run("BEGIN")

    def begin_reading(self) -> None:
        """Begin a transaction that only reads."""
        self._run(_BEGIN_READING)

    def begin_writing(self) -> None:
        """Note it; the transaction has its turn, and the server hears of it now at the latest."""
        if self._status == TransactionStatus.IDLE:
            self._run("BEGIN")
        self.has_written = True

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let statements go to the server together."""
        try:
            with self._connection.pipeline():
                yield
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(self._told, _told(error)) from error

    def execute(self, text: str, values: Mapping[str, Any]) -> Cursor:
        """Run a statement."""
        try:
            return self._connection.execute(text, values)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(self._told, _told(error)) from error

    def read(
        self, text: str, values: Mapping[str, Any], meanwhile: Callable[[], None] | None = None
    ) -> list[Row]:
        """Return what one statement selects: outside a transaction it is one."""
        try:
            return self._reader.read(text, values, meanwhile)
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
        status = self._status
        if status == TransactionStatus.IDLE:
            return
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

    @property
    def _status(self) -> TransactionStatus:
        return self._connection.info.transaction_status

    def number_on(self, table: Table) -> None:
        """Let the numbers that the database gives go on after the greatest there is."""
        for setting in _numbering(table, "coalesce(max({0}), 0) + 1"):
            self._connection.execute(setting)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _run(self, text: str) -> None:
        """Run what is no question, past the driver's cursors.

        They take longer than the server, and would forget all that is prepared with a ROLLBACK.
        """
        try:
            result = self._connection.pgconn.exec_(text.encode())
            if result.status not in _DONE:
                raise error_from_result(result)
        except psycopg.Error as error:
            # Of a connection that was lost just now, no code says what the error is.
            if self.is_lost or isinstance(error, psycopg.OperationalError):
                raise DatabaseUnavailable(self._told, _told(error)) from error
            raise


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
        self.names = SpaceNames()
        self.connections = Connections(
            lambda home: PostgresqlSession(self._connect(home.space, home.told), home)
        )
        self._url = url
        self._lock = threading.Lock()
        self._own: psycopg.Connection[Any] | None = None
        self._definitions: dict[Schema, str] = {}

    def now(self) -> float:
        """Return the time by the server's clock, in seconds since the epoch."""
        ((seconds,),) = self._do("SELECT extract(epoch FROM now())::float8").fetchall()
        return float(seconds)

    def unused_spaces(self) -> Sequence[str]:
        """Return the names of all schemas that are of no process which is connected."""
        return [name for (name,) in self._do(_UNUSED)]

    def create(self, space: str, schema: Schema) -> None:
        """Create a schema with tables and their first rows."""
        self._change(space, f'CREATE SCHEMA "{space}"', self._defining(schema))

    def define(self, space: str, schema: Schema) -> None:
        """Make the tables of a schema that has none, with their first rows."""
        self._change(space, self._defining(schema))

    def empty(self, space: str, schema: Schema) -> None:
        """Let a schema have the first rows only, and number all others from 1."""
        self._change(space, _emptying(schema))

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
        """Close all connections that are not in use."""
        self.connections.close_idle()
        self._let_go()

    def _defining(self, schema: Schema) -> str:
        """Return what makes the tables, all of it one text; made once, it is some milliseconds."""
        known = self._definitions.get(schema)
        if known is None:
            definitions = schema.definitions(POSTGRESQL.compiler)
            known = self._definitions[schema] = ";".join([*definitions, *_first(schema)])
        return known

    def _change(self, space: str, *texts: str) -> None:
        """Run texts in a schema, in one transaction and one round trip."""
        ours = f'SET LOCAL search_path TO "{space}"'
        self._do(";".join(["BEGIN", ours, *texts, "COMMIT"]))

    def _do(self, query: str | sql.Composed) -> psycopg.Cursor[Any]:
        with self._lock:
            try:
                own = self._owned()
                try:
                    return own.execute(query, prepare=False)
                except psycopg.OperationalError:
                    if not own.closed:
                        raise
                # It was lost while it lay idle: the server has been started again.
                return self._owned().execute(query, prepare=False)
            except psycopg.Error as error:
                self._let_go()
                raise UnusableDatabase(self._url.database, _told(error)) from error

    def _owned(self) -> psycopg.Connection[Any]:
        """Return the connection that makes and drops schemas."""
        if self._own is None or self._own.closed:
            self._own = self._connect("public", str(self._url.database))
        return self._own

    def _let_go(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None

    def _connect(self, space: str, told: str) -> psycopg.Connection[Any]:
        url = self._url
        try:
            connection = psycopg.connect(
                port=url.port,
                user=url.username,
                password=url.password,
                dbname=url.database,
                connect_timeout=_CONNECT_SECONDS,
                application_name=f"cellrig_{self.names.process}",
                options=f"{_OPTIONS} -c search_path={space}",
                autocommit=True,
                # A directory with a socket is no host that a URL can name: it comes in the query.
                **{"host": url.host, **cast(Mapping[str, Any], url.query)},
            )
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(told, _told(error)) from error
        connection.adapters.register_dumper(bool, _FlagDumper)
        connection.adapters.register_loader("numeric", _SumLoader)
        connection.adapters.register_loader("numeric", _BinarySumLoader)
        return connection


def _told(error: psycopg.Error) -> str:
    return " ".join(str(error).split())


@cache
def _emptying(schema: Schema) -> str:
    """Return what lets a schema have the first rows only; made once, as what makes its tables."""
    tables = [VERSION_TABLE, *schema.tables]
    deletes = [str(delete(each).compile(dialect=POSTGRESQL.compiler)) for each in tables[::-1]]
    numbers = [setting for table in tables for setting in _numbering(table, "1")]
    return ";".join([*deletes, *numbers, *_first(schema)])


def _first(schema: Schema) -> list[str]:
    """Return what writes the rows that an empty database has."""
    return [
        sql.SQL(_PARAMETER.sub(r"{\1}", text)).format(**values).as_string(None)
        for text, values in first_rows(schema, POSTGRESQL)
    ]


def _numbering(table: Table, following: str) -> list[str]:
    """Return what sets the next number that the database gives in a table; nothing, or one text.

    Args:
        following: the number, in SQL; ``{0}`` is the column.
    """
    column = table.autoincrement_column
    if column is None:
        return []
    quoted = POSTGRESQL.compiler.identifier_preparer
    sequence = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
    number = following.format(quoted.format_column(column))
    of = f" FROM {quoted.format_table(table)}" if "{0}" in following else ""
    return [f"SELECT setval({sequence}, {number}, false){of}"]
