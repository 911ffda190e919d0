"""Handing volumes over to other projects: whoever has the key may take them."""

from __future__ import annotations

import hashlib
import hmac

import msgspec
from sqlalchemy import bindparam, select

from cellrig.context import RequestContext
from cellrig.db.database import Row, Statement, Transaction
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.volume import tables
from cellrig.volume.checks import check_not_migrating, check_status
from cellrig.volume.errors import InvalidVolume, TransferNotFound, WrongTransferKey
from cellrig.volume.quotas import Wanted, check_quota
from cellrig.volume.records import (
    VolumeRecord,
    change_snapshot,
    change_volume,
    count_snapshots,
    find_volume,
    get_volume,
    snapshot_of,
    visible,
)
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import VolumeSnapshot, VolumeStatus

_NEWEST_FIRST = tables.transfers.c.number.desc()
_ALL = Statement(select(tables.transfers).order_by(_NEWEST_FIRST))
_OF_PROJECT = Statement(
    select(tables.transfers)
    .where(tables.transfers.c.project_id == bindparam("project_id"))
    .order_by(_NEWEST_FIRST)
)


class Transfer(msgspec.Struct, frozen=True):
    """A volume that waits for another project.

    Args:
        project_id: the one that gives it away.
        key_digest: what the key is checked against.
        without_snapshots: the volume must have none (Block Storage API 3.55).
    """

    id: str
    name: str
    volume_id: str
    project_id: str
    key_digest: str
    without_snapshots: bool
    created_at: float


class Transfers:
    """Transfers that have not been accepted: an accepted one is over."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._transaction = around.database.transaction

    def create(
        self, context: RequestContext, volume_id: str, name: str, *, without_snapshots: bool
    ) -> tuple[Transfer, str]:
        """Offer an available volume; return the transfer and the key, which is told but once."""
        around = self._around
        key = around.new_uuid().replace("-", "")[:16]
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            check_status(transaction, volume, "transfer", VolumeStatus.AVAILABLE)
            check_not_migrating(volume, "transfer")
            snapshots = count_snapshots(transaction, volume_id)
            if without_snapshots and snapshots:
                raise InvalidVolume(volume_id, f"has {snapshots} snapshots, which were to stay")
            transfer_id = around.new_uuid()
            transfer = Transfer(
                transfer_id,
                name,
                volume_id,
                volume.project_id,
                _digest(transfer_id, key),
                without_snapshots,
                around.runtime.now(),
            )
            row = msgspec.structs.asdict(transfer)
            transaction.run(insert_into(tables.transfers), **row)
            change_volume(transaction, volume_id, status=VolumeStatus.AWAITING_TRANSFER)
        return transfer, key

    def get(self, context: RequestContext, transfer_id: str) -> Transfer:
        """Return a transfer of the caller's project."""
        with self._transaction() as transaction:
            found = _get(transaction, transfer_id)
        if not visible(context, found.project_id):
            raise TransferNotFound(transfer_id)
        return found

    def all(self, context: RequestContext, all_projects: bool) -> list[Transfer]:
        """Return the project's transfers (or all, for an administrator), the newest first."""
        with self._transaction() as transaction:
            if all_projects and context.is_admin:
                rows = transaction.all(_ALL)
            else:
                rows = transaction.all(_OF_PROJECT, project_id=context.project_id)
        return [_transfer(row) for row in rows]

    def delete(self, context: RequestContext, transfer_id: str) -> None:
        """Take an offer back: the volume is available again."""
        with self._transaction() as transaction:
            found = _get(transaction, transfer_id)
            if not visible(context, found.project_id):
                raise TransferNotFound(transfer_id)
            change_volume(transaction, found.volume_id, status=VolumeStatus.AVAILABLE)
            transaction.run(delete_by(tables.transfers, "id"), id=transfer_id)

    def accept(self, context: RequestContext, transfer_id: str, key: str) -> Transfer:
        """Take a volume, with its snapshots, into the caller's project.

        Raises:
            TransferNotFound: there is none.
            WrongTransferKey: the key is another one.
            OverQuota: the project may not have so much.
        """
        with self._transaction() as transaction:
            found = _get(transaction, transfer_id)
            if not hmac.compare_digest(_digest(transfer_id, key), found.key_digest):
                raise WrongTransferKey(transfer_id)
            volume = get_volume(transaction, found.volume_id)
            if volume.status is not VolumeStatus.AWAITING_TRANSFER:
                raise InvalidVolume(volume.id, f"is {volume.status}: it is not offered")
            snapshots = _snapshots(transaction, volume.id)
            more = {
                "volumes": 1,
                "snapshots": len(snapshots),
                "gigabytes": volume.size + sum(each.size for each in snapshots),
            }
            owner = context.project_id
            check_quota(transaction, Wanted(context, owner, volume.volume_type_id, more))
            _hand_over(transaction, volume, snapshots, context)
            transaction.run(delete_by(tables.transfers, "id"), id=transfer_id)
        return found


def _hand_over(
    transaction: Transaction,
    volume: VolumeRecord,
    snapshots: list[VolumeSnapshot],
    context: RequestContext,
) -> None:
    owner = {"project_id": context.project_id, "user_id": context.user_id}
    change_volume(transaction, volume.id, status=VolumeStatus.AVAILABLE, **owner)
    for snapshot in snapshots:
        change_snapshot(transaction, snapshot.id, **owner)


def _snapshots(transaction: Transaction, volume_id: str) -> list[VolumeSnapshot]:
    rows = transaction.all(select_by(tables.snapshots, "volume_id"), volume_id=volume_id)
    return [snapshot_of(row) for row in rows]


def _get(transaction: Transaction, transfer_id: str) -> Transfer:
    row = transaction.one(select_by(tables.transfers, "id"), id=transfer_id)
    if row is None:
        raise TransferNotFound(transfer_id)
    return _transfer(row)


def _transfer(row: Row) -> Transfer:
    _number, transfer_id, name, volume_id, project_id, digest, without, created_at = row
    return Transfer(transfer_id, name, volume_id, project_id, digest, bool(without), created_at)


def _digest(transfer_id: str, key: str) -> str:
    return hashlib.sha256(f"{transfer_id}/{key}".encode()).hexdigest()
