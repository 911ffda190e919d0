"""The tables of a cell's database. Columns have simple types only, the same on every database."""

from __future__ import annotations

from functools import cache

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

from cellrig.db.schema import empty_image

metadata = MetaData()

#: In the order of `cellrig.model.Instance`'s fields.
instances = Table(
    "instances",
    metadata,
    Column("uuid", String(36), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("project_id", String(255), nullable=False),
    Column("user_id", String(255), nullable=False),
    Column("vm_state", String(32), nullable=False),
    Column("task_state", String(32)),
    Column("power_state", Integer, nullable=False),
    Column("host", String(255)),
    Column("node", String(255)),
    Column("availability_zone", String(255)),
    Column("flavor_id", String(255), nullable=False),
    Column("image_id", String(255)),
    Column("key_name", String(255)),
    Column("hostname", String(255)),
    Column("server_group", String(36)),
    Column("reservation_id", String(255), nullable=False),
    Column("launch_index", Integer, nullable=False),
    Column("locked", Integer, nullable=False),
    Column("locked_reason", String(255)),
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
    Column("launched_at", Float(53)),
    Column("deleted_at", Float(53)),
    Column("deleted", Integer, nullable=False),
    Column("flavor", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("system_metadata", Text, nullable=False),
    Index("instances_by_host", "host", "deleted", "task_state"),
    Index("instances_by_project", "project_id", "deleted", "created_at"),
    Index("instances_by_created_at", "deleted", "created_at", "uuid"),
    Index("instances_by_group", "server_group", "deleted", "host"),
)

tags = Table(
    "tags",
    metadata,
    Column("instance_uuid", String(36), primary_key=True),
    Column("tag", String(60), primary_key=True),
    Index("tags_by_tag", "tag", "instance_uuid"),
)

faults = Table(
    "instance_faults",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("instance_uuid", String(36), nullable=False),
    Column("code", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("host", String(255)),
    Column("created_at", Float(53), nullable=False),
    Index("instance_faults_by_instance", "instance_uuid"),
)

actions = Table(
    "instance_actions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("action", String(255), nullable=False),
    Column("instance_uuid", String(36), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("project_id", String(255), nullable=False),
    Column("user_id", String(255), nullable=False),
    Column("start_time", Float(53), nullable=False),
    Column("finish_time", Float(53)),
    Column("message", Text),
    Index("instance_actions_by_instance", "instance_uuid", "request_id"),
)

action_events = Table(
    "instance_action_events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("action_id", Integer, nullable=False),
    Column("name", String(255), nullable=False),
    Column("host", String(255)),
    Column("start_time", Float(53), nullable=False),
    Column("finish_time", Float(53)),
    Column("result", String(16)),
    Column("traceback", Text),
    Index("instance_action_events_by_action", "action_id"),
)

services = Table(
    "services",
    metadata,
    Column("uuid", String(36), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("binary", String(255), nullable=False),
    Column("disabled", Integer, nullable=False),
    Column("disabled_reason", String(255)),
    Column("forced_down", Integer, nullable=False),
    Column("last_seen_up", Float(53), nullable=False),
    Column("version", Integer, nullable=False),
    Index("services_by_host", "host", "binary", unique=True),
)

compute_nodes = Table(
    "compute_nodes",
    metadata,
    Column("uuid", String(36), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("hypervisor_hostname", String(255), nullable=False),
    Column("hypervisor_type", String(255), nullable=False),
    Column("hypervisor_version", BigInteger, nullable=False),
    Column("vcpus", Integer, nullable=False),
    Column("memory_mb", Integer, nullable=False),
    Column("disk_gb", Integer, nullable=False),
    Column("failed_builds", Integer, nullable=False),
    Index("compute_nodes_by_host", "host", "hypervisor_hostname", unique=True),
)


@cache
def cell_image() -> bytes:
    """Return the image of an empty cell database."""
    return empty_image(metadata)
