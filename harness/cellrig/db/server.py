"""Databases on a server: made for a rig and dropped with it, or there to stay.

What PostgreSQL and MariaDB have in common; a `Server` says the rest.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Engine

from cellrig.db.connections import Connections, Home
from cellrig.db.images import Stamp, stamp_in
from cellrig.db.names import SpaceNames
from cellrig.db.schema import VERSION_TABLE, Schema
from cellrig.db.statement import Dialect
from cellrig.db.turns import OpenAlone, OpenOnServer


class Server(Protocol):
    """A database server, on which each database has a space of its own.

    A space is what keeps equal names of tables apart: a schema of PostgreSQL, a database of
    MariaDB.
    """

    @property
    def dialect(self) -> Dialect:
        """How it wants its statements."""

    @property
    def connections(self) -> Connections:
        """The connections of this process to it."""

    @property
    def names(self) -> SpaceNames:
        """The names of what this process makes there."""

    @property
    def lasting_space(self) -> str | None:
        """The space that the user has named; None where there is none."""

    def now(self) -> float:
        """Return the time by the server's clock, in seconds since the epoch."""

    def unused_spaces(self) -> Sequence[str]:
        """Return the names of all spaces that are of no process which is connected."""

    def create(self, space: str, schema: Schema) -> None:
        """Create a space that nobody has, with tables and their first rows."""

    def define(self, space: str, schema: Schema) -> None:
        """Make the tables of a space that has none, with their first rows."""

    def tables(self, space: str) -> Sequence[str]:
        """Return the names of the tables of a space."""

    def engine(self, space: str) -> Engine:
        """Return SQLAlchemy's way to a space."""

    def empty(self, space: str, schema: Schema) -> None:
        """Let a space have the first rows only, as if it had just been created.

        Raises:
            UnusableDatabase: it has not the tables of `schema`.
        """

    def drop(self, space: str) -> None:
        """Drop a space with all that it has; nothing where there is none."""

    def close(self) -> None:
        """Close all connections that are not in use."""


class OwnOnServer:
    """A database of a rig, which drops it.

    Args:
        server: where it is.
        home: which nobody else has.
        is_new: it has still to be made; else it is there, and empty.
    """

    def __init__(self, server: Server, home: Home, is_new: bool) -> None:
        self._server = server
        self._home = home
        self._is_new = is_new

    def open(self, image: bytes) -> OpenOnServer:
        """Make the database where it is not there, with the rows of `image`."""
        server = self._server
        if self._is_new:
            server.create(self._home.space, self._home.schema)
        there = OpenAlone(server.connections, self._home, server.dialect, _nothing)
        return _filled(there, self._home.schema, image)


def _nothing() -> None:
    """Give nothing back: all of that is the rig's."""


class LastingOnServer:
    """A database that stays; its tables may be there already.

    Args:
        server: where it is.
        space: where its tables are, and no others.
        schema: its tables.
        give_back: is called when the server is no longer needed here.
        told: what errors call the database; None for the kind of its schema.
    """

    def __init__(
        self,
        server: Server,
        space: str,
        schema: Schema,
        give_back: Callable[[], None],
        told: str | None = None,
    ) -> None:
        self._server = server
        self._home = Home(space, told or schema.kind, schema)
        self._give_back = give_back

    def open(self, image: bytes) -> OpenOnServer:
        """Open the database, which is filled with `image` where it has no tables.

        Raises:
            UnusableDatabase: its tables are not those of `image`.
            DatabaseUnavailable: the server cannot be reached, or has no such database.
        """
        try:
            return self._opened(image)
        except BaseException:
            self._give_back()
            raise

    def _opened(self, image: bytes) -> OpenOnServer:
        server, (space, told, schema) = self._server, self._home
        there = OpenOnServer(server.connections, self._home, server.dialect, self._give_back)
        tables = server.tables(space)
        if not tables:
            server.define(space, schema)
            return _filled(there, schema, image)
        stamp = Stamp.saying(there.version() if VERSION_TABLE.name in tables else None)
        stamp.check(stamp_in(image), told)
        return there

    def engine(self) -> Engine:
        """Return SQLAlchemy's way to the database."""
        self._give_back()  # an engine has connections of its own
        return self._server.engine(self._home.space)


def _filled(there: OpenOnServer, schema: Schema, image: bytes) -> OpenOnServer:
    if image != schema.image:
        there.load(image)
    return there


def has_news(connection: int) -> bool:
    """Whether a server has something to say on a connection that asks nothing: mostly that it ends.

    Args:
        connection: the number of its file.
    """
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    return bool(waiting.poll(0))


def first_rows(schema: Schema, dialect: Dialect) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return what is written into an empty database: texts with their parameters."""
    for statement, rows in schema.first_rows():
        for row in rows:
            yield statement.bind(dialect, row)
