"""The tables of the API database."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text

from cellrig.db.schema import Schema

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
    Column("created_at", Float(53), nullable=False),
    Index("instance_mappings_by_project", "project_id", "cell"),
    Index("instance_mappings_by_cell", "cell", "queued_for_delete", "created_at", "instance_uuid"),
)

build_requests = Table(
    "build_requests",
    metadata,
    Column("instance_uuid", String(36), primary_key=True),
    Column("project_id", String(255), nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("instance", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("block_devices", Text, nullable=False),
    Index("build_requests_by_project", "project_id", "created_at"),
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
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53)),
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

presentations = Table(
    "presentations",
    metadata,
    Column("instance_uuid", String(36), primary_key=True),
    Column("presentation", Text, nullable=False),
)

flavor_projects = Table(
    "flavor_projects",
    metadata,
    Column("flavor_id", String(255), primary_key=True),
    Column("project_id", String(255), primary_key=True),
)

#: In the order of `cellrig.model.Keypair`'s fields.
key_pairs = Table(
    "key_pairs",
    metadata,
    Column("user_id", String(255), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("type", String(16), nullable=False),
    Column("fingerprint", String(255), nullable=False),
    Column("public_key", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("number", Integer, nullable=False),
)

quotas = Table(
    "quotas",
    metadata,
    Column("project_id", String(255), primary_key=True),
    Column("resource", String(255), primary_key=True),
    Column("hard_limit", Integer, nullable=False),
)

quota_classes = Table(
    "quota_classes",
    metadata,
    Column("class_name", String(255), primary_key=True),
    Column("resource", String(255), primary_key=True),
    Column("hard_limit", Integer, nullable=False),
)


API_SCHEMA = Schema("api", 1, metadata)


def api_image() -> bytes:
    """Return the image of an empty API database."""
    return API_SCHEMA.image
