"""What a cell sends when something is listed: one batch at a time, all of a batch at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from sqlalchemy import bindparam, func, literal_column, select

from cellrig.db import cell_tables as tables
from cellrig.db.conditions import Equals
from cellrig.db.database import Database, Row, Statement, Transaction
from cellrig.db.hosts import service_from_row
from cellrig.db.migrations import migration_from_row
from cellrig.db.ordering import Order, Position
from cellrig.db.questions import Batch, Listed, Question
from cellrig.db.statements import select_in
from cellrig.model import (
    ActionEvent,
    BriefServer,
    Flavor,
    InstanceAction,
    InstanceFault,
    Migration,
    NetworkInterface,
    Server,
    Service,
    status_of,
)
from cellrig.model.states import PowerState, TaskState, VmState

T = TypeVar("T")

_decode_flavor = msgspec.json.Decoder(Flavor).decode
_decode_strings = msgspec.json.Decoder(dict[str, str]).decode
_decode_interfaces = msgspec.json.Decoder(tuple[NetworkInterface, ...]).decode
_VM_STATES = {state.value: state for state in VmState}
_TASK_STATES: dict[str | None, TaskState | None] = {None: None, **{s.value: s for s in TaskState}}
_STATUSES = {
    (vm_word, task_word): status_of(vm_state, task_state)
    for vm_word, vm_state in _VM_STATES.items()
    for task_word, task_state in _TASK_STATES.items()
}
_POWER_STATES = {state.value: state for state in PowerState}

#: In the order in which `_servers` takes them, which is nearly that of `Server`'s fields.
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
    "key_name",
    "hostname",
    "reservation_id",
    "deleted_at",
    "network_info",
    "deleted",
)
#: What no tag has in it.
_COMMA = ","
# A parameter would have to be written into the text each time.
_SEPARATOR: Any = literal_column(f"'{_COMMA}'")
_TAGS = (
    select(func.aggregate_strings(tables.tags.c.tag, _SEPARATOR))
    .where(tables.tags.c.instance_uuid == tables.instances.c.uuid)
    .scalar_subquery()
)
_LATEST_FAULT = (
    select(func.max(tables.faults.c.id))
    .where(tables.faults.c.instance_uuid == tables.instances.c.uuid)
    .scalar_subquery()
)
#: Few servers have faults: to be told which is cheaper than to ask about all.
SERVERS = Listed(tables.instances, *_SERVER_COLUMNS, found=(_TAGS, _LATEST_FAULT))
BRIEF_SERVERS = Listed(tables.instances, "uuid", "name")
MIGRATIONS = Listed(tables.migrations)
ACTIONS = Listed(tables.actions)
SERVICES = Listed(tables.services)
#: Where in a row of `SERVERS` the latter stands.
_FAULT = len(_SERVER_COLUMNS) + 1

_NOT_HIDDEN = Equals("hidden", 0)

#: The most uuids that go into one statement's list.
_LIST = 1000


class ListingStore:
    """The listings of one cell. Each call reads what there is at one moment, and writes nothing.

    Args:
        database: the cell's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def servers(self, question: Question) -> Batch[Server]:
        """Return servers with their tags and latest faults.

        It takes one statement, and one more for the faults where there are any. A fault that has
        gone between the two is not told.
        """
        batch = SERVERS.batch(self._database, _visible(question))
        rows = batch.rows
        faults = _faults(self._database, [row[_FAULT] for row in rows if row[_FAULT] is not None])
        return Batch(batch.positions, _servers(rows, self._database.name, faults))

    def brief_servers(self, question: Question) -> Batch[BriefServer]:
        """Return servers without details."""
        batch = BRIEF_SERVERS.batch(self._database, _visible(question))
        return Batch(batch.positions, [BriefServer(row[0], row[1]) for row in batch.rows])

    def server_position(self, instance_uuid: str, order: Order) -> Position | None:
        """Return where a server stands in an order, also a deleted one; None where it is not."""
        statement = _position_statement("instances", order, "uuid")
        return self._database.one(statement, uuid=instance_uuid)

    def migrations(self, question: Question) -> Batch[Migration]:
        """Return migrations."""
        batch = MIGRATIONS.batch(self._database, question)
        return Batch(batch.positions, [migration_from_row(row) for row in batch.rows])

    def migration_position(self, uuid: str, order: Order) -> Position | None:
        """Return where a migration stands in an order; None where the cell has it not."""
        statement = _position_statement("migrations", order, "uuid")
        return self._database.one(statement, uuid=uuid)

    def actions(self, question: Question) -> Batch[InstanceAction]:
        """Return instance actions with their events, the newest event first.

        It takes two statements, however many actions there are.
        """
        with self._database.reading() as transaction:
            batch = ACTIONS.batch(transaction, question)
            events = _events(transaction, [row[0] for row in batch.rows])
        return Batch(
            batch.positions,
            [InstanceAction(*(*row[1:], tuple(events[row[0]]))) for row in batch.rows],
        )

    def action_position(self, instance_uuid: str, request_id: str, order: Order) -> Position | None:
        """Return where a request's last action on a server stands; None where there is none."""
        statement = _position_statement("instance_actions", order, "instance_uuid", "request_id")
        return self._database.one(statement, instance_uuid=instance_uuid, request_id=request_id)

    def services(self, question: Question) -> Batch[Service]:
        """Return services."""
        batch = SERVICES.batch(self._database, question)
        return Batch(batch.positions, [service_from_row(row) for row in batch.rows])


