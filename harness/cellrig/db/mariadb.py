"""MariaDB, by PyMySQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, cast

import pymysql
from pymysql.constants import CLIENT, FIELD_TYPE
from pymysql.converters import conversions
from sqlalchemy import Engine, Table, create_engine, delete
from sqlalchemy.dialects.mysql.base import MySQLDDLCompiler, MySQLTypeCompiler
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.engine import URL

from cellrig.db.connections import Connections
from cellrig.db.names import SpaceNames
from cellrig.db.schema import VERSION_TABLE, Schema
from cellrig.db.server import first_rows, has_news
from cellrig.db.statement import Dialect, Row
from cellrig.db.storage import UnusableDatabase
from cellrig.errors import DatabaseUnavailable

_LOST = (pymysql.err.OperationalError, pymysql.err.InterfaceError)
_CONNECT_SECONDS = 10
_TURN_SECONDS = 60
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SETTINGS = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', "
    f"innodb_lock_wait_timeout = {_TURN_SECONDS}"
)

# This locks the one row that every transaction which may write begins with; what is read after it
# is what the one before has left. Nobody asks for the row itself, so it stays on the server.
_BEGIN = f"BEGIN; SELECT version_num INTO @turn FROM {VERSION_TABLE.name} FOR UPDATE"  # noqa: S608
_BEGIN_READING = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"

# A process that is connected holds the lock of its name.
_PRESENT = "SELECT GET_LOCK('cellrig_{}', 0)"
_UNUSED = (
    "SELECT schema_name FROM information_schema.schemata WHERE IS_USED_LOCK(CONCAT('cellrig_', "
    "SUBSTRING_INDEX(SUBSTRING_INDEX(schema_name, '_', 4), '_', -1))) IS NULL"
)
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"


class _Definitions(MySQLDDLCompiler):
    """Text is what it is, byte for byte: also its case, and a space at its end."""

    def post_create_table(self, table: Table) -> str:
        told = super().post_create_table(table)
        return f"{told} ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"


class _Types(MySQLTypeCompiler):
    """Text has no limit that anybody meets."""

    def visit_TEXT(self, type_: Any, **options: Any) -> str:  # noqa: N802 - SQLAlchemy's name
        return "MEDIUMTEXT"


def _compiler() -> MariaDBDialect:
    compiler = MariaDBDialect(paramstyle="pyformat")
    compiler.ddl_compiler = _Definitions
    compiler.type_compiler_instance = _Types(compiler)
    return compiler


MARIADB = Dialect("mysql", _compiler(), "%({})s")

#: A sum of whole numbers is one.
_CONVERSIONS = {**conversions, FIELD_TYPE.DECIMAL: int, FIELD_TYPE.NEWDECIMAL: int}


class _ListCursor(pymysql.cursors.Cursor):
    def fetchall(self) -> list[Row]:  # type: ignore[override]
        return list(super().fetchall())


class MariadbSession:
    """A connection to a database of MariaDB.

    Args:
        connection: which begins no transaction of its own.
        told: what errors call the database.
    """

    refused = pymysql.err.IntegrityError

    def __init__(self, connection: pymysql.Connection[Any], told: str) -> None:
        self._connection = connection
        self._told = told
        self._has_begun = False
        self._begins_next = False
        self.has_written = False

    @property
    def is_lost(self) -> bool:
        """Whether it can never be used again."""
        return not self._connection.open

    def enter(self, space: str, told: str) -> None:
        """Go to another database."""
        self._told = told
        try:
            self._connection.select_db(space)
        except _LOST as error:
            raise self._unavailable(error) from error

    def begin(self) -> None:
        """Wait for the turn of this transaction among all processes; begin it."""
        self.has_written = False
        cursor = self._begin(_BEGIN)
        try:
            cursor.nextset()
        except _LOST as error:
            raise self._unavailable(error) from error

    def begin_alone(self) -> None:
        """Let a transaction begin to whose database nobody else writes."""
        self.has_written = False
        if has_news(self._connection._sock.fileno()):  # type: ignore[attr-defined]
            # It is lost, or not: that must be known while nothing is done.
            self._begin("BEGIN")

    def begin_reading(self) -> None:
        """Begin a transaction that only reads."""
        self._begin(_BEGIN_READING)

    def begin_writing(self) -> None:
        """Note it; the transaction has its turn, and begins with what it writes."""
        self._begins_next = not self._has_begun
        self.has_written = True

    def together(self) -> AbstractContextManager[object]:
        """Return a block in which each statement goes by itself, as everywhere with this driver."""
        return nullcontext()

    def execute(self, text: str, values: Mapping[str, Any]) -> _ListCursor:
        """Run a statement."""
        cursor = cast(_ListCursor, self._connection.cursor())
        try:
            if self._begins_next:
                cursor.execute(f"BEGIN; {text}", values)
                self._now_begun()
                cursor.nextset()
            else:
                cursor.execute(text, values)
        except _LOST as error:
            raise self._unavailable(error) from error
        return cursor

    def read(
        self, text: str, values: Mapping[str, Any], _meanwhile: Callable[[], None] | None = None
    ) -> list[Row]:
        """Return what one statement selects: outside a transaction it is one."""
        return self.execute(text, values).fetchall()

    def execute_each(self, text: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each of `rows`."""
        if self._begins_next:
            self._begins_next = False
            self._begin("BEGIN")
        try:
            self._connection.cursor().executemany(text, rows)
        except _LOST as error:
            raise self._unavailable(error) from error

    def end(self, is_success: bool) -> None:
        """Commit the transaction, or undo it."""
        self._begins_next = False
        if not self._has_begun:
            return
        self._has_begun = False
        try:
            if is_success:
                self._connection.commit()
            elif not self.is_lost:
                # Where the connection is lost, the server has undone everything.
                self._connection.rollback()
        except _LOST as error:
            raise self._unavailable(error) from error

    def number_on(self, table: Table) -> None:
        """Let the numbers go on after the greatest there is; what was written is committed."""
        for setting in _numbering(table):
            self.execute(setting, {})

    def close(self) -> None:
        """Close the connection."""
        if self._connection.open:
            self._connection.close()

    def _begin(self, text: str) -> _ListCursor:
        cursor = self.execute(text, {})
        self._now_begun()
        return cursor

    def _now_begun(self) -> None:
        self._has_begun, self._begins_next = True, False

    def _unavailable(self, error: pymysql.err.Error) -> DatabaseUnavailable:
        # After it was told to wait no longer, the rest of the transaction is still there.
        self._connection._force_close()  # type: ignore[attr-defined]
        return DatabaseUnavailable(self._told, _told(error))


