"""The tables of what a rig keeps that none of its services does."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, String, Table, Text

from cellrig.db.schema import Schema

metadata = MetaData()

#: One row: what the cloud is built from, as JSON, and whether it has ever been built to its end.
topologies = Table(
    "topologies",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("topology", Text, nullable=False),
    Column("complete", Integer, nullable=False),
)

#: Hypervisors that keep nothing themselves, by host: what their drivers gave, as Base64.
hypervisors = Table(
    "hypervisors",
    metadata,
    Column("host", String(255), primary_key=True),
    Column("state", Text, nullable=False),
)

RIG_SCHEMA = Schema("rig", 1, metadata)
