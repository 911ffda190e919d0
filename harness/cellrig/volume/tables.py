"""Block storage's tables, and the empty database that every rig starts from.

A volume's status is not all here: where a volume has attachments, it follows from theirs, and
`volumes.status` is what the volume itself is doing (see `cellrig.volume.status`).
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text

from cellrig.db.schema import Schema

metadata = MetaData()

_UUID = String(36)
_NAME = String(255)
_WORD = String(32)

volume_types = Table(
    "volume_types",
    metadata,
    Column("id", _UUID, primary_key=True),
    Column("name", _NAME, nullable=False, unique=True),
    Column("description", _NAME),
    Column("is_public", Integer, nullable=False),
    Column("extra_specs", Text, nullable=False),
)

#: `number` orders what was made at the same instant.
volumes = Table(
    "volumes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", _UUID, nullable=False, unique=True),
    Column("name", _NAME, nullable=False),
    Column("description", _NAME),
    Column("size", Integer, nullable=False),
    Column("status", _WORD, nullable=False),
    Column("volume_type_id", _UUID, nullable=False),
    Column("multiattach", Integer, nullable=False),
    Column("bootable", Integer, nullable=False),
    Column("read_only", Integer),
    Column("project_id", _NAME, nullable=False),
    Column("user_id", _NAME, nullable=False),
    Column("availability_zone", _NAME, nullable=False),
    Column("backend", _NAME, nullable=False),
    Column("provider_location", Text),
    Column("image_id", _UUID),
    Column("snapshot_id", _UUID),
    Column("source_volume_id", _UUID),
    Column("image_metadata", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("migration_status", _NAME),
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
    Index("volumes_by_project", "project_id"),
    Index("volumes_by_backend", "backend"),
    Index("volumes_by_type", "volume_type_id"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", _UUID, nullable=False, unique=True),
    Column("volume_id", _UUID, nullable=False),
    Column("name", _NAME, nullable=False),
    Column("description", _NAME),
    Column("status", _WORD, nullable=False),
    Column("size", Integer, nullable=False),
    Column("project_id", _NAME, nullable=False),
    Column("user_id", _NAME, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("provider_location", Text),
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
    Index("snapshots_by_volume", "volume_id"),
    Index("snapshots_by_project", "project_id"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", _UUID, nullable=False, unique=True),
    Column("volume_id", _UUID, nullable=False),
    Column("instance_uuid", _UUID),
    Column("project_id", _NAME, nullable=False),
    Column("status", _WORD, nullable=False),
    Column("mode", String(2), nullable=False),
    Column("connector", Text),
    Column("connection_info", Text, nullable=False),
    Column("mountpoint", _NAME),
    Column("attached_at", Float(53)),
    Column("created_at", Float(53), nullable=False),
    Index("attachments_by_volume", "volume_id"),
    Index("attachments_by_instance", "instance_uuid"),
    Index("attachments_by_project", "project_id"),
)

#: The projects that may use a type that is not public.
type_access = Table(
    "volume_type_access",
    metadata,
    Column("volume_type_id", _UUID, primary_key=True),
    Column("project_id", _NAME, primary_key=True),
)

#: The types that projects have by default, where they have one of their own.
default_types = Table(
    "default_types",
    metadata,
    Column("project_id", _NAME, primary_key=True),
    Column("volume_type_id", _UUID, nullable=False),
)

#: Limits of projects and of the class that the others have; the rest have the field's defaults.
quotas = Table(
    "quotas",
    metadata,
    Column("project_id", _NAME, primary_key=True),
    Column("resource", _NAME, primary_key=True),
    Column("hard_limit", Integer, nullable=False),
)
quota_classes = Table(
    "quota_classes",
    metadata,
    Column("class_name", _NAME, primary_key=True),
    Column("resource", _NAME, primary_key=True),
    Column("hard_limit", Integer, nullable=False),
)

#: Volumes that wait for another project; of the key only a digest is kept.
transfers = Table(
    "transfers",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", _UUID, nullable=False, unique=True),
    Column("name", _NAME, nullable=False),
    Column("volume_id", _UUID, nullable=False, unique=True),
    Column("project_id", _NAME, nullable=False),
    Column("key_digest", String(64), nullable=False),
    Column("without_snapshots", Integer, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Index("transfers_by_project", "project_id"),
)

#: What administrators have said of services; one of which nothing was said is enabled.
services = Table(
    "services",
    metadata,
    Column("host", _NAME, primary_key=True),
    Column("binary_name", _NAME, primary_key=True),
    Column("disabled", Integer, nullable=False),
    Column("disabled_reason", _NAME),
    Column("frozen", Integer, nullable=False),
    Column("updated_at", Float(53), nullable=False),
)

VOLUMES_SCHEMA = Schema("volumes", 1, metadata)


def volume_database() -> bytes:
    """Return the image of an empty block storage's database."""
    return VOLUMES_SCHEMA.image
