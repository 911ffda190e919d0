"""Where all databases of a cloud are that stays."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Protocol

from sqlalchemy import func, inspect, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from cellrig.db.places import Directory, Place, directory_of, server_url, taken_server
from cellrig.db.schema import Schema
from cellrig.db.server import LastingOnServer
from cellrig.db.storage import LastingStorage, UnusableDatabase
from cellrig.errors import DatabaseUnavailable, Invalid

_DATABASES = "databases"
_DATA = "data"
_LOCK = 1_128_417_640
_YEAR_SECONDS = 31_536_000
_UNFIT = re.compile(r"[^a-z0-9]+")
_MOST = 20


class LastingPlace(Place, Protocol):
    """Where the databases of a cloud are that stays; it belongs to one process at a time."""

    def storage(self, name: str, schema: Schema, /) -> LastingStorage:
        """Return where the database is that the cloud calls `name`."""

    def has(self, name: str, /) -> bool:
        """Whether there is a database that the cloud calls `name`."""

    def remove(self, name: str, /) -> None:
        """Remove a database that nobody has open; none is harmless."""

    def close(self) -> None:
        """Let another process have it; the databases are closed."""


class LastingFiles:
    """SQLite files of one cloud, in a directory of theirs within one.

    Each is locked as long as it is open: that of the rig, which is opened first, tells whether
    another process has the cloud.

    Args:
        path: of the directory, which is made when a database is to be in it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path / _DATABASES

    def storage(self, name: str, _schema: Schema) -> LastingStorage:
        """Return where the database is that the cloud calls `name`."""
        return Directory(self._path).storage(name)

    def has(self, name: str) -> bool:
        """Whether there is a file for `name`."""
        return self._file(name).exists()

    def remove(self, name: str) -> None:
        """Remove a file, with its log."""
        path = self._file(name)
        for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            each.unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._path / f"{name}.sqlite"

    def close(self) -> None:
        """Do nothing: the locks ended with the connections."""


class LastingSpaces:
    """Databases of one cloud on a server: schemas of PostgreSQL, databases of MariaDB.

    A lock of the server keeps other processes away; it ends with its connection. What the cloud
    calls ``cell1`` is the schema ``cloud_cell1`` of the database that the URL names on PostgreSQL,
    and the database ``NAME_cell1`` on MariaDB, where the URL names NAME.

    Args:
        url: of the server, with the name of a database.

    Raises:
        Invalid: no database is named.
        ExtraMissing: the driver of the database is not installed.
        UnusableDatabase: another process has the cloud.
        DatabaseUnavailable: the server cannot be reached.
    """

    def __init__(self, url: URL) -> None:
        name = url.database
        if not name:
            raise Invalid(f"{url.render_as_string()} names no database")
        self._server, self._give_back = taken_server(url)
        self._told = url.render_as_string()
        self._is_postgresql = self._server.dialect.name == "postgresql"
        self._prefix = "cloud" if self._is_postgresql else name
        self._engine = self._server.engine(
            "public" if self._is_postgresql else "information_schema"
        )
        try:
            self._connection = self._engine.connect()
        except DBAPIError as error:
            self._let_go()
            raise DatabaseUnavailable(self._told, " ".join(str(error.orig).split())) from error
        try:
            self._connection.execution_options(isolation_level="AUTOCOMMIT")
            if not self._lock(name):
                raise UnusableDatabase(self._told, "another process has it open")
        except BaseException:
            self._connection.close()
            self._let_go()
            raise

    def _lock(self, name: str) -> bool:
        """Take the lock, unless somebody has it; return whether this place has it."""
        if self._is_postgresql:
            lock = func.pg_try_advisory_lock(_LOCK, 0)
            self._unlock = func.pg_advisory_unlock(_LOCK, 0)
        else:
            # The server ends connections on which nothing is said for some hours.
            self._connection.execute(text(f"SET SESSION wait_timeout = {_YEAR_SECONDS}"))
            lock = func.get_lock(f"cellrig_{_digits(name)}", 0)
            self._unlock = func.release_lock(f"cellrig_{_digits(name)}")
        return bool(self._connection.scalar(select(lock)))

    def storage(self, name: str, schema: Schema) -> LastingStorage:
        """Return where the database is that the cloud calls `name`."""
        space = self._space(name)
        try:
            self._connection.execute(CreateSchema(space, if_not_exists=True))
        except DBAPIError as error:
            raise UnusableDatabase(self._told, " ".join(str(error.orig).split())) from error
        return LastingOnServer(self._server, space, schema, _nothing, name)

    def has(self, name: str) -> bool:
        """Whether there is a database that the cloud calls `name`."""
        return self._space(name) in inspect(self._connection).get_schema_names()

    def remove(self, name: str) -> None:
        """Drop a database that nobody has open."""
        self._server.drop(self._space(name))

    def _space(self, name: str) -> str:
        fit = _UNFIT.sub("_", name.lower())[:_MOST]
        # Two names may look alike then.
        end = "" if fit == name else f"_{_digits(name)[:8]}"
        return f"{self._prefix}_{fit}{end}"

    def close(self) -> None:
        """Let another process have it."""
        try:
            # The end of a connection is noticed a moment later.
            self._connection.scalar(select(self._unlock))
        except DBAPIError:  # the server has been started again: the lock went with the connection
            self._connection.invalidate()
        self._connection.close()
        self._let_go()

    def _let_go(self) -> None:
        self._engine.dispose()
        self._give_back()


def _digits(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _nothing() -> None:
    """Give nothing back: the place has the server."""


class Anew:
    """A place whose databases are made anew, whatever is there.

    Args:
        place: which; nobody has its databases open.
    """

    def __init__(self, place: LastingPlace) -> None:
        self._place = place

    def storage(self, name: str, schema: Schema) -> LastingStorage:
        """Return where the database is that the cloud calls `name`; it is not there."""
        self._place.remove(name)
        return self._place.storage(name, schema)

    def close(self) -> None:
        """Let another process have it."""
        self._place.close()


def lasting_place(database: str) -> LastingPlace:
    """Return where a cloud's databases stay.

    Args:
        database: a directory, also as a URL, or the URL of a database of a server.

    Raises:
        Invalid: it is none.
        ExtraMissing: the driver of the database is not installed.
        UnusableDatabase, DatabaseUnavailable: it cannot be used, or another process has it.
    """
    url = server_url(database)
    return LastingFiles(directory_of(database)) if url is None else LastingSpaces(url)


def directory_beside(database: str) -> Path | None:
    """Return where the files of a cloud can be, beside its databases; None where those are not.

    Args:
        database: as `lasting_place` takes it, which see for what is raised.
    """
    return None if server_url(database) is not None else directory_of(database) / _DATA
