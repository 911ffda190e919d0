"""Attaching volumes in the steps that there were before attachments (until Block Storage API 3.26).

``os-reserve`` marks the volume itself: it is attaching, without an attachment. ``os-attach`` makes
an attachment that is attached at once, of a server or of a host; ``os-detach`` ends it.
``os-initialize_connection`` and ``os-terminate_connection`` ask the backend alone.
"""

from __future__ import annotations

from typing import Any

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.driver.reports import Connector
from cellrig.volume.attachments import Attachments
from cellrig.volume.checks import check_status
from cellrig.volume.details import Details
from cellrig.volume.errors import InvalidVolume
from cellrig.volume.records import (
    VolumeRecord,
    attachments_of,
    change_attachment,
    change_volume,
    find_volume,
    get_volume,
)
from cellrig.volume.releases import Releases
from cellrig.volume.showing import show
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import Attachment, AttachmentStatus, AttachMode, Volume, VolumeStatus


class OlderAttaching:
    """The volume actions that attach and detach.

    Args:
        around: what the operations work with.
        attachments, releases, details: the steps of attachments that they are made of.
    """

    def __init__(
        self,
        around: Surroundings,
        attachments: Attachments,
        releases: Releases,
        details: Details,
    ) -> None:
        self._around = around
        self._transaction = around.database.transaction
        self._attachments = attachments
        self._releases = releases
        self._details = details

    def reserve(self, context: RequestContext, volume_id: str) -> None:
        """Keep a volume for who is about to attach it."""
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            allowed = [VolumeStatus.AVAILABLE]
            if volume.multiattach:
                allowed.append(VolumeStatus.IN_USE)
            check_status(transaction, volume, "be reserved", *allowed)
            if attachments_of(transaction, volume_id):
                return  # it stays in use, and takes others
            change_volume(transaction, volume_id, status=VolumeStatus.ATTACHING)

    def unreserve(self, context: RequestContext, volume_id: str) -> None:
        """Let a volume be available again; harmless where it is not reserved."""
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            if volume.status is VolumeStatus.ATTACHING:
                change_volume(transaction, volume_id, status=VolumeStatus.AVAILABLE)

    def attach(
        self,
        context: RequestContext,
        volume_id: str,
        instance_uuid: str | None,
        host: str | None,
        mountpoint: str | None,
        mode: AttachMode | None,
    ) -> Attachment:
        """Note that a server or a host has a volume.

        Raises:
            InvalidVolume: somebody else has it.
        """
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            if volume.status is VolumeStatus.ATTACHING:
                change_volume(transaction, volume_id, status=VolumeStatus.AVAILABLE)
                volume = find_volume(transaction, context, volume_id)
            self._check_others(transaction, volume, instance_uuid)
            attachment = self._attachments.write(transaction, volume, instance_uuid, mode, None)
            connector = None if host is None else Connector(host=host, mountpoint=mountpoint)
            changes: dict[str, Any] = {
                "status": AttachmentStatus.ATTACHED,
                "attached_at": self._around.runtime.now(),
                "mountpoint": mountpoint,
            }
            if connector is not None:
                changes["connector"] = connector
            change_attachment(transaction, attachment.id, **changes)
            return attachment

    def _check_others(
        self, transaction: Transaction, volume: VolumeRecord, instance_uuid: str | None
    ) -> None:
        """A server that is moving has attachments of its own; these calls know of none."""
        if attachments_of(transaction, volume.id) and not volume.multiattach:
            raise InvalidVolume(volume.id, f"is in use and not for server {instance_uuid} as well")

    def detach(self, context: RequestContext, volume_id: str, attachment_id: str | None) -> None:
        """Note that nobody has a volume any more, or that one of several has not.

        Raises:
            InvalidVolume: several have it and none is named; or the attachment is of another one.
            AttachmentInUse: a server has it.
        """
        with self._transaction() as transaction:
            find_volume(transaction, context, volume_id)
            found = [each.id for each in attachments_of(transaction, volume_id)]
        chosen = found if attachment_id is None else [a for a in found if a == attachment_id]
        if attachment_id is not None and not chosen:
            raise InvalidVolume(volume_id, f"has no attachment {attachment_id}")
        if len(chosen) > 1:
            raise InvalidVolume(volume_id, "has several attachments: name the one to be detached")
        if not chosen:
            self.unreserve(context, volume_id)
            return
        self._releases.release(context, chosen[0])
        self._recover(volume_id)

    def _recover(self, volume_id: str) -> None:
        """Let a volume that was in error be available, when nobody has it any more."""
        with self._transaction() as transaction:
            volume = get_volume(transaction, volume_id)
            if volume.status is VolumeStatus.ERROR and not attachments_of(transaction, volume_id):
                change_volume(transaction, volume_id, status=VolumeStatus.AVAILABLE)

    def begin_detaching(self, context: RequestContext, volume_id: str) -> None:
        """Let a volume be detaching: nobody else may begin to detach it."""
        for attachment_id in self._details.begin_detaching(context, volume_id):
            self._attachments.begin_detaching(context, attachment_id)

    def roll_detaching(self, context: RequestContext, volume_id: str) -> None:
        """Let a volume that is detaching be in use again."""
        with self._transaction() as transaction:
            find_volume(transaction, context, volume_id)
            found = attachments_of(transaction, volume_id)
        for attachment in found:
            self._attachments.roll_detaching(context, attachment.id)

    def initialize_connection(
        self, context: RequestContext, volume_id: str, connector: Connector
    ) -> dict[str, Any]:
        """Let a host reach a volume, and tell how; no attachment is made."""
        volume = self._shown(context, volume_id)
        mode = AttachMode.READ_ONLY if volume.read_only else AttachMode.READ_WRITE
        with self._around.turns.take(volume_id):
            return self._around.ask(
                volume.backend,
                "connect a volume",
                lambda backend: backend.initialize_connection(volume, connector, mode),
            )

    def terminate_connection(
        self, context: RequestContext, volume_id: str, connector: Connector
    ) -> None:
        """Let a host no longer reach a volume.

        Raises:
            AttachmentInUse: a server has the volume there.
        """
        volume = self._shown(context, volume_id)
        for attachment in self._details.attachments([volume_id])[volume_id]:
            if attachment.host == connector.host:
                self._releases.check(context, attachment)
        with self._around.turns.take(volume_id):
            self._around.ask(
                volume.backend,
                "disconnect a volume",
                lambda backend: backend.terminate_connection(volume, connector),
            )

    def _shown(self, context: RequestContext, volume_id: str) -> Volume:
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            return show(transaction, self._around.backends, [volume])[0]
