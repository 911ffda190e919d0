"""Removing an instance from its cell's database, with all that is recorded of it."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from cellrig.db import cell_tables as tables
from cellrig.db.database import Statement, Transaction
from cellrig.db.statements import delete_by

_PURGE_EVENTS = Statement(
    delete(tables.action_events).where(
        tables.action_events.c.action_id.in_(
            select(tables.actions.c.id).where(tables.actions.c.instance_uuid == bindparam("uuid"))
        )
    )
)


def remove_instance(transaction: Transaction, instance_uuid: str) -> None:
    """Remove an instance, and all that is recorded of it."""
    transaction.run(delete_by(tables.tags, "instance_uuid"), instance_uuid=instance_uuid)
    transaction.run(_PURGE_EVENTS, uuid=instance_uuid)
    for table in (tables.actions, tables.faults, tables.block_devices, tables.migrations):
        transaction.run(delete_by(table, "instance_uuid"), instance_uuid=instance_uuid)
    transaction.run(delete_by(tables.instances, "uuid"), uuid=instance_uuid)
