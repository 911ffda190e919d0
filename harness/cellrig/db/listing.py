"""What a cell sends when something is listed: one batch at a time, all of a batch at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import msgspec
from sqlalchemy import bindparam, func, select

from cellrig.db import cell_tables as tables
from cellrig.db.database import Database, Row, Statement, Transaction
from cellrig.db.hosts import service_from_row
from cellrig.db.migrations import migration_from_row
from cellrig.db.ordering import Order, Position
from cellrig.db.questions import Question, rows_of
from cellrig.db.statements import select_in
from cellrig.model import (
    ActionEvent,
    BriefServer,
    Flavor,
    InstanceAction,
    InstanceFault,
    Migration,
    Server,
    Service,
    status_of,
)
from cellrig.model.states import PowerState, TaskState, VmState

T = TypeVar("T")

_decode_flavor = msgspec.json.Decoder(Flavor).decode
_decode_strings = msgspec.json.Decoder(dict[str, str]).decode
_VM_STATES = {state.value: state for state in VmState}
_TASK_STATES: dict[str | None, TaskState | None] = {None: None, **{s.value: s for s in TaskState}}
_STATUSES = {
    (vm_word, task_word): status_of(vm_state, task_state)
    for vm_word, vm_state in _VM_STATES.items()
    for task_word, task_state in _TASK_STATES.items()
}
_POWER_STATES = {state.value: state for state in PowerState}

#: In the order in which `_server` takes them.
_SERVER_COLUMNS = (
    "uuid",
    "name",
    "vm_state",
    "task_state",
    "power_state",
    "host",
    "node",
    "availability_zone",
    "project_id",
    "user_id",
    "flavor",
    "image_id",
    "server_group",
    "locked",
    "locked_reason",
    "created_at",
    "updated_at",
    "launched_at",
    "launch_index",
    "metadata",
    "deleted",
    "key_name",
    "hostname",
    "reservation_id",
    "deleted_at",
)
_LATEST_FAULTS = Statement(
    select(tables.faults).where(
        tables.faults.c.id.in_(
            select(func.max(tables.faults.c.id))
            .where(tables.faults.c.instance_uuid.in_(bindparam("uuids", expanding=True)))
            .group_by(tables.faults.c.instance_uuid)
        )
    )
)

#: The most uuids that go into one statement's list.
_LIST = 1000


class ListingStore:
    """The listings of one cell. Each call is one transaction, and writes nothing.

    Args:
        database: the cell's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def servers(self, question: Question) -> list[tuple[Position, Server]]:
        """Return servers with their tags and latest faults.

        It takes three statements, however many servers there are.
        """
        with self._database.reading() as transaction:
            rows = rows_of(transaction, tables.instances, _SERVER_COLUMNS, question)
            uuids = [row[0] for _position, row in rows]
            tags = _tags(transaction, uuids)
            faults = _faults(transaction, uuids)
        flavors: dict[str, Flavor] = {}
        return [
            (position, _server(row, self._database.name, tags, faults, flavors))
            for position, row in rows
        ]

    def brief_servers(self, question: Question) -> list[tuple[Position, BriefServer]]:
        """Return servers without details."""
        with self._database.reading() as transaction:
            rows = rows_of(transaction, tables.instances, ("uuid", "name"), question)
        return [(position, BriefServer(*row)) for position, row in rows]

    def server_position(self, instance_uuid: str, order: Order) -> Position | None:
        """Return where a server stands in an order, also a deleted one; None where it is not."""
        statement = _position_statement("instances", order, "uuid")
        with self._database.reading() as transaction:
            return transaction.one(statement, uuid=instance_uuid)

    def migrations(self, question: Question) -> list[tuple[Position, Migration]]:
        """Return migrations."""
        names = [column.name for column in tables.migrations.columns]
        with self._database.reading() as transaction:
            rows = rows_of(transaction, tables.migrations, names, question)
        return [(position, migration_from_row(row)) for position, row in rows]

    def migration_position(self, uuid: str, order: Order) -> Position | None:
        """Return where a migration stands in an order; None where the cell has it not."""
        statement = _position_statement("migrations", order, "uuid")
        with self._database.reading() as transaction:
            return transaction.one(statement, uuid=uuid)

    def actions(self, question: Question) -> list[tuple[Position, InstanceAction]]:
        """Return instance actions with their events, the newest event first.

        It takes two statements, however many actions there are.
        """
        names = [column.name for column in tables.actions.columns]
        with self._database.reading() as transaction:
            rows = rows_of(transaction, tables.actions, names, question)
            events = _events(transaction, [row[0] for _position, row in rows])
        return [
            (position, InstanceAction(*(*row[1:], tuple(events[row[0]])))) for position, row in rows
        ]

    def action_position(self, instance_uuid: str, request_id: str, order: Order) -> Position | None:
        """Return where a request's last action on a server stands; None where there is none."""
        statement = _position_statement("instance_actions", order, "instance_uuid", "request_id")
        with self._database.reading() as transaction:
            return transaction.one(statement, instance_uuid=instance_uuid, request_id=request_id)

    def services(self, question: Question) -> list[tuple[Position, Service]]:
        """Return services."""
        names = [column.name for column in tables.services.columns]
        with self._database.reading() as transaction:
            rows = rows_of(transaction, tables.services, names, question)
        return [(position, service_from_row(row)) for position, row in rows]


