"""A cell's instances, with their tags and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select

from cellrig.db import cell_tables as tables
from cellrig.db.database import Database, Row, Statement, Transaction
from cellrig.db.group_members import allowed_on, hosts_of_members
from cellrig.db.removal import remove_instance
from cellrig.db.statements import delete_by, insert_into, select_by, select_in, update_by
from cellrig.errors import ChangingCells, Conflict, NotFound
from cellrig.model import (
    Flavor,
    Instance,
    InstanceChanges,
    InstanceFault,
    NetworkInterface,
    ServerGroup,
)
from cellrig.model.states import PowerState, TaskState, VmState

_FIELDS = tuple(Instance.__struct_fields__)
_JSON_FIELDS = ("flavor", "metadata", "system_metadata", "network_info")
_decode_flavor = msgspec.json.Decoder(Flavor).decode
_decode_strings = msgspec.json.Decoder(dict[str, str]).decode
_decode_interfaces = msgspec.json.Decoder(tuple[NetworkInterface, ...]).decode
_encode = msgspec.json.encode

_columns = tables.instances.c
_ON_HOST = Statement(
    select(tables.instances)
    .where(_columns.host == bindparam("host"), _columns.deleted == 0)
    .order_by(_columns.created_at, _columns.uuid)
)
_LISTED = Statement(
    select(tables.instances)
    .where(_columns.deleted == bindparam("deleted"))
    .order_by(_columns.created_at.desc(), _columns.uuid.desc())
)
_COUNTS = Statement(
    select(_columns.host, func.count())
    .where(_columns.host.in_(bindparam("hosts", expanding=True)), _columns.deleted == 0)
    .group_by(_columns.host)
)
_BUSY_COUNTS = Statement(
    select(_columns.host, func.count())
    .where(
        _columns.host.in_(bindparam("hosts", expanding=True)),
        _columns.deleted == 0,
        _columns.task_state.is_not(None),
    )
    .group_by(_columns.host)
)
_LATEST_FAULT = Statement(
    select(tables.faults)
    .where(tables.faults.c.instance_uuid == bindparam("instance_uuid"))
    .order_by(tables.faults.c.id.desc())
    .limit(1)
)
#: In `InstanceStore.update`: whatever host the instance is on.
ANY_HOST = "*"


def instance_to_row(instance: Instance) -> dict[str, Any]:
    """Return an instance's columns."""
    row = {name: getattr(instance, name) for name in _FIELDS}
    return _columns_of(row)


def instance_from_row(row: Row) -> Instance:
    """Return the instance that a row holds."""
    values = dict(zip(_FIELDS, row, strict=True))
    values["vm_state"] = VmState(values["vm_state"])
    if values["task_state"] is not None:
        values["task_state"] = TaskState(values["task_state"])
    values["power_state"] = PowerState(values["power_state"])
    values["locked"] = bool(values["locked"])
    values["deleted"] = bool(values["deleted"])
    values["leaving"] = bool(values["leaving"])
    values["hidden"] = bool(values["hidden"])
    values["flavor"] = _decode_flavor(values["flavor"])
    values["metadata"] = _decode_strings(values["metadata"])
    values["system_metadata"] = _decode_strings(values["system_metadata"])
    values["network_info"] = _decode_interfaces(values["network_info"])
    return Instance(**values)


def _columns_of(changes: dict[str, Any]) -> dict[str, Any]:
    row = dict(changes)
    for name in _JSON_FIELDS:
        if name in row:
            row[name] = _encode(row[name]).decode()
    for name in ("locked", "deleted", "leaving", "hidden", "power_state"):
        if name in row:
            row[name] = int(row[name])
    return row


