"""Snapshots of volumes."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, select

from cellrig.context import RequestContext
from cellrig.db.database import Statement
from cellrig.errors import CellrigError
from cellrig.volume import tables
from cellrig.volume.checks import check_not_migrating, check_status
from cellrig.volume.errors import InvalidSnapshot
from cellrig.volume.records import (
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
from cellrig.volume.volumes import check_admin

_OF_PROJECT = Statement(
    select(tables.snapshots)
    .where(tables.snapshots.c.project_id == bindparam("project_id"))
    .order_by(tables.snapshots.c.number.desc())
)
_DELETABLE = ("available", "error", "error_deleting")


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
            now = around.runtime.now()
            snapshot = VolumeSnapshot(
                id=around.new_uuid(),
                volume_id=volume_id,
                name=name,
                description=None,
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

    def all(self, context: RequestContext) -> tuple[VolumeSnapshot, ...]:
        """See `VolumeClient.snapshot_list`."""
        with self._transaction() as transaction:
            rows = transaction.all(_OF_PROJECT, project_id=context.project_id)
        return tuple(map(snapshot_of, rows))

    def delete(self, context: RequestContext, snapshot_id: str) -> None:
        """See `VolumeClient.snapshot_delete`.

        Raises:
            BackendFailed: the snapshot is error_deleting; deleting it can be tried again.
        """
        around = self._around
        with self._transaction() as transaction:
            snapshot = find_snapshot(transaction, context, snapshot_id)
            if snapshot.status not in _DELETABLE:
                told = ", ".join(_DELETABLE)
                raise InvalidSnapshot(
                    snapshot_id, f"is {snapshot.status}: to delete it must be {told}"
                )
            volume = get_volume(transaction, snapshot.volume_id)
            change_snapshot(transaction, snapshot_id, status="deleting")
        try:
            around.ask(
                volume.backend,
                "delete a snapshot",
                lambda backend: backend.delete_snapshot(snapshot),
            )
        except CellrigError:
            self._set(snapshot_id, "error_deleting")
            raise
        with self._transaction() as transaction:
            remove_snapshot(transaction, snapshot_id)

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
