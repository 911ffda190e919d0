"""Carrying a server's record from one cell's database to another's.

The cell that the server leaves is told first: from then on nobody changes the record there, though
it is still listed. What is written in the other cell is hidden until the instance mapping names
that cell. So at each moment one record is the server's, and no change to it is lost on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Table

from cellrig.db import cell_tables as tables
from cellrig.db.database import Database, Row, Transaction
from cellrig.db.group_members import allowed_on
from cellrig.db.instances import instance_from_row
from cellrig.db.removal import remove_instance
from cellrig.db.statements import insert_into, select_by, select_in, update_by
from cellrig.errors import Conflict, GroupPolicyViolated, NotFound
from cellrig.model import Instance, ServerGroup, TaskState

#: The tables with rows of a server, by the column that names it.
_TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        tables.tags,
        tables.block_devices,
        tables.migrations,
        tables.faults,
    )
}

#: One row, by its columns.
Columns = dict[str, Any]


class TransferredAction(msgspec.Struct, frozen=True):
    """An action of a server and its events, as rows."""

    action: Columns
    events: tuple[Columns, ...]


class TransferredRecord(msgspec.Struct, frozen=True):
    """All that one cell's database has of a server. Numbers that count within a cell stay there.

    Args:
        instance: its record.
        rows: of the other tables, by the table's name.
        actions: with their events, the oldest first.
    """

    instance: Columns
    rows: dict[str, tuple[Columns, ...]]
    actions: tuple[TransferredAction, ...]


class TransferStore:
    """The records that come to or leave one cell.

    Args:
        database: the cell's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def depart(self, instance_uuid: str, task: TaskState) -> TransferredRecord:
        """Let nobody change a server's record here any more, and return it; twice is harmless.

        Raises:
            NotFound: it is not here, or is deleted.
            Conflict: its task is another than `task`: somebody else goes on with it.
        """
        with self._database.transaction() as transaction:
            instance = _find(transaction, instance_uuid)
            if instance is None or instance.deleted:
                raise NotFound("server", instance_uuid)
            if instance.task_state != task or instance.hidden:
                raise Conflict(
                    f"the task of server {instance_uuid} is {instance.task_state}; it leaves its "
                    f"cell only in {task}"
                )
            _mark(transaction, instance_uuid, leaving=1)
            return _read(transaction, instance_uuid)

    def receive(
        self,
        record: TransferredRecord,
        host: str,
        node: str,
        zone: str | None,
        migration_uuid: str,
        group: ServerGroup | None,
    ) -> None:
        """Write a server's record, hidden, in the place of what has been written of it before.

        Args:
            record: what the other cell has.
            host, node, zone: where the server is from now on.
            migration_uuid: of the move that brings it.
            group: whose policy is checked in the same transaction, so that of two members that
                arrive at the same moment the second sees the first; None where it is not.

        Raises:
            GroupPolicyViolated: the host may not have the server beside the group's members.
        """
        uuid = record.instance["uuid"]
        there = {"host": host, "node": node, "availability_zone": zone, "leaving": 0, "hidden": 1}
        with self._database.transaction() as transaction:
            if group is not None and not allowed_on(transaction, group, host, uuid):
                raise GroupPolicyViolated(uuid, host, group.policy, group.uuid)
            remove_instance(transaction, uuid)
            transaction.run(insert_into(tables.instances), **{**record.instance, **there})
            for name, table in _TABLES.items():
                transaction.run_each(insert_into(table), list(record.rows[name]))
            for each in record.actions:
                _write_action(transaction, uuid, each)
            if group is not None:
                statement = update_by(tables.migrations, "uuid", "admitted_by")
                transaction.run(statement, by_uuid=migration_uuid, admitted_by=host)

    def show(self, instance_uuid: str) -> None:
        """Let a record be its server's that was hidden; twice is harmless."""
        with self._database.transaction() as transaction:
            _mark(transaction, instance_uuid, hidden=0)

    def stay(self, instance_uuid: str) -> None:
        """Let a record be changed again that has not left; twice is harmless."""
        with self._database.transaction() as transaction:
            _mark(transaction, instance_uuid, leaving=0)

    def forget(self, instance_uuid: str) -> None:
        """Remove what is here of a server that is in another cell; twice is harmless.

        Raises:
            Conflict: the record has neither left nor come in vain.
        """
        with self._database.transaction() as transaction:
            instance = _find(transaction, instance_uuid)
            if instance is None:
                return
            if not (instance.leaving or instance.hidden):
                raise Conflict(f"server {instance_uuid} has not left its cell")
            remove_instance(transaction, instance_uuid)

    def find(self, instance_uuid: str) -> Instance | None:
        """Return what is here of a server, None where there is nothing."""
        with self._database.transaction() as transaction:
            return _find(transaction, instance_uuid)


def _find(transaction: Transaction, instance_uuid: str) -> Instance | None:
    row = transaction.one(select_by(tables.instances, "uuid"), uuid=instance_uuid)
    return None if row is None else instance_from_row(row)


def _mark(transaction: Transaction, instance_uuid: str, **marks: int) -> None:
    statement = update_by(tables.instances, "uuid", *sorted(marks))
    transaction.run(statement, by_uuid=instance_uuid, **marks)


def _read(transaction: Transaction, instance_uuid: str) -> TransferredRecord:
    (instance,) = _rows(transaction, tables.instances, "uuid", instance_uuid)
    actions = _rows(transaction, tables.actions, "instance_uuid", instance_uuid)
    return TransferredRecord(
        instance,
        {
            name: tuple(_numberless(table, each) for each in _of(transaction, table, instance_uuid))
            for name, table in _TABLES.items()
        },
        tuple(
            TransferredAction(
                _numberless(tables.actions, action), _events_of(transaction, action["id"])
            )
            for action in sorted(actions, key=lambda action: action["id"])
        ),
    )


def _of(transaction: Transaction, table: Table, instance_uuid: str) -> list[Columns]:
    rows = _rows(transaction, table, "instance_uuid", instance_uuid)
    return sorted(rows, key=lambda row: row.get("id", 0))


def _rows(transaction: Transaction, table: Table, key: str, value: object) -> list[Columns]:
    return [_named(table, row) for row in transaction.all(select_by(table, key), **{key: value})]


def _named(table: Table, row: Row) -> Columns:
    return dict(zip((column.name for column in table.columns), row, strict=True))


def _numberless(table: Table, columns: Columns) -> Columns:
    """Leave out the number that counts a table's rows within their cell."""
    return {
        name: value for name, value in columns.items() if table.c[name].autoincrement is not True
    }


def _events_of(transaction: Transaction, action: int) -> tuple[Columns, ...]:
    rows = transaction.all(select_in(tables.action_events, "action_id", "id"), keys=[action])
    return tuple(
        _numberless(tables.action_events, _named(tables.action_events, row)) for row in rows
    )


def _write_action(
    transaction: Transaction, instance_uuid: str, transferred: TransferredAction
) -> None:
    transaction.run(insert_into(tables.actions), **transferred.action)
    actions = _rows(transaction, tables.actions, "instance_uuid", instance_uuid)
    number = max(action["id"] for action in actions)
    transaction.run_each(
        insert_into(tables.action_events),
        [{**event, "action_id": number} for event in transferred.events],
    )
