"""Volumes, attachments, snapshots and types as rows, and back."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Column, Table, bindparam, func, select

from cellrig.context import RequestContext
from cellrig.db.database import Row, Statement, Transaction
from cellrig.db.statements import delete_by, insert_into, select_by, update_by
from cellrig.driver.reports import Connector
from cellrig.volume import tables
from cellrig.volume.errors import (
    AttachmentNotFound,
    SnapshotNotFound,
    VolumeNotFound,
    VolumeTypeNotFound,
)
from cellrig.volume.types import (
    Attachment,
    AttachmentStatus,
    AttachMode,
    VolumeSnapshot,
    VolumeStatus,
    VolumeType,
)

_decode_strings = msgspec.json.Decoder(dict[str, str]).decode
_decode_connector = msgspec.json.Decoder(Connector).decode
_decode_info = msgspec.json.Decoder(dict[str, Any]).decode

_OLDEST_FIRST = Statement(
    select(tables.attachments)
    .where(tables.attachments.c.volume_id == bindparam("volume_id"))
    .order_by(tables.attachments.c.number)
)
_SNAPSHOTS_OF = Statement(
    select(func.count())
    .select_from(tables.snapshots)
    .where(tables.snapshots.c.volume_id == bindparam("volume_id"))
)
_SIZE_ON = Statement(
    select(func.coalesce(func.sum(tables.volumes.c.size), 0)).where(
        tables.volumes.c.backend == bindparam("backend")
    )
)


class VolumeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A volume as it is stored; the fields are those of `Volume`.

    Args:
        status: what the volume itself is doing; what it shows is `cellrig.volume.status`.
        volume_type_id: of its type.
    """

    id: str
    name: str
    description: str | None
    size: int
    status: VolumeStatus
    volume_type_id: str
    multiattach: bool
    bootable: bool
    read_only: bool | None
    project_id: str
    user_id: str
    availability_zone: str
    backend: str
    provider_location: str | None = None
    image_id: str | None = None
    snapshot_id: str | None = None
    source_volume_id: str | None = None
    image_metadata: dict[str, str] = {}
    metadata: dict[str, str] = {}
    migration_status: str | None = None
    created_at: float
    updated_at: float


def visible(context: RequestContext, project_id: str) -> bool:
    """Whether a caller may see what a project has."""
    return context.is_admin or context.project_id == project_id


# -- volumes -----------------------------------------------------------------------------------


def volume_record(row: Row) -> VolumeRecord:
    """Make a volume of a row."""
    values: dict[str, Any] = dict(zip(_columns(tables.volumes), row[1:], strict=True))
    for flag in ("multiattach", "bootable"):
        values[flag] = bool(values[flag])
    if values["read_only"] is not None:
        values["read_only"] = bool(values["read_only"])
    values["status"] = VolumeStatus(values["status"])
    for mapping in ("image_metadata", "metadata"):
        values[mapping] = _decode_strings(values[mapping])
    return VolumeRecord(**values)


def find_volume(transaction: Transaction, context: RequestContext, volume_id: str) -> VolumeRecord:
    """Return a volume that the caller may see.

    Raises:
        VolumeNotFound: there is none.
    """
    found = get_volume(transaction, volume_id)
    if not visible(context, found.project_id):
        raise VolumeNotFound(volume_id)
    return found


def get_volume(transaction: Transaction, volume_id: str) -> VolumeRecord:
    """Return a volume, whoever asks.

    Raises:
        VolumeNotFound: there is none.
    """
    row = transaction.one(select_by(tables.volumes, "id"), id=volume_id)
    if row is None:
        raise VolumeNotFound(volume_id)
    return volume_record(row)


def add_volume(transaction: Transaction, volume: VolumeRecord) -> None:
    """Write a new volume."""
    transaction.run(insert_into(tables.volumes), **_values(volume))


def change_volume(transaction: Transaction, volume_id: str, **changes: Any) -> bool:
    """Change columns of a volume; return whether it is there."""
    statement = update_by(tables.volumes, "id", *sorted((*changes, "updated_at")))
    changes.setdefault("updated_at", transaction.now())
    return bool(transaction.run(statement, by_id=volume_id, **_encoded(changes)))


def remove_volume(transaction: Transaction, volume_id: str) -> None:
    """Delete a volume's row."""
    transaction.run(delete_by(tables.volumes, "id"), id=volume_id)


def size_on(transaction: Transaction, backend: str) -> int:
    """Return the GiB that all volumes of a backend have together."""
    row = transaction.one(_SIZE_ON, backend=backend)
    return int(row[0]) if row else 0


# -- attachments -------------------------------------------------------------------------------


def attachment_of(row: Row) -> Attachment:
    """Make an attachment of a row."""
    values: dict[str, Any] = dict(zip(_columns(tables.attachments), row[1:], strict=True))
    values["status"] = AttachmentStatus(values["status"])
    values["mode"] = AttachMode(values["mode"])
    connector = values["connector"]
    values["connector"] = None if connector is None else _decode_connector(connector)
    values["connection_info"] = _decode_info(values["connection_info"])
    return Attachment(**values)


def attachments_of(transaction: Transaction, volume_id: str) -> list[Attachment]:
    """Return all attachments of a volume, the oldest first."""
    return [attachment_of(row) for row in transaction.all(_OLDEST_FIRST, volume_id=volume_id)]