class MariadbServer:
    """A MariaDB server.

    Args:
        url: of it; its user may create databases.
    """

    dialect = MARIADB

    def __init__(self, url: URL) -> None:
        self.names = SpaceNames()
        self.connections = Connections(
            lambda home: MariadbSession(self._connect(home.space, home.told), home.told)
        )
        self._url = url
        self._lock = threading.Lock()
        self._own: pymysql.Connection[Any] | None = None
        self._definitions: dict[Schema, Sequence[str]] = {}
        self.lasting_space = url.database

    def now(self) -> float:
        """Return the time by the server's clock, in seconds since the epoch."""
        ((seconds,),) = self._do("SELECT UNIX_TIMESTAMP()")
        return float(seconds)

    def unused_spaces(self) -> Sequence[str]:
        """Return the names of all databases that are of no process which is connected."""
        return [name for (name,) in self._do(_UNUSED)]

    def create(self, space: str, schema: Schema) -> None:
        """Create a database with tables and their first rows."""
        self._do(f"CREATE DATABASE {_quoted(space)}")
        self.define(space, schema)

    def define(self, space: str, schema: Schema) -> None:
        """Make the tables of a database that has none, with their first rows; one round trip."""
        known = self._definitions.get(schema)
        if known is None:
            known = self._definitions[schema] = list(schema.definitions(MARIADB.compiler))
        self._change(space, schema, before=known)

    def empty(self, space: str, schema: Schema) -> None:
        """Let a database have the first rows only, and number all others from there."""
        deletes, numbers = _emptying(schema)
        self._change(space, schema, deletes, after=numbers)

    def _change(
        self,
        space: str,
        schema: Schema,
        deletes: Sequence[str] = (),
        before: Sequence[str] = (),
        after: Sequence[str] = (),
    ) -> None:
        """Delete rows of a database and write the first ones, in one transaction and round trip.

        Args:
            before: texts that cannot be undone, and what comes `after`.
        """
        with self._lock:
            try:
                cursor = self._owned().cursor()
                first = [cursor.mogrify(text, row) for text, row in first_rows(schema, MARIADB)]
                rows = ["BEGIN", *deletes, *first, "COMMIT"]
                cursor.execute(";".join([f"USE {_quoted(space)}", *before, *rows, *after]))
                while cursor.nextset():
                    pass
            except pymysql.err.Error as error:
                self._let_go()
                raise UnusableDatabase(space, _told(error)) from error

    def tables(self, space: str) -> Sequence[str]:
        """Return the names of the tables of a database."""
        self._connect(space, space).close()
        return [name for (name,) in self._do(_TABLES, space)]

    def engine(self, space: str) -> Engine:
        """Return SQLAlchemy's way to a database."""
        engine = create_engine(self._url.set(drivername="mariadb+pymysql", database=space))
        engine.dialect.ddl_compiler = _Definitions
        engine.dialect.type_compiler_instance = _Types(engine.dialect)
        return engine

    def drop(self, space: str) -> None:
        """Drop a database with all that it has."""
        self._do(f"DROP DATABASE IF EXISTS {_quoted(space)}")

    def close(self) -> None:
        """Close all connections that are not in use."""
        self.connections.close_idle()
        self._let_go()

    def _let_go(self) -> None:
        if self._own is not None and self._own.open:
            self._own.close()
        self._own = None

    def _owned(self) -> pymysql.Connection[Any]:
        """Return the connection that makes and drops databases; with it this process is present."""
        if self._own is None or not _answers(self._own):
            self._own = self._connect(None, str(self._url.host))
            self._own.cursor().execute(_PRESENT.format(self.names.process))
        return self._own

    def _do(self, text: str, *values: str) -> list[Row]:
        with self._lock:
            try:
                cursor = self._owned().cursor()
                cursor.execute(text, values or None)
            except pymysql.err.Error as error:
                self._let_go()
                raise UnusableDatabase(self._url.host, _told(error)) from error
            return list(cursor.fetchall())

    def _connect(self, space: str | None, told: str) -> pymysql.Connection[Any]:
        url = self._url
        host = url.host or _LOOPBACK[0]
        try:
            return pymysql.connect(
                host=host,
                port=url.port or 3306,
                user=url.username,
                password=url.password or "",
                database=space,
                charset="utf8mb4",
                autocommit=True,
                init_command=_SETTINGS,
                connect_timeout=_CONNECT_SECONDS,
                # A row that was like this already counts as changed, as it does elsewhere.
                client_flag=CLIENT.FOUND_ROWS | CLIENT.MULTI_STATEMENTS,
                conv=cast(Any, _CONVERSIONS),
                cursorclass=_ListCursor,
                # To get ready for TLS takes longer than all the rest, and serves nobody here.
                ssl_disabled=host in _LOOPBACK,
                **cast(Mapping[str, Any], url.query),
            )
        except _LOST as error:
            raise DatabaseUnavailable(told, _told(error)) from error


@cache
def _emptying(schema: Schema) -> tuple[Sequence[str], Sequence[str]]:
    """Return what deletes all rows, and what lets numbers go on; made once, it takes long."""
    tables = [VERSION_TABLE, *schema.tables]
    deletes = [str(delete(table).compile(dialect=MARIADB.compiler)) for table in tables[::-1]]
    return deletes, [setting for table in tables for setting in _numbering(table)]


def _numbering(table: Table) -> list[str]:
    """Return what lets a table's numbers go on after its greatest one; nothing, or one text."""
    if table.autoincrement_column is None:
        return []
    return [f"ALTER TABLE {_quoted(table.name)} AUTO_INCREMENT = 1"]


def _answers(connection: pymysql.Connection[Any]) -> bool:
    """Whether a connection is not lost: the server may have been started again."""
    try:
        connection.ping(reconnect=False)
    except pymysql.err.Error:
        return False
    return True


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _told(error: pymysql.err.Error) -> str:
    return " ".join(str(error.args[-1]).split())
