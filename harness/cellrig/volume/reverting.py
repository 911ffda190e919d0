"""Letting a volume be again what its last snapshot holds (Block Storage API 3.40)."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from cellrig.context import RequestContext
from cellrig.db.database import Statement, Transaction
from cellrig.errors import CellrigError, Invalid
from cellrig.volume import tables
from cellrig.volume.backends.interface import VolumeBackend
from cellrig.volume.checks import check_not_migrating, check_status
from cellrig.volume.errors import InvalidSnapshot
from cellrig.volume.records import VolumeRecord, change_volume, find_volume, snapshot_of
from cellrig.volume.showing import show
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import Volume, VolumeSnapshot, VolumeStatus

_LAST = Statement(
    select(tables.snapshots)
    .where(tables.snapshots.c.volume_id == bindparam("volume_id"))
    .order_by(tables.snapshots.c.number.desc())
    .limit(1)
)


class Reverting:
    """Reverts volumes to snapshots."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._transaction = around.database.transaction

    def revert(self, context: RequestContext, volume_id: str, snapshot_id: str) -> None:
        """Give an available volume the data of its last snapshot.

        Raises:
            Invalid: it is another snapshot, or the volume has grown since.
            BackendFailed: the volume is in error.
        """
        around = self._around
        with self._transaction() as transaction:
            record = find_volume(transaction, context, volume_id)
            check_status(transaction, record, "revert", VolumeStatus.AVAILABLE)
            check_not_migrating(record, "revert")
            snapshot = _last(transaction, record, snapshot_id)
            (volume,) = show(transaction, around.backends, [record])
            change_volume(transaction, volume_id, status=VolumeStatus.REVERTING)
        try:
            location = around.ask(
                volume.backend,
                "revert a volume",
                lambda backend: _revert(backend, volume, snapshot),
            )
        except CellrigError:
            with self._transaction() as transaction:
                change_volume(transaction, volume_id, status=VolumeStatus.ERROR)
            raise
        with self._transaction() as transaction:
            change_volume(
                transaction,
                volume_id,
                status=VolumeStatus.AVAILABLE,
                provider_location=location,
            )


def _last(transaction: Transaction, volume: VolumeRecord, snapshot_id: str) -> VolumeSnapshot:
    row = transaction.one(_LAST, volume_id=volume.id)
    found = None if row is None else snapshot_of(row)
    if found is None or found.id != snapshot_id:
        last = "none" if found is None else found.id
        raise Invalid(
            f"volume {volume.id} is reverted to its last snapshot ({last}), not to {snapshot_id}"
        )
    if found.status != "available":
        raise InvalidSnapshot(found.id, f"is {found.status}: to revert to it must be available")
    if found.size != volume.size:
        raise Invalid(f"volume {volume.id} has grown from {found.size} to {volume.size} GiB since")
    return found


def _revert(backend: VolumeBackend, volume: Volume, snapshot: VolumeSnapshot) -> str:
    """Make the volume anew in its own place, out of the snapshot; twice ends the same."""
    return backend.create_volume_from_snapshot(volume, snapshot)
