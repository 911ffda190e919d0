"""Images of empty databases: built once in a process, copied for each rig."""

from __future__ import annotations

import sqlite3

from sqlalchemy import MetaData
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from cellrig.db.database import build_image


def empty_image(metadata: MetaData) -> bytes:
    """Return the image of a database with the tables of `metadata` and no rows."""
    dialect = sqlite.dialect()

    def create(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA page_size = 1024")
        for table in metadata.sorted_tables:
            connection.execute(str(CreateTable(table).compile(dialect=dialect)))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(str(CreateIndex(index).compile(dialect=dialect)))

    return build_image(create)
