"""``cellrig upgrade``: everything that is kept in a place gets the tables of this Cellrig."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from cellrig.db.lasting import lasting_place
from cellrig.db.upgrade import upgrade_database
from cellrig.lasting.upgrading import upgrade_cloud
from cellrig.placement.tables import PLACEMENT_SCHEMA


def upgrade_all(database: str) -> Iterator[str]:
    """Upgrade a cloud, or what placement alone has kept; say what has been done.

    Args:
        database: a directory or a URL, as ``cellrig serve --database`` takes it.

    Returns:
        A line for each database.

    Raises:
        UnusableDatabase: as `cellrig.db.upgrade.upgrade_database`.
        Invalid, ExtraMissing: as `cellrig.db.places.place_of`.
    """
    is_cloud = False
    with closing(lasting_place(database)) as place:
        for each in upgrade_cloud(place):
            is_cloud = True
            yield f"{each.name}: {_told(each.before, each.after)}"
    if not is_cloud:
        before = upgrade_database(database, PLACEMENT_SCHEMA)
        yield _told(before, PLACEMENT_SCHEMA.version)


def _told(before: str, after: str) -> str:
    return f"the tables are of version {after}, " + (
        "as they were" if before == after else f"from {before}"
    )
