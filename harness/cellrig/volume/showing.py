"""Volumes as callers see them: with the status that follows from their attachments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, select

from cellrig.db.database import Statement, Transaction
from cellrig.volume import tables
from cellrig.volume.records import VolumeRecord
from cellrig.volume.status import status_of
from cellrig.volume.surroundings import Backend
from cellrig.volume.types import AttachmentStatus, Volume

_STATUSES = Statement(
    select(tables.attachments.c.volume_id, tables.attachments.c.status).where(
        tables.attachments.c.volume_id.in_(bindparam("volume_ids", expanding=True))
    )
)
_TYPE_NAMES = Statement(select(tables.volume_types.c.id, tables.volume_types.c.name))


def show(
    transaction: Transaction, backends: Mapping[str, Backend], records: Iterable[VolumeRecord]
) -> tuple[Volume, ...]:
    """Return volumes as they are shown."""
    chosen = list(records)
    statuses: dict[str, list[AttachmentStatus]] = {}
    asked = [record.id for record in chosen]
    for volume_id, status in transaction.all(_STATUSES, volume_ids=asked) if asked else ():
        statuses.setdefault(volume_id, []).append(AttachmentStatus(status))
    names: dict[str, str] = dict(transaction.all(_TYPE_NAMES))
    return tuple(shown(record, statuses.get(record.id, ()), names, backends) for record in chosen)


def shown(
    record: VolumeRecord,
    attachments: Iterable[AttachmentStatus],
    type_names: Mapping[str, str],
    backends: Mapping[str, Backend],
) -> Volume:
    """Return one volume as it is shown."""
    backend = backends[record.backend]
    return Volume(
        id=record.id,
        name=record.name,
        description=record.description,
        size=record.size,
        status=status_of(record.status, attachments),
        volume_type=type_names.get(record.volume_type_id, record.volume_type_id),
        volume_type_id=record.volume_type_id,
        multiattach=record.multiattach,
        bootable=record.bootable,
        read_only=record.read_only,
        project_id=record.project_id,
        user_id=record.user_id,
        availability_zone=record.availability_zone,
        backend=record.backend,
        backend_uuid=backend.uuid,
        shared_targets=backend.driver.shared_targets,
        provider_location=record.provider_location,
        image_id=record.image_id,
        snapshot_id=record.snapshot_id,
        source_volume_id=record.source_volume_id,
        image_metadata=record.image_metadata,
        metadata=record.metadata,
        migration_status=record.migration_status,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )
