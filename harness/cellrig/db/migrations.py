"""A cell's migrations: the records of its servers' moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, or_, select

from cellrig.db import cell_tables as tables
from cellrig.db.database import Database, Row, Statement, Transaction
from cellrig.db.group_members import allowed_on
from cellrig.db.statements import insert_into, select_by, update_by
from cellrig.errors import Conflict, NotFound
from cellrig.model import (
    Flavor,
    Migration,
    MigrationChanges,
    MigrationStatus,
    MigrationType,
    ServerGroup,
)
from cellrig.model.states import VmState

_FIELDS = tuple(Migration.__struct_fields__)
_JSON_TYPES: Mapping[str, Any] = {
    "old_flavor": Flavor,
    "new_flavor": Flavor,
    "attachments": dict[str, str],
    "data": dict[str, Any],
    "old_allocations": dict[str, dict[str, int]],
    "left_disks": list[dict[str, Any]],
    "history": tuple[tuple[MigrationStatus, float], ...],
}
_decoders = {name: msgspec.json.Decoder(kind).decode for name, kind in _JSON_TYPES.items()}

_columns = tables.migrations.c
_UNDER_WAY = [status.value for status in MigrationStatus if not status.is_over]
_OVER = [status.value for status in MigrationStatus if status.is_over]
_UNDER_WAY_OF_HOST = Statement(
    select(tables.migrations)
    .where(
        _columns.status.in_(_UNDER_WAY),
        or_(
            _columns.source_compute == bindparam("host"),
            _columns.dest_compute == bindparam("host"),
        ),
    )
    .order_by(_columns.id)
)
_EVACUATED = Statement(
    select(tables.migrations)
    .where(
        _columns.type == MigrationType.EVACUATION.value,
        _columns.status == MigrationStatus.DONE.value,
        _columns.source_compute == bindparam("host"),
    )
    .order_by(_columns.id)
)
_LEFT_AT = Statement(
    select(tables.migrations).where(_columns.left_at == bindparam("host")).order_by(_columns.id)
)
#: No name of a host is empty: so the index serves whoever asks for any.
_LEFT_BETWEEN_CELLS = Statement(
    select(tables.migrations)
    .where(_columns.left_at > "", _columns.cross_cell == 1)
    .order_by(_columns.id)
)
_LEFT_AT_HOSTS = Statement(
    select(_columns.left_at)
    .where(
        _columns.instance_uuid == bindparam("instance_uuid"),
        _columns.left_at.is_not(None),
    )
    .order_by(_columns.id)
)
#: The status of a move whose host has been chosen and has not been told, where it is another one.
_UNDECIDED = {MigrationType.LIVE_MIGRATION: MigrationStatus.ACCEPTED}
_UNDER_WAY_ALL = Statement(
    select(tables.migrations).where(_columns.status.in_(_UNDER_WAY)).order_by(_columns.id)
)
_OF_INSTANCE = Statement(
    select(tables.migrations)
    .where(_columns.instance_uuid == bindparam("instance_uuid"))
    .order_by(_columns.id)
)
_UNDER_WAY_OF_INSTANCE = Statement(
    select(tables.migrations)
    .where(
        _columns.instance_uuid == bindparam("instance_uuid"),
        _columns.status.not_in(_OVER),  # a server has few: to look for each status takes longer
    )
    .order_by(_columns.id)
)
_ALL = Statement(select(tables.migrations).order_by(_columns.id))


def _columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    row = dict(values)
    for name in _JSON_TYPES:
        if name in row:
            row[name] = msgspec.json.encode(row[name]).decode()
    if "cross_cell" in row:
        row["cross_cell"] = int(row["cross_cell"])
    return row


def migration_from_row(row: Row) -> Migration:
    """Return the migration that a row holds."""
    values = dict(zip(_FIELDS, row, strict=True))
    for name, decode in _decoders.items():
        values[name] = decode(values[name])
    values["type"] = MigrationType(values["type"])
    values["status"] = MigrationStatus(values["status"])
    values["old_vm_state"] = VmState(values["old_vm_state"])
    values["cross_cell"] = bool(values["cross_cell"])
    return Migration(**values)


class MigrationStore:
    """The migrations of one cell.

    Args:
        database: the cell's.
        now: the rig's clock.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def create(self, migration: Migration) -> Migration:
        """Write a new migration and return it with its number; twice is harmless."""
        with self._database.transaction() as transaction:
            known = _find(transaction, migration.uuid)
            if known is not None:
                return known
            now = self._now()
            written = msgspec.structs.replace(
                migration, created_at=now, updated_at=now, history=((migration.status, now),)
            )
            row = {name: getattr(written, name) for name in _FIELDS if name != "id"}
            transaction.run(insert_into(tables.migrations), **_columns_of(row))
            return get_migration(transaction, migration.uuid)

    def get(self, uuid: str) -> Migration:
        """Return a migration.

        Raises:
            NotFound: the cell has none with this uuid.
        """
        return get_migration(self._database, uuid)

    def update(
        self,
        uuid: str,
        changes: MigrationChanges,
        expected: Sequence[MigrationStatus] | None = None,
    ) -> Migration:
        """Change columns of a migration and return it as it is then.

        Args:
            uuid: which.
            changes: the new values.
            expected: change it only if it has one of these statuses.

        Raises:
            NotFound: the cell has none with this uuid.
            Conflict: it has another status.
        """
        with self._database.transaction() as transaction:
            migration = get_migration(transaction, uuid)
            check_status(migration, expected)
            return change_migration(transaction, migration, changes, self._now())

    def arrive(self, uuid: str, host: str, group: ServerGroup | None) -> Migration:
        """Let a host take a move that is on its way to it.

        The policy of the server's group is checked in the same transaction that makes the server
        count there, so of two members that arrive at the same moment the second sees the first.

        Returns:
            The migration; its `dest_node` is None where the group's policy refuses the host.

        Raises:
            NotFound: the cell has none with this uuid.
            Conflict: it is not on its way to this host (any more).
        """
        with self._database.transaction() as transaction:
            migration = get_migration(transaction, uuid)
            on_its_way = migration.status == _UNDECIDED.get(
                migration.type, MigrationStatus.PRE_MIGRATING
            )
            if not on_its_way or migration.dest_compute != host:
                raise Conflict(
                    f"migration {uuid} is {migration.status} to host {migration.dest_compute}; "
                    f"this takes one on its way to {host}"
                )
            if group is None:
                return migration
            if not allowed_on(transaction, group, host, migration.instance_uuid):
                return msgspec.structs.replace(migration, dest_node=None)
            transaction.run(
                update_by(tables.migrations, "uuid", "admitted_by"), by_uuid=uuid, admitted_by=host
            )
            return msgspec.structs.replace(migration, admitted_by=host)

    def of_instance(self, instance_uuid: str) -> list[Migration]:
        """Return a server's migrations, the oldest first."""
        rows = self._database.all(_OF_INSTANCE, instance_uuid=instance_uuid)
        return [migration_from_row(row) for row in rows]

    def under_way_of(self, instance_uuid: str) -> list[Migration]:
        """Return those of a server's migrations that are not over, the oldest first."""
        rows = self._database.all(_UNDER_WAY_OF_INSTANCE, instance_uuid=instance_uuid)
        return [migration_from_row(row) for row in rows]

    def under_way(self, host: str | None = None) -> list[Migration]:
        """Return the migrations that are not over, from or to `host` where one is given."""
        if host is None:
            rows = self._database.all(_UNDER_WAY_ALL)
        else:
            rows = self._database.all(_UNDER_WAY_OF_HOST, host=host)
        return [migration_from_row(row) for row in rows]

    def evacuated_from(self, host: str) -> list[Migration]:
        """Return the evacuations from `host` that it has not cleaned up after."""
        return [migration_from_row(row) for row in self._database.all(_EVACUATED, host=host)]

    def left_at(self, host: str) -> list[Migration]:
        """Return the migrations after which `host` has still to clean up, the oldest first."""
        return [migration_from_row(row) for row in self._database.all(_LEFT_AT, host=host)]

    def left_between_cells(self) -> list[Migration]:
        """Return the moves between cells after which a host has still to clean up."""
        return [migration_from_row(row) for row in self._database.all(_LEFT_BETWEEN_CELLS)]

    def all(self) -> list[Migration]:
        """Return all migrations, the oldest first."""
        return [migration_from_row(row) for row in self._database.all(_ALL)]


