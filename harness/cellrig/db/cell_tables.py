"""The tables of a cell's database. Columns have simple types only, the same on every database."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

from cellrig.db.schema import Schema

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
    Column("leaving", Integer, nullable=False),
    Column("hidden", Integer, nullable=False),
    Column("network_info", Text, nullable=False),
    Index("instances_by_host", "host", "deleted", "task_state"),
    Index("instances_by_project", "project_id", "deleted", "created_at", "uuid"),
    Index("instances_by_created_at", "deleted", "created_at", "uuid"),
    Index("instances_by_updated_at", "updated_at", "uuid"),
    Index("instances_by_name", "deleted", "name", "uuid"),
    Index("instances_by_host_and_age", "host", "deleted", "created_at", "uuid"),
    Index("instances_by_reservation", "reservation_id", "deleted", "created_at", "uuid"),
    Index("instances_by_group", "server_group", "deleted", "host"),
)

tags = Table(
    "tags",
    metadata,
    Column("instance_uuid", String(36), primary_key=True),
    Column("tag", String(60), primary_key=True),
    Index("tags_by_tag", "tag", "instance_uuid"),
)

#: In the order of `cellrig.model.BlockDeviceMapping`'s fields. A volume that is not known yet is
#: null, so that the unique index lets several such mappings of a server be.
block_devices = Table(
    "block_device_mapping",
    metadata,
    Column("uuid", String(36), primary_key=True),
    Column("instance_uuid", String(36), nullable=False),
    Column("source_type", String(16), nullable=False),
    Column("source_id", String(36)),
    Column("volume_id", String(36)),
    Column("attachment_id", String(36)),
    Column("device_name", String(32), nullable=False),
    Column("disk_bus", String(16), nullable=False),
    Column("device_type", String(16), nullable=False),
    Column("boot_index", Integer),
    Column("volume_size", Integer, nullable=False),
    Column("volume_type", String(255)),
    Column("multiattach", Integer, nullable=False),
    Column("delete_on_termination", Integer, nullable=False),
    Column("tag", String(60)),
    Column("connection_info", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Index("block_device_mapping_by_device", "instance_uuid", "device_name", unique=True),
    Index("block_device_mapping_by_volume", "volume_id", "instance_uuid", unique=True),
    Index("block_device_mapping_by_attachment", "attachment_id"),
)

#: In the order of `cellrig.model.Migration`'s fields.
migrations = Table(
    "migrations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("uuid", String(36), nullable=False, unique=True),
    Column("instance_uuid", String(36), nullable=False),
    Column("type", String(32), nullable=False),
    Column("status", String(32), nullable=False),
    Column("source_compute", String(255), nullable=False),
    Column("source_node", String(255), nullable=False),
    Column("dest_compute", String(255)),
    Column("dest_node", String(255)),
    Column("user_id", String(255), nullable=False),
    Column("project_id", String(255), nullable=False),
    Column("old_vm_state", String(32), nullable=False),
    Column("old_flavor", Text, nullable=False),
    Column("new_flavor", Text, nullable=False),
    Column("attachments", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("old_allocations", Text, nullable=False),
    Column("source_zone", String(255)),
    Column("dest_zone", String(255)),
    Column("admitted_by", String(255)),
    Column("cross_cell", Integer, nullable=False),
    Column("left_at", String(255)),
    Column("left_disks", Text, nullable=False),
    Column("memory_total", BigInteger, nullable=False),
    Column("memory_processed", BigInteger, nullable=False),
    Column("memory_remaining", BigInteger, nullable=False),
    Column("disk_total", BigInteger, nullable=False),
    Column("disk_processed", BigInteger, nullable=False),
    Column("disk_remaining", BigInteger, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
    Column("history", Text, nullable=False),
    Index("migrations_by_instance", "instance_uuid", "status"),
    Index("migrations_by_source", "source_compute", "status"),
    Index("migrations_by_destination", "dest_compute", "status"),
    Index("migrations_by_left_at", "left_at"),
    Index("migrations_by_created_at", "created_at", "uuid"),
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
    Index("instance_actions_by_time", "instance_uuid", "start_time", "id"),
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


CELL_SCHEMA = Schema("cell", 1, metadata)


def cell_image() -> bytes:
    """Return the image of an empty cell database."""
    return CELL_SCHEMA.image
