"""Images: whole SQLite databases as bytes, stamped with whose they are and with what tables."""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Callable
from typing import NamedTuple

from cellrig.db.storage import UnusableDatabase

#: Says in a file's header that the database is Cellrig's ("CRig").
APPLICATION_ID = 0x43526967

_VERSION = re.compile(r"[a-z]+_\d+")
_JOURNAL_VERSIONS = (18, 20)
_ROLLBACK = b"\x01\x01"


class Stamp(NamedTuple):
    """What a database says about itself.

    Args:
        is_ours: Cellrig has made it.
        version: of its tables: the Alembic revision. None where it does not say.
    """

    is_ours: bool
    version: str | None

    @classmethod
    def saying(cls, version: str | None) -> Stamp:
        """Return the stamp of a database that has nothing else to be known by."""
        return cls(_VERSION.fullmatch(version or "") is not None, version)

    def check(self, needed: Stamp, place: object) -> None:
        """Raise `UnusableDatabase` where the database at `place` has not the tables needed."""
        if self.is_older(needed, place):
            raise UnusableDatabase(
                place,
                f"its tables are of version {self.version}, and this Cellrig needs "
                f"{needed.version}: cellrig upgrade brings it there",
            )

    def is_older(self, needed: Stamp, place: object) -> bool:
        """Whether the database at `place` must be upgraded to have the tables needed.

        Raises:
            UnusableDatabase: it can not: it is of another kind, or of a newer Cellrig.
        """
        if not self.is_ours:
            raise UnusableDatabase(place, "it is not one that Cellrig has made")
        (have, number), (want, wanted) = _parts(self.version), _parts(needed.version)
        if have != want:
            raise UnusableDatabase(place, f"it is that of another service: {have}")
        if number > wanted:
            raise UnusableDatabase(
                place,
                f"its tables are of version {self.version}, and this Cellrig knows "
                f"{needed.version} at most: use a newer one",
            )
        return number < wanted


def _parts(version: str | None) -> tuple[str, int]:
    kind, _underscore, number = str(version).rpartition("_")
    return kind, int(number)


def build_image(create: Callable[[sqlite3.Connection], None]) -> bytes:
    """Return a serialized database that `create` has filled."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        create(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA schema_version = {_cookie_of(connection)}")
        return connection.serialize()
    finally:
        connection.close()


def _cookie_of(connection: sqlite3.Connection) -> int:
    """Return a number that differs where tables do, or where in the image they begin.

    By it SQLite knows whether what it has prepared for one image fits the one that takes its place.
    Its own number only counts the definitions, and is the same for tables in another order.
    """
    places = connection.execute("SELECT rootpage, sql FROM sqlite_master ORDER BY rootpage, name")
    return zlib.crc32(repr(places.fetchall()).encode()) >> 2


def image_of(connection: sqlite3.Connection) -> bytes:
    """Return the image of a database, wherever it is.

    A file says in its header that it has a write-ahead log. An image has none, and with those
    words SQLite would not open it.
    """
    image = connection.serialize()
    start, end = _JOURNAL_VERSIONS
    if image[start:end] == _ROLLBACK:
        return image
    return image[:start] + _ROLLBACK + image[end:]


def opened(image: bytes) -> sqlite3.Connection:
    """Return a connection to a copy of `image`, which is to be closed."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.deserialize(image)
    except BaseException:
        connection.close()
        raise
    return connection


def fill(connection: sqlite3.Connection, image: bytes) -> None:
    """Replace all that a database in a file has by `image`, in one transaction."""
    source = opened(image)
    try:
        source.backup(connection)
    finally:
        source.close()


def stamp_of(connection: sqlite3.Connection) -> Stamp:
    """Return the stamp of a database."""
    ((application,),) = connection.execute("PRAGMA application_id")
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:  # there is no such table
        row = None
    version = None if row is None else row[0]
    return Stamp(application == APPLICATION_ID and Stamp.saying(version).is_ours, version)


def stamp_in(image: bytes) -> Stamp:
    """Return the stamp of the database that `image` is."""
    connection = opened(image)
    try:
        return stamp_of(connection)
    finally:
        connection.close()


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether a database has no tables: it has never been filled."""
    ((count,),) = connection.execute("SELECT count(*) FROM sqlite_master")
    return not count