def _find(reader: Database | Transaction, uuid: str) -> Migration | None:
    row = reader.one(select_by(tables.migrations, "uuid"), uuid=uuid)
    return None if row is None else migration_from_row(row)


def get_migration(reader: Database | Transaction, uuid: str) -> Migration:
    """Do what `MigrationStore.get` does."""
    migration = _find(reader, uuid)
    if migration is None:
        raise NotFound("migration", uuid)
    return migration


def check_status(migration: Migration, expected: Sequence[MigrationStatus] | None) -> None:
    """Raise `Conflict` where a migration has none of the statuses expected; None is any."""
    if expected is not None and migration.status not in expected:
        raise Conflict(
            f"migration {migration.uuid} of server {migration.instance_uuid} is "
            f"{migration.status}; this takes one that is {' or '.join(expected)}"
        )


def change_migration(
    transaction: Transaction, migration: Migration, changes: MigrationChanges, now: float
) -> Migration:
    """Give columns of a migration, which has just been read, new values."""
    changed = {**changes.given(), "updated_at": now}
    if changed.get("status", migration.status) != migration.status:
        changed["history"] = (*migration.history, (changed["status"], now))
    transaction.run(
        update_by(tables.migrations, "uuid", *sorted(changed)),
        by_uuid=migration.uuid,
        **_columns_of(changed),
    )
    return msgspec.structs.replace(migration, **changed)


def hosts_to_clean_up(reader: Database | Transaction, instance_uuid: str) -> tuple[str, ...]:
    """Return the hosts that have still to clean up after moves of a server."""
    return tuple(host for (host,) in reader.all(_LEFT_AT_HOSTS, instance_uuid=instance_uuid))
