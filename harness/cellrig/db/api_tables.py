"""The tables of the API database."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text

from cellrig.db.schema import empty_image

metadata = MetaData()

cell_mappings = Table(
    "cell_mappings",
    metadata,
    Column("uuid", String(36), nullable=False, unique=True),
    Column("name", String(255), primary_key=True),
    Column("disabled", Integer, nullable=False),
)

host_mappings = Table(
    "host_mappings",
    metadata,
    Column("host", String(255), primary_key=True),
    Column("cell", String(255), nullable=False),
)

instance_mappings = Table(
    "instance_mappings",
    metadata,
    Column("instance_uuid", String(36), primary_key=True),
    Column("cell", String(255)),
    Column("project_id", String(255), nullable=False),
    Column("user_id", String(255), nullable=False),
    Column("queued_for_delete", Integer, nullable=False),
    Index("instance_mappings_by_project", "project_id", "cell"),
)

build_requests = Table(
    "build_requests",
    metadata,
    Column("instance_uuid", String(36), primary_key=True),
    Column("project_id", String(255), nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("instance", Text, nullable=False),
    Column("tags", Text, nullable=False),
)

request_specs = Table(
    "request_specs",
    metadata,
    Column("instance_uuid", String(36), primary_key=True),
    Column("spec", Text, nullable=False),
)

flavors = Table(
    "flavors",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("flavor", Text, nullable=False),
)

aggregates = Table(
    "aggregates",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("uuid", String(36), nullable=False, unique=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("metadata", Text, nullable=False),
)

aggregate_hosts = Table(
    "aggregate_hosts",
    metadata,
    Column("aggregate_id", Integer, primary_key=True),
    Column("host", String(255), primary_key=True),
    Index("aggregate_hosts_by_host", "host"),
)

server_groups = Table(
    "instance_groups",
    metadata,
    Column("uuid", String(36), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("project_id", String(255), nullable=False),
    Column("user_id", String(255), nullable=False),
    Column("policy", String(255), nullable=False),
    Column("rules", Text, nullable=False),
)

server_group_members = Table(
    "instance_group_members",
    metadata,
    Column("group_uuid", String(36), primary_key=True),
    Column("instance_uuid", String(36), primary_key=True),
    Index("instance_group_members_by_instance", "instance_uuid"),
)


@cache
def api_image() -> bytes:
    """Return the image of an empty API database."""
    return empty_image(metadata)