class InstanceStore:
    """The instances of one cell.

    Args:
        database: the cell's.
        now: the rig's clock.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def create(self, instance: Instance, tags: Sequence[str] = ()) -> None:
        """Write a new instance.

        Raises:
            Conflict: it exists.
        """
        with self._database.transaction() as transaction:
            transaction.run(insert_into(tables.instances), **instance_to_row(instance))
            _write_tags(transaction, instance.uuid, tags)

    def get(self, instance_uuid: str) -> Instance:
        """Return an instance, also a deleted one.

        Raises:
            NotFound: the cell has none with this uuid.
        """
        return get_instance(self._database, instance_uuid)

    def update(
        self,
        instance_uuid: str,
        changes: InstanceChanges,
        expected_task_states: Sequence[TaskState | None] | None = None,
        expected_vm_states: Sequence[VmState] | None = None,
        expected_host: str | None = ANY_HOST,
        fault: InstanceFault | None = None,
    ) -> Instance:
        """Change columns of an instance and return it as it is then.

        Args:
            instance_uuid: which.
            changes: the new values.
            expected_task_states, expected_vm_states: change only if it is in one of these.
            expected_host: change only if it is on this host.
            fault: why it is changed; recorded if it is.

        Raises:
            NotFound: it does not exist, or is deleted.
            Conflict: it is in another state than expected.
            ChangingCells: it is being carried to another cell.
        """
        with self._database.transaction() as transaction:
            instance = get_instance(transaction, instance_uuid)
            check_changeable(instance, expected_task_states, expected_vm_states, expected_host)
            changed = change_instance(transaction, instance, changes.given(), self._now())
            if fault is not None:
                _add_fault(transaction, fault)
            return changed

    def take(
        self,
        instance_uuid: str,
        host: str,
        node: str,
        zone: str | None,
        group: ServerGroup | None,
    ) -> Instance:
        """Let a host take an instance that is being scheduled to it.

        The policy of its server group is checked in the same transaction, so of two members that
        land at the same moment the second sees the first. A member that may not be here is recorded
        on the host without a node: it is the host's to hand on, and counts for no other member.

        Returns:
            The instance; its node is None where the group's policy refuses the host.

        Raises:
            NotFound: it is deleted.
            Conflict: it is not being scheduled (any more).
        """
        with self._database.transaction() as transaction:
            instance = get_instance(transaction, instance_uuid)
            if instance.deleted:
                raise NotFound("server", instance_uuid)
            _check_state(instance, (TaskState.SCHEDULING,), (VmState.BUILDING,))
            allowed = group is None or allowed_on(transaction, group, host, instance_uuid)
            changed = {
                "host": host,
                "node": node if allowed else None,
                "availability_zone": zone,
                "task_state": TaskState.SPAWNING,
            }
            return change_instance(transaction, instance, changed, self._now())

    def take_shelved(
        self,
        instance_uuid: str,
        host: str,
        node: str,
        zone: str | None,
        group: ServerGroup | None,
    ) -> Instance:
        """Let a host take an offloaded server that comes back; its group's policy is checked.

        Returns:
            The instance; its host is None where the group's policy refuses this one.

        Raises:
            NotFound: it is deleted.
            Conflict: it is not coming back (any more), or is on a host.
        """
        with self._database.transaction() as transaction:
            instance = get_instance(transaction, instance_uuid)
            if instance.deleted:
                raise NotFound("server", instance_uuid)
            _check_state(instance, (TaskState.UNSHELVING,), None)
            if instance.host is not None:
                raise Conflict(f"server {instance_uuid} is on host {instance.host} already")
            if group is not None and not allowed_on(transaction, group, host, instance_uuid):
                return instance
            changed = {
                "host": host,
                "node": node,
                "availability_zone": zone,
            }
            return change_instance(transaction, instance, changed, self._now())

    def destroy(self, instance_uuid: str) -> Instance:
        """Mark an instance deleted, keeping its record; deleting it twice is harmless."""
        with self._database.transaction() as transaction:
            instance = get_instance(transaction, instance_uuid)
            if instance.deleted:
                return instance
            now = self._now()
            transaction.run(delete_by(tables.tags, "instance_uuid"), instance_uuid=instance_uuid)
            gone = {
                "deleted": True,
                "deleted_at": now,
                "vm_state": VmState.DELETED,
                "task_state": None,
                "power_state": PowerState.NOSTATE,
            }
            return change_instance(transaction, instance, gone, now)

    def purge(self, instance_uuid: str) -> None:
        """Remove an instance as if it had never been written, with all that is recorded of it."""
        with self._database.transaction() as transaction:
            remove_instance(transaction, instance_uuid)

    def all(self, deleted: bool = False) -> list[Instance]:
        """Return all instances, the newest first."""
        rows = self._database.all(_LISTED, deleted=int(deleted))
        return [instance_from_row(row) for row in rows]

    def all_on_host(self, host: str) -> list[Instance]:
        """Return the instances that the database places on `host`."""
        rows = self._database.all(_ON_HOST, host=host)
        return [instance_from_row(row) for row in rows]

    def all_in_task(self, tasks: Iterable[TaskState]) -> list[Instance]:
        """Return the instances that one of `tasks` works on."""
        keys = [task.value for task in tasks]
        rows = self._database.all(select_in(tables.instances, "task_state", "uuid"), keys=keys)
        return [instance_from_row(row) for row in rows]

    def all_by_uuid(self, instance_uuids: Iterable[str]) -> list[Instance]:
        """Return those of `instance_uuids` that the cell has, also deleted ones."""
        keys = list(instance_uuids)
        rows = self._database.all(select_in(tables.instances, "uuid", "uuid"), keys=keys)
        return [instance_from_row(row) for row in rows]

    def count_by_host(self, hosts: Sequence[str], busy: bool = False) -> dict[str, int]:
        """Return how many instances each of `hosts` has; `busy`: those with a task going on."""
        statement = _BUSY_COUNTS if busy else _COUNTS
        return dict(self._database.all(statement, hosts=hosts))

    def hosts_of_group(self, group: ServerGroup) -> dict[str, tuple[str, ...]]:
        """Return the hosts on which a group's members count in this cell, by instance uuid.

        A member that moves counts on each host that it may end on; see `group_members`.
        """
        with self._database.reading() as transaction:
            return hosts_of_members(transaction, group)

    def set_tags(self, instance_uuid: str, tags: Sequence[str]) -> None:
        """Let an instance have exactly these tags."""
        with self._database.transaction() as transaction:
            if get_instance(transaction, instance_uuid).leaving:
                raise ChangingCells(instance_uuid)
            transaction.run(delete_by(tables.tags, "instance_uuid"), instance_uuid=instance_uuid)
            _write_tags(transaction, instance_uuid, tags)

    def tags(self, instance_uuid: str) -> tuple[str, ...]:
        """Return an instance's tags, sorted."""
        rows = self._database.all(
            select_by(tables.tags, "instance_uuid"), instance_uuid=instance_uuid
        )
        return tuple(sorted(tag for _uuid, tag in rows))

    def add_fault(self, fault: InstanceFault) -> None:
        """Record a fault."""
        with self._database.transaction() as transaction:
            _add_fault(transaction, fault)

    def fault(self, instance_uuid: str) -> InstanceFault | None:
        """Return the latest fault of an instance, or None."""
        row = self._database.one(_LATEST_FAULT, instance_uuid=instance_uuid)
        return None if row is None else InstanceFault(*row[1:])


