"""The network service's tables: each kind of thing with the keys that it is looked up by."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text

from cellrig.db.schema import Schema

metadata = MetaData()


def _records(name: str, *keys: str) -> Table:
    return Table(
        name,
        metadata,
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("id", String(36), nullable=False, unique=True),
        *[Column(key, String(255), nullable=False) for key in keys],
        Column("value", Text, nullable=False),
    )


networks = _records("networks", "project_id", "name")
subnets = _records("subnets", "network_id")
ports = _records("ports", "network_id", "mac_address", "project_id", "device_id")
security_groups = _records("security_groups", "project_id", "name")
security_group_rules = _records("security_group_rules", "security_group_id", "project_id")

#: Who has which address; the key is what keeps two ports from having one.
addresses = Table(
    "ip_allocations",
    metadata,
    Column("subnet_id", String(36), primary_key=True),
    Column("ip_address", String(64), primary_key=True),
    Column("port_id", String(36), nullable=False),
    Index("ip_allocations_by_port", "port_id"),
)

quotas = Table(
    "quotas",
    metadata,
    Column("project_id", String(255), primary_key=True),
    Column("resource", String(64), primary_key=True),
    Column("hard_limit", Integer, nullable=False),
)

Index("subnets_by_network", subnets.c.network_id)
Index("ports_by_network", ports.c.network_id, ports.c.mac_address, unique=True)
Index("ports_by_device", ports.c.device_id)
Index("ports_by_project", ports.c.project_id)
Index("security_groups_by_project", security_groups.c.project_id, security_groups.c.name)
Index("security_group_rules_by_group", security_group_rules.c.security_group_id)

NETWORKS_SCHEMA = Schema("networks", 1, metadata)
