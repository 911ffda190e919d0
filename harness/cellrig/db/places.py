"""Where the databases of a rig are, and where one that lasts is: what a user writes as a URL."""

from __future__ import annotations

import secrets
import shutil
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from cellrig.db.connections import Home
from cellrig.db.names import left_over
from cellrig.db.schema import Schema
from cellrig.db.server import LastingOnServer, OwnOnServer, Server
from cellrig.db.shares import SHARES
from cellrig.db.sqlite import InFile, InMemory
from cellrig.db.stock import Stock
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
        url: where.
        stock: has databases of rigs that have ended, and takes those of this one.
    """

    def __init__(self, url: URL, stock: Stock | None = None) -> None:
        server, give_back = taken_server(url)
        try:
            now = server.now()
            for name in left_over(server.unused_spaces(), now):
                server.drop(name)
        except BaseException:
            give_back()
            raise
        self._server = server
        self._now = now
        self._stock = stock
        self._made: dict[str, Schema] = {}
        # Also where nobody stops the rig: at the end of the process at the latest.
        self._end = weakref.finalize(self, _end, server, self._made, stock, give_back)

    def storage(self, name: str, schema: Schema) -> OwnOnServer:
        """Return where the database is that the rig calls `name`."""
        space = None if self._stock is None else self._stock.take(schema)
        is_new = space is None
        if space is None:
            space = self._server.names.name(name, self._now)
        self._made[space] = schema
        return OwnOnServer(self._server, Home(space, name, schema), is_new)

    def close(self) -> None:
        """Drop all databases, or leave them to the stock."""
        self._end()


def _end(
    server: Server, made: Mapping[str, Schema], stock: Stock | None, give_back: Callable[[], None]
) -> None:
    try:
        for space, schema in made.items():
            if stock is None or not stock.put(space, schema):
                server.drop(space)
    finally:
        give_back()


@contextmanager
def handing_on(database: str | None) -> Iterator[None]:
    """Let all rigs of this process that start in the block hand on their databases on a server.

    That is quicker than to make tables for each: what a rig leaves is emptied for the next one.
    In the end all are dropped. In memory and in files there is nothing to be gained.

    Args:
        database: as in `place_of`.
    """
    url = None if database is None else server_url(database)
    if url is None or url in _STOCKS:
        yield
        return
    stock = _STOCKS[url] = Stock(lambda: taken_server(url))
    try:
        yield
    finally:
        del _STOCKS[url]
        stock.close()


_STOCKS: dict[URL, Stock] = {}


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
    url = server_url(database)
    if url is None:
        return Files(directory_of(database))
    return OnServer(url, _STOCKS.get(url))


def lasting(database: str, schema: Schema) -> LastingStorage:
    """Return where a database is that stays; the arguments and errors are those of `place_of`.

    On a server it is the one that the URL names.
    """
    url = server_url(database)
    if url is None:
        return Directory(directory_of(database)).storage(schema.kind)
    server, give_back = taken_server(url)
    if url.database is None or server.lasting_space is None:
        give_back()
        raise Invalid(f"{url.render_as_string()} names no database: {_TAKEN}")
    return LastingOnServer(server, server.lasting_space, schema, give_back)


def directory_of(database: str) -> Path:
    """Return the directory that is named; raises `Invalid` where it is none."""
    path = database.removeprefix("sqlite:///")
    if not path:
        raise Invalid(f"database {database!r} names no directory: {_TAKEN}")
    return Path(path)


def server_url(database: str) -> URL | None:
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


def taken_server(url: URL) -> tuple[Server, Callable[[], None]]:
    """Return the server of a URL as this process uses it, and what gives it back."""
    return SHARES.take(url, _SERVERS[url.drivername])


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