def get_instance(reader: Database | Transaction, instance_uuid: str) -> Instance:
    """Do what `InstanceStore.get` does."""
    row = reader.one(select_by(tables.instances, "uuid"), uuid=instance_uuid)
    if row is None:
        raise NotFound("server", instance_uuid)
    return instance_from_row(row)


def change_instance(
    transaction: Transaction, instance: Instance, changed: Mapping[str, Any], now: float
) -> Instance:
    """Give columns of an instance, which has just been read, new values."""
    changed = {**changed, "updated_at": now}
    transaction.run(
        update_by(tables.instances, "uuid", *sorted(changed)),
        by_uuid=instance.uuid,
        **_columns_of(changed),
    )
    return msgspec.structs.replace(instance, **changed)


def check_changeable(
    instance: Instance,
    task_states: Sequence[TaskState | None] | None,
    vm_states: Sequence[VmState] | None,
    host: str | None,
) -> None:
    """Raise what `InstanceStore.update` raises of an instance that may not be changed."""
    if instance.deleted:
        raise NotFound("server", instance.uuid)
    if instance.leaving:
        raise ChangingCells(instance.uuid)
    _check_state(instance, task_states, vm_states)
    if host not in {ANY_HOST, instance.host}:
        raise Conflict(f"server {instance.uuid} is on host {instance.host}; this takes host {host}")


def _add_fault(transaction: Transaction, fault: InstanceFault) -> None:
    transaction.run(insert_into(tables.faults), **msgspec.structs.asdict(fault))


def _write_tags(transaction: Transaction, instance_uuid: str, tags: Iterable[str]) -> None:
    transaction.run_each(
        insert_into(tables.tags),
        [{"instance_uuid": instance_uuid, "tag": tag} for tag in sorted(set(tags))],
    )


def _check_state(
    instance: Instance,
    task_states: Sequence[TaskState | None] | None,
    vm_states: Sequence[VmState] | None,
) -> None:
    if vm_states is not None and instance.vm_state not in vm_states:
        raise Conflict(
            f"server {instance.uuid} is in vm_state {instance.vm_state}; "
            f"this takes {' or '.join(vm_states)}"
        )
    if task_states is not None and instance.task_state not in task_states:
        raise Conflict(
            f"server {instance.uuid} is in task_state {instance.task_state}; "
            f"this takes {' or '.join(str(state) for state in task_states)}"
        )
