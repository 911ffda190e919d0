"""Where the databases of a rig are, and where one that lasts is: what a user writes as a URL."""

from __future__ import annotations

import secrets
import shutil
import weakref
from importlib import import_module
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from cellrig.db.names import RigNames, left_over
from cellrig.db.schema import Schema
from cellrig.db.server import LastingOnServer, OwnOnServer, Server
from cellrig.db.sqlite import InFile, InMemory
from cellrig.db.storage import LastingStorage, Storage, UnusableDatabase
from cellrig.errors import ExtraMissing, Invalid

_TAKEN = (
    "a database is a directory, sqlite:///DIRECTORY, postgresql://USER@HOST/DATABASE or "
    "mariadb://USER@HOST/DATABASE"
)


class Place(Protocol):
    """Where all databases of one rig are."""

    def storage(self, name: str, schema: Schema, /) -> Storage:
        """Return where the database is that the rig calls `name`."""

    def close(self) -> None:
        """Take all databases away; they are closed."""


class Memory:
    """Databases that go with their connections."""

    def storage(self, _name: str, _schema: Schema) -> InMemory:
        """Return where any database is."""
        return InMemory()

    def close(self) -> None:
        """Do nothing."""


class Directory:
    """A directory that has one file for each database.

    Args:
        path: is made where it is missing.

    Raises:
        UnusableDatabase: it cannot be made, or is no directory.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise UnusableDatabase(path, "it is a file, and a directory is needed") from error
        except OSError as error:
            raise UnusableDatabase(path, error.strerror or error) from error
        self._path = path

    def storage(self, name: str) -> InFile:
        """Return where the database called `name` is."""
        return InFile(self._path / f"{name}.sqlite")


class Files:
    """SQLite files of one rig, in a directory of their own that goes with it.

    Args:
        path: the directory to make that directory in.
    """

    def __init__(self, path: Path) -> None:
        own = path / f"cellrig-{secrets.token_hex(8)}"
        self._directory = Directory(own)
        self._remove = weakref.finalize(self, shutil.rmtree, own, ignore_errors=True)

    def storage(self, name: str, _schema: Schema) -> InFile:
        """Return where the database is that the rig calls `name`."""
        return self._directory.storage(name)

    def close(self) -> None:
        """Remove the directory."""
        self._remove()


class OnServer:
    """Databases of one rig on a server, each under a name that nobody else has.

    What rigs have left there whose process was killed is dropped a day later.

    Args:
        server: where.
    """

    def __init__(self, server: Server) -> None:
        now = server.now()
        for name in left_over(server.unused_spaces(), now):
            server.drop(name)
        self._server = server
        self._names = RigNames(now)
        self._made: list[str] = []
        # Also where nobody stops the rig: at the end of the process at the latest.
        self._drop = weakref.finalize(self, _drop, server, self._made)

    def storage(self, name: str, schema: Schema) -> OwnOnServer:
        """Return where the database is that the rig calls `name`."""
        space = self._names.name(name)
        self._made.append(space)
        return OwnOnServer(self._server, space, name, schema)

    def close(self) -> None:
        """Drop all databases."""
        self._drop()


def _drop(server: Server, spaces: list[str]) -> None:
    try:
        for space in spaces:
            server.drop(space)
    finally:
        server.close()


def place_of(database: str | None) -> Place:
    """Return where the databases of a new rig are.

    Args:
        database: a URL or a directory; None for memory.

    Raises:
        Invalid: it is none.
        ExtraMissing: the driver of the database is not installed.
        UnusableDatabase, DatabaseUnavailable: it cannot be used.
    """
    if database is None:
        return Memory()
    url = _url(database)
    if url is None:
        return Files(_path(database))
    return OnServer(_server(url))


def lasting(database: str, schema: Schema) -> LastingStorage:
    """Return where a database is that stays; the arguments and errors are those of `place_of`.

    On a server it is the one that the URL names.
    """
    url = _url(database)
    if url is None:
        return Directory(_path(database)).storage(schema.kind)
    server = _server(url)
    if url.database is None or server.lasting_space is None:
        raise Invalid(f"{url.render_as_string()} names no database: {_TAKEN}")
    return LastingOnServer(server, server.lasting_space, schema)


def _path(database: str) -> Path:
    path = database.removeprefix("sqlite:///")
    if not path:
        raise Invalid(f"database {database!r} names no directory: {_TAKEN}")
    return Path(path)


def _url(database: str) -> URL | None:
    """Return the URL of a server; None where it is a directory that is named."""
    if "://" not in database or database.startswith("sqlite:///"):
        return None
    scheme = database.partition("://")[0]
    if scheme not in _SERVERS:
        # The rest of the URL may have a password.
        raise Invalid(f"{_TAKEN}, not {scheme.partition(':')[0]}:...")
    try:
        return make_url(database)
    except (ArgumentError, ValueError) as error:
        raise Invalid(f"the database URL {scheme}://... cannot be read: {_TAKEN}") from error


def _server(url: URL) -> Server:
    return _SERVERS[url.drivername](url)


def _postgresql(url: URL) -> Server:
    _need("psycopg", "a database of PostgreSQL", "postgresql")
    from cellrig.db.postgresql import PostgresqlServer

    return PostgresqlServer(url)


def _mariadb(url: URL) -> Server:
    _need("pymysql", "a database of MariaDB", "mariadb")
    from cellrig.db.mariadb import MariadbServer

    return MariadbServer(url)


def _need(package: str, what: str, extra: str) -> None:
    try:
        import_module(package)
    except ImportError as error:
        raise ExtraMissing(what, package, extra) from error


_SERVERS = {"postgresql": _postgresql, "mariadb": _mariadb, "mysql": _mariadb}
