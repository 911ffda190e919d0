"""Placement's tables, and the empty database that every rig starts from.

`inventories.used` is the sum of the allocations of that class. It is kept in the same
transaction as they are, so that a claim costs the same however many consumers a provider has.
"""

from __future__ import annotations

import sqlite3
from functools import cache

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, MetaData, String, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from cellrig.db.database import build_image

metadata = MetaData()

_UUID = String(36)
_NAME = String(255)

resource_providers = Table(
    "resource_providers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uuid", _UUID, nullable=False, unique=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("generation", Integer, nullable=False),
    Column("parent_id", Integer, ForeignKey("resource_providers.id")),
    Column("root_id", Integer, nullable=False),
    Index("resource_providers_by_parent", "parent_id"),
    Index("resource_providers_by_root", "root_id"),
)

inventories = Table(
    "inventories",
    metadata,
    Column("provider_id", Integer, ForeignKey("resource_providers.id"), primary_key=True),
    Column("resource_class", _NAME, primary_key=True),
    Column("total", Integer, nullable=False),
    Column("reserved", Integer, nullable=False),
    Column("min_unit", Integer, nullable=False),
    Column("max_unit", Integer, nullable=False),
    Column("step_size", Integer, nullable=False),
    Column("allocation_ratio", Float, nullable=False),
    Column("used", Integer, nullable=False),
    sqlite_with_rowid=False,
)

provider_traits = Table(
    "provider_traits",
    metadata,
    Column("provider_id", Integer, ForeignKey("resource_providers.id"), primary_key=True),
    Column("trait", _NAME, primary_key=True),
    Index("provider_traits_by_trait", "trait"),
    sqlite_with_rowid=False,
)

provider_aggregates = Table(
    "provider_aggregates",
    metadata,
    Column("provider_id", Integer, ForeignKey("resource_providers.id"), primary_key=True),
    Column("aggregate_uuid", _UUID, primary_key=True),
    sqlite_with_rowid=False,
)

consumers = Table(
    "consumers",
    metadata,
    Column("uuid", _UUID, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("project_id", _NAME, nullable=False),
    Column("user_id", _NAME, nullable=False),
    Column("consumer_type", _NAME),
    Index("consumers_by_project", "project_id", "user_id"),
    sqlite_with_rowid=False,
)

allocations = Table(
    "allocations",
    metadata,
    Column("consumer_uuid", _UUID, ForeignKey("consumers.uuid"), primary_key=True),
    Column("provider_id", Integer, ForeignKey("resource_providers.id"), primary_key=True),
    Column("resource_class", _NAME, primary_key=True),
    Column("amount", Integer, nullable=False),
    Index("allocations_by_provider", "provider_id"),
    sqlite_with_rowid=False,
)

custom_resource_classes = Table(
    "custom_resource_classes",
    metadata,
    Column("name", _NAME, primary_key=True),
    sqlite_with_rowid=False,
)

custom_traits = Table(
    "custom_traits",
    metadata,
    Column("name", _NAME, primary_key=True),
    sqlite_with_rowid=False,
)

#: The change log: which trees were changed, in order. See `cellrig.placement.changes`.
changes = Table(
    "changes",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("token", String(16), nullable=False),
    Column("root_id", Integer, nullable=False),
)


@cache
def placement_image() -> bytes:
    """Return the empty placement database, serialized: the tables and the change numbered 0."""

    def create(connection: sqlite3.Connection) -> None:
        dialect = sqlite.dialect()
        for table in metadata.sorted_tables:
            connection.execute(str(CreateTable(table).compile(dialect=dialect)))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
        connection.execute("INSERT INTO changes (number, token, root_id) VALUES (0, '', 0)")

    return build_image(create)