def _visible(question: Question) -> Question:
    """Leave out what is written here of servers that are in another cell yet."""
    conditions = (*question.conditions, _NOT_HIDDEN)
    return Question(conditions, question.order, question.limit, question.after)


@lru_cache(maxsize=64)
def _position_statement(table_name: str, order: Order, *keys: str) -> Statement:
    """Return the statement that finds the last row with these keys in an order."""
    table = tables.metadata.tables[table_name]
    chosen = select(*order.columns(table)).where(*[table.c[key] == bindparam(key) for key in keys])
    return Statement(chosen.order_by(*(term.desc() for term in table.primary_key)).limit(1))


def _faults(database: Database, ids: Sequence[int]) -> dict[str, InstanceFault]:
    return {
        row[1]: InstanceFault(*row[1:])
        for some in _portions(ids)
        for row in database.all(select_in(tables.faults, "id"), keys=some)
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


def _servers(rows: Sequence[Row], cell: str, faults: dict[str, InstanceFault]) -> list[Server]:
    """Return the servers of rows; those of a batch share what they have of equal flavors."""
    flavors: dict[str, Flavor] = {}
    found = []
    for row in rows:
        (
            uuid, name, vm_word, task_word, power, host, node, zone, project_id, user_id,
            flavor_text, image_id, group, locked, locked_reason, created_at, updated_at,
            launched_at, launch_index, metadata, key_name, hostname, reservation_id, deleted_at,
            interfaces, deleted, tags, fault, *_keys,
        ) = row  # fmt: skip
        flavor = flavors.get(flavor_text)
        if flavor is None:
            flavor = flavors[flavor_text] = _decode_flavor(flavor_text)
        server = Server(
            uuid,
            name,
            "DELETED" if deleted else _STATUSES[vm_word, task_word],
            _VM_STATES[vm_word],
            _TASK_STATES[task_word],
            _POWER_STATES[power],
            cell,
            host,
            node,
            zone,
            project_id,
            user_id,
            flavor,
            image_id,
            group,
            locked == 1,
            locked_reason,
            created_at,
            updated_at,
            launched_at,
            launch_index,
            {} if metadata == "{}" else _decode_strings(metadata),
            () if tags is None else tuple(sorted(tags.split(_COMMA))),
            None if fault is None else faults.get(uuid),
            key_name,
            hostname,
            reservation_id,
            deleted_at,
            () if interfaces == "[]" else _decode_interfaces(interfaces),
        )
        found.append(server)
    return found
