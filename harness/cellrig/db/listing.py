"""What a cell sends when something is listed: one batch at a time, all of a batch at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from operator import itemgetter
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
    (vm_word, task_word, deleted): "DELETED" if deleted else status_of(vm_state, task_state)
    for vm_word, vm_state in _VM_STATES.items()
    for task_word, task_state in _TASK_STATES.items()
    for deleted in (0, 1)
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
_FIRST, _SECOND = itemgetter(0), itemgetter(1)
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
#: What is written in a cell of servers that are in another one yet is not listed.
_NOT_HIDDEN = (Equals("hidden", 0),)
#: Few servers have faults: to be told which is cheaper than to ask about all.
SERVERS = Listed(
    tables.instances, *_SERVER_COLUMNS, found=(_TAGS, _LATEST_FAULT), always=_NOT_HIDDEN
)
BRIEF_SERVERS = Listed(tables.instances, "uuid", "name", always=_NOT_HIDDEN)
MIGRATIONS = Listed(tables.migrations)
ACTIONS = Listed(tables.actions)
SERVICES = Listed(tables.services)
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
        batch = SERVERS.batch(self._database, question)
        return Batch(batch.positions, self._servers(batch.rows) if batch.rows else [])

    def brief_servers(self, question: Question) -> Batch[BriefServer]:
        """Return servers without details."""
        batch = BRIEF_SERVERS.batch(self._database, question)
        ids, names = map(_FIRST, batch.rows), map(_SECOND, batch.rows)
        return Batch(batch.positions, list(map(BriefServer, ids, names)))

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

    def _servers(self, rows: Sequence[Row]) -> list[Server]:
        """Return the servers of rows, of which there is one at least.

        Each step is done for all of them, column by column, and nearly all by the interpreter's
        own loops. Servers of a batch share what they have of equal flavors.
        """
        (
            uuids, names, vm_words, task_words, powers, hosts, nodes, zones, projects, users,
            flavors, images, groups, locked, locked_reasons, created_at, updated_at, launched_at,
            launch_indexes, metadata, key_names, hostnames, reservations, deleted_at, interfaces,
            deleted, tags, fault_ids, *_keys,
        ) = zip(*rows, strict=True)  # fmt: skip
        return list(
            map(
                Server,
                uuids,
                names,
                map(_STATUSES.__getitem__, zip(vm_words, task_words, deleted, strict=True)),
                map(_VM_STATES.__getitem__, vm_words),
                map(_TASK_STATES.__getitem__, task_words),
                map(_POWER_STATES.__getitem__, powers),
                repeat(self._database.name),
                hosts,
                nodes,
                zones,
                projects,
                users,
                map(_Flavors().__getitem__, flavors),
                images,
                groups,
                map(bool, locked),
                locked_reasons,
                created_at,
                updated_at,
                launched_at,
                launch_indexes,
                [{} if text == "{}" else _decode_strings(text) for text in metadata],
                [() if text is None else tuple(sorted(text.split(_COMMA))) for text in tags],
                self._faults(uuids, fault_ids),
                key_names,
                hostnames,
                reservations,
                deleted_at,
                [() if text == "[]" else _decode_interfaces(text) for text in interfaces],
            )
        )

    def _faults(
        self, uuids: Sequence[str], fault_ids: Sequence[int | None]
    ) -> Iterable[InstanceFault | None]:
        """Return the fault of each server, where it has one and it has not gone meanwhile."""
        ids = [fault_id for fault_id in fault_ids if fault_id is not None]
        if not ids:
            return repeat(None)
        faults = {
            row[1]: InstanceFault(*row[1:])
            for some in _portions(ids)
            for row in self._database.all(select_in(tables.faults, "id"), keys=some)
        }
        return [
            None if fault_id is None else faults.get(uuid)
            for uuid, fault_id in zip(uuids, fault_ids, strict=True)
        ]


class _Flavors(dict[str, Flavor]):
    """Flavors by their text, each decoded once."""

    def __missing__(self, text: str) -> Flavor:
        flavor = self[text] = _decode_flavor(text)
        return flavor


@lru_cache(maxsize=64)
def _position_statement(table_name: str, order: Order, *keys: str) -> Statement:
    """Return the statement that finds the last row with these keys in an order."""
    table = tables.metadata.tables[table_name]
    chosen = select(*order.columns(table)).where(*[table.c[key] == bindparam(key) for key in keys])
    return Statement(chosen.order_by(*(term.desc() for term in table.primary_key)).limit(1))


def _events(transaction: Transaction, actions: Sequence[int]) -> dict[int, list[ActionEvent]]:
    found: dict[int, list[ActionEvent]] = defaultdict(list)
    for some in _portions(actions):
        rows = transaction.all(select_in(tables.action_events, "action_id", "id"), keys=some)
        for row in reversed(rows):
            found[row[1]].append(ActionEvent(*row[2:]))
    return found


def _portions(keys: Sequence[T]) -> list[Sequence[T]]:
    return [keys[start : start + _LIST] for start in range(0, len(keys), _LIST)]