def find_attachment(
    transaction: Transaction, context: RequestContext, attachment_id: str
) -> Attachment:
    """Return an attachment that the caller may see.

    Raises:
        AttachmentNotFound: there is none.
    """
    row = transaction.one(select_by(tables.attachments, "id"), id=attachment_id)
    if row is None or not visible(context, (found := attachment_of(row)).project_id):
        raise AttachmentNotFound(attachment_id)
    return found


def add_attachment(transaction: Transaction, attachment: Attachment) -> None:
    """Write a new attachment."""
    transaction.run(insert_into(tables.attachments), **_values(attachment))


def change_attachment(transaction: Transaction, attachment_id: str, **changes: Any) -> bool:
    """Change columns of an attachment; return whether it is there."""
    statement = update_by(tables.attachments, "id", *sorted(changes))
    return bool(transaction.run(statement, by_id=attachment_id, **_encoded(changes)))


def move_attachments(transaction: Transaction, between: tuple[str, str]) -> None:
    """Let two volumes have each other's attachments."""
    one, other = (attachments_of(transaction, volume_id) for volume_id in between)
    for attachments, volume_id in ((one, between[1]), (other, between[0])):
        for each in attachments:
            change_attachment(transaction, each.id, volume_id=volume_id)


def remove_attachment(transaction: Transaction, attachment_id: str) -> bool:
    """Delete an attachment's row; return whether it was there."""
    return bool(transaction.run(delete_by(tables.attachments, "id"), id=attachment_id))


# -- snapshots ---------------------------------------------------------------------------------


def snapshot_of(row: Row) -> VolumeSnapshot:
    """Make a snapshot of a row."""
    values: dict[str, Any] = dict(zip(_columns(tables.snapshots), row[1:], strict=True))
    values["metadata"] = _decode_strings(values["metadata"])
    return VolumeSnapshot(**values)


def count_snapshots(transaction: Transaction, volume_id: str) -> int:
    """Return how many snapshots a volume has."""
    row = transaction.one(_SNAPSHOTS_OF, volume_id=volume_id)
    return int(row[0]) if row else 0


def find_snapshot(
    transaction: Transaction, context: RequestContext, snapshot_id: str
) -> VolumeSnapshot:
    """Return a snapshot that the caller may see.

    Raises:
        SnapshotNotFound: there is none.
    """
    row = transaction.one(select_by(tables.snapshots, "id"), id=snapshot_id)
    if row is None or not visible(context, (found := snapshot_of(row)).project_id):
        raise SnapshotNotFound(snapshot_id)
    return found


def add_snapshot(transaction: Transaction, snapshot: VolumeSnapshot) -> None:
    """Write a new snapshot."""
    transaction.run(insert_into(tables.snapshots), **_values(snapshot))


def change_snapshot(transaction: Transaction, snapshot_id: str, **changes: Any) -> bool:
    """Change columns of a snapshot; return whether it is there."""
    statement = update_by(tables.snapshots, "id", *sorted((*changes, "updated_at")))
    changes.setdefault("updated_at", transaction.now())
    return bool(transaction.run(statement, by_id=snapshot_id, **_encoded(changes)))


def remove_snapshot(transaction: Transaction, snapshot_id: str) -> None:
    """Delete a snapshot's row."""
    transaction.run(delete_by(tables.snapshots, "id"), id=snapshot_id)


# -- types -------------------------------------------------------------------------------------


def type_of(row: Row) -> VolumeType:
    """Make a volume type of a row."""
    return VolumeType(
        id=row[0],
        name=row[1],
        description=row[2],
        is_public=bool(row[3]),
        extra_specs=_decode_strings(row[4]),
    )


def find_type(transaction: Transaction, context: RequestContext, name_or_id: str) -> VolumeType:
    """Return a volume type that the caller may use.

    Raises:
        VolumeTypeNotFound: there is none.
    """
    for key in ("id", "name"):
        row = transaction.one(select_by(tables.volume_types, key), **{key: name_or_id})
        if row is not None and may_use(transaction, context, found := type_of(row)):
            return found
    raise VolumeTypeNotFound(name_or_id)


def may_use(transaction: Transaction, context: RequestContext, volume_type: VolumeType) -> bool:
    """Whether a caller may use a volume type: it is public, or the project has access to it."""
    if volume_type.is_public or context.is_admin:
        return True
    statement = select_by(tables.type_access, "volume_type_id", "project_id")
    given = {"volume_type_id": volume_type.id, "project_id": context.project_id}
    return transaction.one(statement, **given) is not None


def add_type(transaction: Transaction, volume_type: VolumeType) -> None:
    """Write a new volume type."""
    transaction.run(insert_into(tables.volume_types), **_values(volume_type))


def change_type(transaction: Transaction, type_id: str, **changes: Any) -> None:
    """Change columns of a volume type."""
    statement = update_by(tables.volume_types, "id", *sorted(changes))
    transaction.run(statement, by_id=type_id, **_encoded(changes))


# -- both ways ---------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _columns(table: Table) -> tuple[str, ...]:
    """Return the columns after the number, in their order."""
    columns: list[Column[Any]] = list(table.columns)
    return tuple(column.name for column in columns[1:])


def _values(value: msgspec.Struct) -> dict[str, Any]:
    return _encoded({name: getattr(value, name) for name in value.__struct_fields__})


def _encoded(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as columns take them."""
    return {
        name: msgspec.json.encode(value).decode()
        if isinstance(value, dict | msgspec.Struct)
        else str(value)
        if isinstance(value, VolumeStatus | AttachmentStatus | AttachMode)
        else value
        for name, value in values.items()
    }
