"""MariaDB, by PyMySQL."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pymysql
from pymysql.constants import CLIENT, FIELD_TYPE
from pymysql.converters import conversions
from sqlalchemy import Engine, Table, create_engine
from sqlalchemy.dialects.mysql.base import MySQLDDLCompiler, MySQLTypeCompiler
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.engine import URL

from cellrig.db.schema import VERSION_TABLE, Schema
from cellrig.db.server import first_rows
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

# The first statement begins the transaction. This one locks the one row that every transaction
# which may write begins with; what is read after it is what the one before has left.
_BEGIN = f"SELECT version_num FROM {VERSION_TABLE.name} FOR UPDATE"  # noqa: S608
_BEGIN_READING = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
_UNUSED = (
    "SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN "
    "(SELECT db FROM information_schema.processlist WHERE db IS NOT NULL)"
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
        connection: which commits nothing of its own.
        told: what errors call the database.
    """

    refused = pymysql.err.IntegrityError

    def __init__(self, connection: pymysql.Connection[Any], told: str) -> None:
        self._connection = connection
        self._told = told

    @property
    def is_lost(self) -> bool:
        """Whether it can never be used again."""
        return not self._connection.open

    def begin(self) -> None:
        """Wait for the turn of this transaction among all processes; begin it."""
        self.execute(_BEGIN, {})

    def begin_reading(self) -> None:
        """Begin a transaction that only reads."""
        self.execute(_BEGIN_READING, {})

    def begin_writing(self) -> None:
        """Do nothing: the transaction has its turn."""

    def execute(self, text: str, values: Mapping[str, Any]) -> _ListCursor:
        """Run a statement."""
        cursor = cast(_ListCursor, self._connection.cursor())
        try:
            cursor.execute(text, values)
        except _LOST as error:
            raise self._unavailable(error) from error
        return cursor

    def execute_each(self, text: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each of `rows`."""
        try:
            self._connection.cursor().executemany(text, rows)
        except _LOST as error:
            raise self._unavailable(error) from error

    def end(self, is_success: bool) -> None:
        """Commit the transaction, or undo it."""
        try:
            if is_success:
                self._connection.commit()
            elif not self.is_lost:
                # Where the connection is lost, the server has undone everything.
                self._connection.rollback()
        except _LOST as error:
            raise self._unavailable(error) from error

    def number_on(self, table: Table) -> None:
        """Do nothing: it goes on after the greatest number that was ever written."""

    def close(self) -> None:
        """Close the connection."""
        if self._connection.open:
            self._connection.close()

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
        self._url = url
        self._lock = threading.Lock()
        self._own: pymysql.Connection[Any] | None = None
        self.lasting_space = url.database

    def connect(self, space: str, told: str) -> MariadbSession:
        """Return a connection to a database."""
        return MariadbSession(self._connect(space, told), told)

    def now(self) -> float:
        """Return the time by the server's clock, in seconds since the epoch."""
        ((seconds,),) = self._do("SELECT UNIX_TIMESTAMP()")
        return float(seconds)

    def unused_spaces(self) -> Sequence[str]:
        """Return the names of all databases to which nobody is connected."""
        return [name for (name,) in self._do(_UNUSED)]

    def create(self, space: str, schema: Schema) -> None:
        """Create a database with tables and their first rows."""
        self._do(f"CREATE DATABASE {_quoted(space)}")
        self.define(space, schema)

    def define(self, space: str, schema: Schema) -> None:
        """Make the tables of a database that has none, with their first rows; one round trip."""
        connection = self._connect(space, space, CLIENT.MULTI_STATEMENTS)
        try:
            cursor = connection.cursor()
            texts = list(schema.definitions(MARIADB.compiler))
            texts += [cursor.mogrify(text, values) for text, values in first_rows(schema, MARIADB)]
            cursor.execute(";".join([*texts, "COMMIT"]))
            while cursor.nextset():
                pass
        except pymysql.err.Error as error:
            raise UnusableDatabase(space, _told(error)) from error
        finally:
            connection.close()

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
        """Close the connection that all of this needs."""
        if self._own is not None and self._own.open:
            self._own.close()

    def _do(self, text: str, *values: str) -> list[Row]:
        with self._lock:
            if self._own is None or not self._own.open:
                self._own = self._connect(None, str(self._url.host))
            cursor = self._own.cursor()
            try:
                cursor.execute(text, values or None)
            except pymysql.err.Error as error:
                raise UnusableDatabase(self._url.host, _told(error)) from error
            return list(cursor.fetchall())

    def _connect(self, space: str | None, told: str, flags: int = 0) -> pymysql.Connection[Any]:
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
                autocommit=False,
                init_command=_SETTINGS,
                connect_timeout=_CONNECT_SECONDS,
                # A row that was like this already counts as changed, as it does elsewhere.
                client_flag=CLIENT.FOUND_ROWS | flags,
                conv=cast(Any, _CONVERSIONS),
                cursorclass=_ListCursor,
                # To get ready for TLS takes longer than all the rest, and serves nobody here.
                ssl_disabled=host in _LOOPBACK,
                **cast(Mapping[str, Any], url.query),
            )
        except _LOST as error:
            raise DatabaseUnavailable(told, _told(error)) from error


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _told(error: pymysql.err.Error) -> str:
    return " ".join(str(error.args[-1]).split())