@lru_cache(maxsize=64)
def _position_statement(table_name: str, order: Order, *keys: str) -> Statement:
    """Return the statement that finds the last row with these keys in an order."""
    table = tables.metadata.tables[table_name]
    chosen = select(*order.columns(table)).where(*[table.c[key] == bindparam(key) for key in keys])
    return Statement(chosen.order_by(*(term.desc() for term in table.primary_key)).limit(1))


def _tags(transaction: Transaction, uuids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for some in _portions(uuids):
        for uuid, tag in transaction.all(
            select_in(tables.tags, "instance_uuid", "instance_uuid", "tag"), keys=some
        ):
            found[uuid].append(tag)
    return found


def _faults(transaction: Transaction, uuids: Sequence[str]) -> dict[str, InstanceFault]:
    return {
        row[1]: InstanceFault(*row[1:])
        for some in _portions(uuids)
        for row in transaction.all(_LATEST_FAULTS, uuids=some)
    }


def _events(transaction: Transaction, actions: Sequence[int]) -> dict[int, list[ActionEvent]]:
    found: dict[int, list[ActionEvent]] = defaultdict(list)
    for some in _portions(actions):
        rows = transaction.all(select_in(tables.action_events, "action_id", "id"), keys=some)
        for row in reversed(rows):
            found[row[1]].append(ActionEvent(*row[2:]))
    return found


def _portions(keys: Sequence[T]) -> list[Sequence[T]]:
    return [keys[start : start + _LIST] for start in range(0, len(keys), _LIST)]


def _server(
    row: Row,
    cell: str,
    tags: dict[str, list[str]],
    faults: dict[str, InstanceFault],
    flavors: dict[str, Flavor],
) -> Server:
    """Return the server of a row; servers of a batch share what they have of equal flavors."""
    (
        uuid, name, vm_word, task_word, power, host, node, zone, project_id, user_id, flavor_text,
        image_id, group, locked, locked_reason, created_at, updated_at, launched_at, launch_index,
        metadata, deleted, key_name, hostname, reservation_id, deleted_at,
    ) = row  # fmt: skip
    flavor = flavors.get(flavor_text)
    if flavor is None:
        flavor = flavors[flavor_text] = _decode_flavor(flavor_text)
    return Server(
        id=uuid,
        name=name,
        status="DELETED" if deleted else _STATUSES[vm_word, task_word],
        vm_state=_VM_STATES[vm_word],
        task_state=_TASK_STATES[task_word],
        power_state=_POWER_STATES[power],
        cell=cell,
        host=host,
        node=node,
        availability_zone=zone,
        project_id=project_id,
        user_id=user_id,
        flavor=flavor,
        image_id=image_id,
        server_group=group,
        locked=bool(locked),
        locked_reason=locked_reason,
        created_at=created_at,
        updated_at=updated_at,
        launched_at=launched_at,
        launch_index=launch_index,
        metadata={} if metadata == "{}" else _decode_strings(metadata),
        tags=tuple(tags[uuid]) if uuid in tags else (),
        fault=faults.get(uuid),
        key_name=key_name,
        hostname=hostname,
        reservation_id=reservation_id,
        deleted_at=deleted_at,
    )
