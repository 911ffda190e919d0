"""Databases on a server: made for a rig and dropped with it, or there to stay.

What PostgreSQL and MariaDB have in common; a `Server` says the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Engine

from cellrig.db.images import Stamp, stamp_in
from cellrig.db.schema import VERSION_TABLE, Schema
from cellrig.db.statement import Dialect
from cellrig.db.turns import OpenOnServer, ServerSession


class Server(Protocol):
    """A database server, on which each database has a space of its own.

    A space is what keeps equal names of tables apart: a schema of PostgreSQL, a database of
    MariaDB.
    """

    @property
    def dialect(self) -> Dialect:
        """How it wants its statements."""

    @property
    def lasting_space(self) -> str | None:
        """The space that the user has named; None where there is none."""

    def connect(self, space: str, told: str) -> ServerSession:
        """Return a connection to a space.

        Args:
            told: what errors call the database.

        Raises:
            DatabaseUnavailable: the server cannot be reached, or refuses.
        """

    def now(self) -> float:
        """Return the time by the server's clock, in seconds since the epoch."""

    def unused_spaces(self) -> Sequence[str]:
        """Return the names of all spaces to which nobody is connected."""

    def create(self, space: str, schema: Schema) -> None:
        """Create a space that nobody has, with tables and their first rows."""

    def define(self, space: str, schema: Schema) -> None:
        """Make the tables of a space that has none, with their first rows."""

    def tables(self, space: str) -> Sequence[str]:
        """Return the names of the tables of a space."""

    def engine(self, space: str) -> Engine:
        """Return SQLAlchemy's way to a space."""

    def drop(self, space: str) -> None:
        """Drop a space with all that it has; nothing where there is none."""

    def close(self) -> None:
        """Close the connection that all of this needs."""


class OwnOnServer:
    """A database that is made when it is opened; its rig drops it.

    Args:
        server: where it is.
        space: which nobody else has.
        told: what errors call the database.
        schema: its tables.
    """

    def __init__(self, server: Server, space: str, told: str, schema: Schema) -> None:
        self._server = server
        self._space = space
        self._told = told
        self._schema = schema

    def open(self, image: bytes) -> OpenOnServer:
        """Create the database, with the rows of `image`."""
        self._server.create(self._space, self._schema)
        there = _opened(self._server, self._space, self._told, self._schema)
        return _filled(there, self._schema, image)


class LastingOnServer:
    """A database that stays; its tables may be there already.

    Args:
        server: where it is.
        space: where its tables are, and no others.
        schema: its tables.
    """

    def __init__(self, server: Server, space: str, schema: Schema) -> None:
        self._server = server
        self._space = space
        self._schema = schema

    def open(self, image: bytes) -> OpenOnServer:
        """Open the database, which is filled with `image` where it has no tables.

        Raises:
            UnusableDatabase: its tables are not those of `image`.
            DatabaseUnavailable: the server cannot be reached, or has no such database.
        """
        try:
            tables = self._server.tables(self._space)
            if not tables:
                self._server.define(self._space, self._schema)
        finally:
            self._server.close()
        there = _opened(self._server, self._space, self._schema.kind, self._schema)
        if not tables:
            return _filled(there, self._schema, image)
        try:
            stamp = Stamp.saying(there.version() if VERSION_TABLE.name in tables else None)
            stamp.check(stamp_in(image), self._schema.kind)
        except BaseException:
            there.close()
            raise
        return there

    def engine(self) -> Engine:
        """Return SQLAlchemy's way to the database."""
        return self._server.engine(self._space)


def _opened(server: Server, space: str, told: str, schema: Schema) -> OpenOnServer:
    return OpenOnServer(lambda: server.connect(space, told), server.dialect, schema)


def _filled(there: OpenOnServer, schema: Schema, image: bytes) -> OpenOnServer:
    if image != schema.image:
        there.load(image)
    return there


def first_rows(schema: Schema, dialect: Dialect) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return what is written into an empty database: texts with their parameters."""
    for statement, rows in schema.first_rows():
        for row in rows:
            yield statement.bind(dialect, row)
