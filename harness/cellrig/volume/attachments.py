"""Attachments: who may have a volume, and how far that has come.

The rules are Cinder's (`attachment_create`, `attachment_update` and the multi-attach guide):

- A volume that is free takes an attachment of any server.
- One that is not multiattach takes another only of the server that has it, which is moving to
  another host and needs the volume on both for a while. This holds whatever status somebody has
  reset the volume to: the attachments decide (bug 1908075).
- One that is multiattach takes any number, of any servers, several also of one server and one
  host. Each is a use of its own, and ends on its own.
- Two attachments of a volume that is not multiattach are never connected to one host: the first
  disconnect would cut off both. So a move within a host deletes the old one first.
- A volume that is read-only takes attachments of mode ``ro`` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cellrig.context import RequestContext
from cellrig.db.database import Statement, Transaction
from cellrig.db.statements import select_by
from cellrig.volume import tables
from cellrig.volume.checks import check_not_migrating, source_of
from cellrig.volume.errors import (
    AttachmentExists,
    AttachmentNotFound,
    InvalidAttachment,
    InvalidAttachMode,
    InvalidVolume,
)
from cellrig.volume.records import (
    VolumeRecord,
    add_attachment,
    attachment_of,
    attachments_of,
    change_attachment,
    find_attachment,
    find_volume,
)
from cellrig.volume.status import status_of
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import Attachment, AttachmentStatus, AttachMode, VolumeStatus

_TAKES_ATTACHMENTS = (
    VolumeStatus.AVAILABLE,
    VolumeStatus.RESERVED,
    VolumeStatus.ATTACHING,
    VolumeStatus.IN_USE,
)
#: What a volume of many uses may be as well: each use of it ends on its own.
_ALSO_WHEN_MULTIATTACH = (VolumeStatus.DETACHING,)
_COMPLETE = (AttachmentStatus.RESERVED, AttachmentStatus.ATTACHING, AttachmentStatus.ATTACHED)
_ORDER = tables.attachments.c.number
_LISTS: dict[tuple[str, ...], Statement] = {
    keys: Statement(
        select(tables.attachments)
        .where(*[tables.attachments.c[key] == bindparam(key) for key in keys])
        .order_by(_ORDER)
    )
    for keys in (
        (),
        ("volume_id",),
        ("instance_uuid",),
        ("instance_uuid", "volume_id"),
        ("project_id",),
        ("project_id", "volume_id"),
        ("instance_uuid", "project_id"),
        ("instance_uuid", "project_id", "volume_id"),
    )
}


class Attachments:
    """The uses of volumes, without what connects them to hosts (see `Connections`)."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._transaction = around.database.transaction

    def reserve(
        self,
        context: RequestContext,
        volume_id: str,
        instance_uuid: str | None,
        mode: AttachMode | None,
        attachment_id: str | None,
    ) -> tuple[Attachment, bool]:
        """Write a reserved attachment, unless there is this one.

        Returns:
            The attachment, and whether it has been written.
        """
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            known = None
            if attachment_id is not None:
                known = self._known(transaction, attachment_id, volume_id, instance_uuid)
            if known is not None:
                return known, False
            return self.write(transaction, volume, instance_uuid, mode, attachment_id), True

    def write(
        self,
        transaction: Transaction,
        volume: VolumeRecord,
        instance_uuid: str | None,
        mode: AttachMode | None,
        attachment_id: str | None,
    ) -> Attachment:
        """Write a reserved attachment, in a transaction that is open.

        Raises:
            InvalidVolume: the volume does not take it.
        """
        self._check_takes(transaction, volume, instance_uuid)
        attachment = Attachment(
            id=attachment_id or self._around.new_uuid(),
            volume_id=volume.id,
            instance_uuid=instance_uuid,
            project_id=volume.project_id,
            status=AttachmentStatus.RESERVED,
            mode=_mode(volume, mode),
            created_at=self._around.runtime.now(),
        )
        add_attachment(transaction, attachment)
        return attachment

    def _known(
        self,
        transaction: Transaction,
        attachment_id: str,
        volume_id: str,
        instance_uuid: str | None,
    ) -> Attachment | None:
        row = transaction.one(select_by(tables.attachments, "id"), id=attachment_id)
        if row is None:
            return None
        known = attachment_of(row)
        if (known.volume_id, known.instance_uuid) != (volume_id, instance_uuid):
            raise AttachmentExists(attachment_id, known.volume_id, known.instance_uuid)
        return known

    def _check_takes(
        self, transaction: Transaction, volume: VolumeRecord, instance_uuid: str | None
    ) -> None:
        if not self._is_swapped_to(transaction, volume, instance_uuid):
            check_not_migrating(volume, "attach")
        if volume.status is VolumeStatus.ATTACHING:
            raise InvalidVolume(volume.id, "is attaching: somebody has reserved it")
        attachments = attachments_of(transaction, volume.id)
        status = status_of(volume.status, [each.status for each in attachments])
        if status is VolumeStatus.ERROR and _are_of(attachments, instance_uuid):
            status = volume.status  # what failed was its own attempt: it may try again
        takes = _TAKES_ATTACHMENTS + (_ALSO_WHEN_MULTIATTACH if volume.multiattach else ())
        if status not in takes:
            told = ", ".join(takes)
            raise InvalidVolume(volume.id, f"is {status}: to attach it must be {told}")
        if volume.multiattach:
            return
        for each in attachments:
            if instance_uuid is None or each.instance_uuid != instance_uuid:
                raise InvalidVolume(
                    volume.id,
                    f"is {status} by server {each.instance_uuid} and not multiattach: "
                    f"server {instance_uuid} cannot have it as well",
                )

    def _is_swapped_to(
        self, transaction: Transaction, volume: VolumeRecord, instance_uuid: str | None
    ) -> bool:
        """Whether a server shall have a migrating volume's new data in place of the old."""
        migrates = source_of(volume)
        return migrates is not None and any(
            each.instance_uuid == instance_uuid for each in attachments_of(transaction, migrates)
        )

    # -- looking -------------------------------------------------------------------------------

    def get(self, context: RequestContext, attachment_id: str) -> Attachment:
        """See `VolumeClient.attachment_get`."""
        with self._transaction() as transaction:
            return find_attachment(transaction, context, attachment_id)

    def all(
        self,
        context: RequestContext,
        volume_id: str | None,
        instance_uuid: str | None,
        all_projects: bool,
    ) -> tuple[Attachment, ...]:
        """See `VolumeClient.attachment_list`."""
        wanted: dict[str, Any] = {}
        if instance_uuid is not None:
            wanted["instance_uuid"] = instance_uuid
        if not (all_projects and context.is_admin):
            wanted["project_id"] = context.project_id
        if volume_id is not None:
            wanted["volume_id"] = volume_id
        with self._transaction() as transaction:
            rows = transaction.all(_LISTS[tuple(sorted(wanted))], **wanted)
        return tuple(map(attachment_of, rows))

    # -- steps that no backend takes part in ---------------------------------------------------

    def complete(self, context: RequestContext, attachment_id: str) -> None:
        """See `VolumeClient.attachment_complete`.

        A connector is not asked for: a server that is shelved and offloaded has its volumes
        attached without one.
        """
        with self._transaction() as transaction:
            attachment = find_attachment(transaction, context, attachment_id)
            if attachment.status not in _COMPLETE:
                told = ", ".join(_COMPLETE)
                raise InvalidAttachment(
                    attachment_id, f"is {attachment.status}: to be completed it must be {told}"
                )
            if attachment.status is not AttachmentStatus.ATTACHED:
                change_attachment(
                    transaction,
                    attachment_id,
                    status=AttachmentStatus.ATTACHED,
                    attached_at=self._around.runtime.now(),
                )

    def begin_detaching(self, context: RequestContext, attachment_id: str) -> None:
        """See `VolumeClient.begin_detaching`."""
        with self._transaction() as transaction:
            attachment = find_attachment(transaction, context, attachment_id)
            if attachment.status is not AttachmentStatus.ATTACHED:
                raise InvalidAttachment(
                    attachment_id, f"is {attachment.status}: to be detached it must be attached"
                )
            change_attachment(transaction, attachment_id, status=AttachmentStatus.DETACHING)

    def roll_detaching(self, context: RequestContext, attachment_id: str) -> None:
        """See `VolumeClient.roll_detaching`."""
        with self._transaction() as transaction:
            try:
                attachment = find_attachment(transaction, context, attachment_id)
            except AttachmentNotFound as error:
                self._around.seams.handled(error, "nothing is being detached")
                return
            if attachment.status is AttachmentStatus.DETACHING:
                change_attachment(transaction, attachment_id, status=AttachmentStatus.ATTACHED)


def _are_of(attachments: Sequence[Attachment], instance_uuid: str | None) -> bool:
    return instance_uuid is not None and {a.instance_uuid for a in attachments} == {instance_uuid}


def _mode(volume: VolumeRecord, asked: AttachMode | None) -> AttachMode:
    if asked is None:
        return AttachMode.READ_ONLY if volume.read_only else AttachMode.READ_WRITE
    if volume.read_only and asked is not AttachMode.READ_ONLY:
        raise InvalidAttachMode(str(asked), volume.id)
    return asked
