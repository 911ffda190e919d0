"""Bringing all databases of a cloud that lasts to the tables that this Cellrig needs."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import select

from cellrig.cloud import database_schemas
from cellrig.db.lasting import LastingPlace
from cellrig.db.upgrade import upgrade_storage
from cellrig.lasting import tables
from cellrig.lasting.cloud import RIG
from cellrig.lasting.tables import RIG_SCHEMA


class Upgraded(msgspec.Struct, frozen=True):
    """What has become of one database.

    Args:
        name: what the cloud calls it.
        before, after: the versions of its tables.
    """

    name: str
    before: str
    after: str


class _Cell(msgspec.Struct):
    name: str


class _Cells(msgspec.Struct):
    """All that must be read of a topology, which may be of another version."""

    cells: list[_Cell]


def upgrade_cloud(place: LastingPlace) -> Iterator[Upgraded]:
    """Upgrade the databases of a cloud, one after the other; none where there is no cloud.

    Args:
        place: where it is; nobody else has it.

    Raises:
        UnusableDatabase: one is in use, is newer or of another kind; those before it are upgraded.
    """
    if not place.has(RIG):
        return
    before = upgrade_storage(place.storage(RIG, RIG_SCHEMA), RIG_SCHEMA)
    yield Upgraded(RIG, before, RIG_SCHEMA.version)
    for name, schema in database_schemas(_cells(place) or ()).items():
        if place.has(name):
            before = upgrade_storage(place.storage(name, schema), schema)
            yield Upgraded(name, before, schema.version)


def _cells(place: LastingPlace) -> list[str]:
    engine = place.storage(RIG, RIG_SCHEMA).engine()
    try:
        with engine.begin() as connection:
            told = connection.scalar(select(tables.topologies.c.topology))
    finally:
        engine.dispose()
    if told is None:
        return []
    return [cell.name for cell in msgspec.json.decode(told, type=_Cells).cells]
