"""Placement's tables, and the empty database that every rig starts from.

`inventories.used` is the sum of the allocations of that class. It is kept in the same
transaction as they are, so that a claim costs the same however many consumers a provider has.

`updated_at` is when a row was written last, in seconds since the epoch by the rig's clock. That of
a consumer is also that of all its allocations: they are always written together.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, MetaData, String, Table

from cellrig.db.schema import Schema

metadata = MetaData()

_UUID = String(36)
_NAME = String(255)


def _updated_at() -> Column[float]:
    return Column("updated_at", Float(53), nullable=False)


resource_providers = Table(
    "resource_providers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uuid", _UUID, nullable=False, unique=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("generation", Integer, nullable=False),
    Column("parent_id", Integer, ForeignKey("resource_providers.id")),
    Column("root_id", Integer, nullable=False),
    _updated_at(),
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
    Column("allocation_ratio", Float(53), nullable=False),
    Column("used", Integer, nullable=False),
    _updated_at(),
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
    _updated_at(),
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
    _updated_at(),
    sqlite_with_rowid=False,
)

custom_traits = Table(
    "custom_traits",
    metadata,
    Column("name", _NAME, primary_key=True),
    _updated_at(),
    sqlite_with_rowid=False,
)

#: The change log: which trees were changed, in order. See `cellrig.placement.changes`.
changes = Table(
    "changes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("token", String(16), nullable=False),
    Column("root_id", Integer, nullable=False),
)


#: An empty database has the change numbered 0.
PLACEMENT_SCHEMA = Schema(
    "placement", 1, metadata, {changes: [{"number": 0, "token": "", "root_id": 0}]}
)


def placement_image() -> bytes:
    """Return the image of an empty placement database."""
    return PLACEMENT_SCHEMA.image
