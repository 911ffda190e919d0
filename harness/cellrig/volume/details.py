"""What users note on volumes, and the operations that are made of several others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import bindparam, select

from cellrig.context import RequestContext
from cellrig.db.database import Statement
from cellrig.errors import Invalid
from cellrig.volume import tables
from cellrig.volume.checks import check_admin, current_status
from cellrig.volume.errors import InvalidVolume
from cellrig.volume.records import (
    attachment_of,
    attachments_of,
    change_volume,
    find_volume,
    snapshot_of,
)
from cellrig.volume.snapshots import Snapshots
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import Attachment, AttachmentStatus, VolumeStatus
from cellrig.volume.volumes import Volumes

#: The availability zone of all volumes.
ZONE = "nova"

Change = Callable[[dict[str, str]], dict[str, str]]

_SNAPSHOTS = Statement(
    select(tables.snapshots)
    .where(tables.snapshots.c.volume_id == bindparam("volume_id"))
    .order_by(tables.snapshots.c.number.desc())
)
_ATTACHMENTS = Statement(
    select(tables.attachments)
    .where(tables.attachments.c.volume_id.in_(bindparam("volume_ids", expanding=True)))
    .order_by(tables.attachments.c.number)
)
_MIGRATION_STATUSES = ("none", "migrating", "completing", "success", "error")


class Details:
    """Metadata of volumes, who has them, and deleting one with its snapshots."""

    def __init__(self, around: Surroundings, volumes: Volumes, snapshots: Snapshots) -> None:
        self._transaction = around.database.transaction
        self._volumes = volumes
        self._snapshots = snapshots

    def metadata(self, context: RequestContext, volume_id: str, change: Change) -> dict[str, str]:
        """Let `change` make new metadata of what a volume has, in one step; return them."""
        with self._transaction() as transaction:
            made = change(find_volume(transaction, context, volume_id).metadata)
            change_volume(transaction, volume_id, metadata=made)
            return made

    def image_metadata(
        self, context: RequestContext, volume_id: str, change: Change
    ) -> dict[str, str]:
        """The same of what a volume keeps of the image that is on it."""
        with self._transaction() as transaction:
            made = change(find_volume(transaction, context, volume_id).image_metadata)
            change_volume(transaction, volume_id, image_metadata=made)
            return made

    def reset_migration(self, context: RequestContext, volume_id: str, status: str) -> None:
        """Say how far a volume's migration is (``os-reset_status``, administrators)."""
        check_admin(context, "reset the migration status of a volume")
        if status not in _MIGRATION_STATUSES:
            told = ", ".join(_MIGRATION_STATUSES)
            raise Invalid(f"migration_status takes one of {told}; it was given {status!r}")
        self._volumes.change_all(
            context, volume_id, migration_status=None if status == "none" else status
        )

    def attachments(self, volume_ids: Iterable[str]) -> dict[str, list[Attachment]]:
        """Return the attachments of volumes, the oldest first, by the volume's id."""
        asked = list(volume_ids)
        found: dict[str, list[Attachment]] = {volume_id: [] for volume_id in asked}
        if asked:
            with self._transaction() as transaction:
                rows = transaction.all(_ATTACHMENTS, volume_ids=asked)
            for attachment in map(attachment_of, rows):
                found[attachment.volume_id].append(attachment)
        return found

    def begin_detaching(self, context: RequestContext, volume_id: str) -> list[str]:
        """Check that a volume is attached (``os-begin_detaching``); return by which attachments."""
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            status = current_status(transaction, volume)
            if status is not VolumeStatus.IN_USE:
                raise InvalidVolume(volume_id, f"is {status}: to be detached it must be in-use")
            attachments = attachments_of(transaction, volume_id)
        return [each.id for each in attachments if each.status is AttachmentStatus.ATTACHED]

    def delete_with_snapshots(self, context: RequestContext, volume_id: str) -> None:
        """Delete a volume's snapshots, and then the volume; one that is in use keeps them."""
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            if attachments_of(transaction, volume_id):
                status = current_status(transaction, volume)
                raise InvalidVolume(volume_id, f"is {status} and must stay")
            snapshots = map(snapshot_of, transaction.all(_SNAPSHOTS, volume_id=volume_id))
        for snapshot in snapshots:
            self._snapshots.delete(context, snapshot.id)
        self._volumes.delete(context, volume_id)


def check_zone(name: str | None) -> None:
    """Check that there is an availability zone; None is any.

    Raises:
        Invalid: there is none of this name.
    """
    if name not in (None, "", ZONE):
        raise Invalid(f"availability zone {name!r} is invalid; there is {ZONE!r}")
