"""Snapshots of volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import bindparam, select

from cellrig.context import RequestContext
from cellrig.db.database import Statement
from cellrig.errors import CellrigError, Invalid
from cellrig.volume import tables
from cellrig.volume.checks import check_admin, check_not_migrating, check_status
from cellrig.volume.errors import InvalidSnapshot
from cellrig.volume.quotas import Wanted, check_quota
from cellrig.volume.records import (
    VolumeRecord,
    add_snapshot,
    change_snapshot,
    find_snapshot,
    find_volume,
    get_volume,
    remove_snapshot,
    snapshot_of,
)
from cellrig.volume.showing import show
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import VolumeSnapshot, VolumeStatus

_OF_PROJECT = Statement(
    select(tables.snapshots)
    .where(tables.snapshots.c.project_id == bindparam("project_id"))
    .order_by(tables.snapshots.c.number.desc())
)
_ALL = Statement(select(tables.snapshots).order_by(tables.snapshots.c.number.desc()))
_DELETABLE = ("available", "error", "error_deleting")
#: What a snapshot in one status may be told to have come to (``os-update_snapshot_status``).
_GOES_ON = {
    "creating": ("creating", "available", "error"),
    "deleting": ("deleting", "error_deleting"),
}


class Snapshots:
    """Snapshots of volumes."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._transaction = around.database.transaction

    def create(
        self,
        context: RequestContext,
        volume_id: str,
        name: str,
        force: bool,
        metadata: Mapping[str, str] | None,
        description: str | None = None,
    ) -> VolumeSnapshot:
        """See `VolumeClient.snapshot_create`.

        Raises:
            BackendFailed: the snapshot is in error.
        """
        around = self._around
        allowed = [VolumeStatus.AVAILABLE, *([VolumeStatus.IN_USE] if force else [])]
        with self._transaction() as transaction:
            record = find_volume(transaction, context, volume_id)
            check_status(transaction, record, "take a snapshot", *allowed)
            check_not_migrating(record, "take a snapshot of")
            (volume,) = show(transaction, around.backends, [record])
            more = {"snapshots": 1, "gigabytes": volume.size}
            owner = context.project_id
            check_quota(transaction, Wanted(context, owner, volume.volume_type_id, more))
            now = around.runtime.now()
            snapshot = VolumeSnapshot(
                id=around.new_uuid(),
                volume_id=volume_id,
                name=name,
                description=description,
                status="creating",
                size=volume.size,
                project_id=context.project_id,
                user_id=context.user_id,
                metadata=dict(metadata or {}),
                created_at=now,
                updated_at=now,
            )
            add_snapshot(transaction, snapshot)
        try:
            location = around.ask(
                volume.backend,
                "take a snapshot",
                lambda backend: backend.create_snapshot(snapshot, volume),
            )
        except CellrigError:
            self._set(snapshot.id, "error")
            raise
        with self._transaction() as transaction:
            change_snapshot(
                transaction, snapshot.id, status="available", provider_location=location
            )
            return find_snapshot(transaction, context, snapshot.id)

    def get(self, context: RequestContext, snapshot_id: str) -> VolumeSnapshot:
        """See `VolumeClient.snapshot_get`."""
        with self._transaction() as transaction:
            return find_snapshot(transaction, context, snapshot_id)

    def all(
        self, context: RequestContext, all_projects: bool = False
    ) -> tuple[VolumeSnapshot, ...]:
        """See `VolumeClient.snapshot_list`; administrators may ask for those of all projects."""
        with self._transaction() as transaction:
            if all_projects and context.is_admin:
                rows = transaction.all(_ALL)
            else:
                rows = transaction.all(_OF_PROJECT, project_id=context.project_id)
        return tuple(map(snapshot_of, rows))

    def change(self, context: RequestContext, snapshot_id: str, **changes: Any) -> VolumeSnapshot:
        """Change a name, a description or the whole metadata; None is a value too."""
        with self._transaction() as transaction:
            find_snapshot(transaction, context, snapshot_id)
            change_snapshot(transaction, snapshot_id, **changes)
            return find_snapshot(transaction, context, snapshot_id)

    def change_metadata(
        self,
        context: RequestContext,
        snapshot_id: str,
        change: Callable[[dict[str, str]], dict[str, str]],
    ) -> dict[str, str]:
        """Let `change` make new metadata of what a snapshot has, in one step; return them."""
        with self._transaction() as transaction:
            known = find_snapshot(transaction, context, snapshot_id).metadata
            made = change(known)
            change_snapshot(transaction, snapshot_id, metadata=made)
            return made

    def delete(self, context: RequestContext, snapshot_id: str) -> None:
        """See `VolumeClient.snapshot_delete`.

        Raises:
            BackendFailed: the snapshot is error_deleting; deleting it can be tried again.
        """
        with self._transaction() as transaction:
            snapshot = find_snapshot(transaction, context, snapshot_id)
            if snapshot.status not in _DELETABLE:
                told = ", ".join(_DELETABLE)
                raise InvalidSnapshot(
                    snapshot_id, f"is {snapshot.status}: to delete it must be {told}"
                )
            volume = get_volume(transaction, snapshot.volume_id)
            change_snapshot(transaction, snapshot_id, status="deleting")
        self._finish_delete(volume, snapshot)

    def force_delete(self, context: RequestContext, snapshot_id: str) -> None:
        """Delete a snapshot in whatever status it is (administrators); raises as `delete`."""
        check_admin(context, "delete a snapshot by force")
        with self._transaction() as transaction:
            snapshot = find_snapshot(transaction, context, snapshot_id)
            volume = get_volume(transaction, snapshot.volume_id)
            change_snapshot(transaction, snapshot_id, status="deleting")
        self._finish_delete(volume, snapshot)

    def _finish_delete(self, volume: VolumeRecord, snapshot: VolumeSnapshot) -> None:
        around = self._around
        try:
            around.ask(
                volume.backend,
                "delete a snapshot",
                lambda backend: backend.delete_snapshot(snapshot),
            )
        except CellrigError:
            self._set(snapshot.id, "error_deleting")
            raise
        with self._transaction() as transaction:
            remove_snapshot(transaction, snapshot.id)

    def tell_status(self, context: RequestContext, snapshot_id: str, status: str) -> VolumeSnapshot:
        """Say how the creation or deletion of a snapshot goes on, for whoever does it elsewhere.

        Raises:
            Invalid: what the snapshot is doing does not lead to this status.
        """
        with self._transaction() as transaction:
            known = find_snapshot(transaction, context, snapshot_id)
            if status not in _GOES_ON.get(known.status, ()):
                told = "; ".join(f"{a}: {', '.join(b)}" for a, b in _GOES_ON.items())
                raise Invalid(
                    f"snapshot {snapshot_id} is {known.status} and was told to be {status}; "
                    f"what can be told is {told}"
                )
            change_snapshot(transaction, snapshot_id, status=status)
            return find_snapshot(transaction, context, snapshot_id)

    def reset_status(
        self, context: RequestContext, snapshot_id: str, status: str
    ) -> VolumeSnapshot:
        """See `VolumeClient.snapshot_reset_status`."""
        check_admin(context, "reset the status of a snapshot")
        with self._transaction() as transaction:
            find_snapshot(transaction, context, snapshot_id)
            change_snapshot(transaction, snapshot_id, status=status)
            return find_snapshot(transaction, context, snapshot_id)

    def _set(self, snapshot_id: str, status: str) -> None:
        with self._transaction() as transaction:
            change_snapshot(transaction, snapshot_id, status=status)
