"""Connecting attachments to hosts, and ending them.

What connects and disconnects one volume waits for its turn, volume by volume. So whoever deletes
an attachment knows whether another one still needs the host's way to the volume, and of two that
go at once exactly the last one closes it (bugs 1752115 and 2048837).

An attachment says for which host it is before the backend is asked to let that host in. Whoever
dies in between leaves an attachment whose deletion closes what may be open.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.driver.reports import Connector
from cellrig.errors import CellrigError
from cellrig.volume.attachments import Attachments
from cellrig.volume.burial import bury_if_over
from cellrig.volume.errors import AttachmentNotFound, InvalidAttachment
from cellrig.volume.records import (
    attachments_of,
    change_attachment,
    find_attachment,
    get_volume,
    remove_attachment,
)
from cellrig.volume.showing import show
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import Attachment, AttachmentStatus, AttachMode, Volume

_CONNECTED = (AttachmentStatus.ATTACHING, AttachmentStatus.ATTACHED)
_CONNECTABLE = (*_CONNECTED, AttachmentStatus.RESERVED, AttachmentStatus.ERROR_ATTACHING)


class Connections:
    """Lets hosts reach volumes, one attachment at a time."""

    def __init__(self, around: Surroundings, attachments: Attachments) -> None:
        self._around = around
        self._attachments = attachments
        self._transaction = around.database.transaction

    def create(
        self,
        context: RequestContext,
        volume_id: str,
        instance_uuid: str | None,
        connector: Connector | None,
        mode: AttachMode | None,
        attachment_id: str | None,
    ) -> Attachment:
        """See `VolumeClient.attachment_create`; one that cannot be connected is not kept."""
        attachment, written = self._attachments.reserve(
            context, volume_id, instance_uuid, mode, attachment_id
        )
        if connector is None:
            return attachment
        try:
            return self.update(context, attachment.id, connector)
        except CellrigError:
            if written:
                self._around.seams.insist(
                    lambda: self._gone(context, attachment.id),
                    f"attachment {attachment.id}, which was not connected, is deleted",
                )
            raise

    def _gone(self, context: RequestContext, attachment_id: str) -> None:
        try:
            self.delete(context, attachment_id)
        except AttachmentNotFound as error:
            self._around.seams.handled(error, "somebody else has deleted it")

    # -- connecting ----------------------------------------------------------------------------

    def update(
        self, context: RequestContext, attachment_id: str, connector: Connector
    ) -> Attachment:
        """See `VolumeClient.attachment_update`.

        Raises:
            InvalidAttachment: it is connected to another host, or on its way out.
            BackendFailed: the attachment is error_attaching; it can be tried again or deleted.
        """
        around = self._around
        with self._turn(context, attachment_id):
            with self._transaction() as transaction:
                attachment = find_attachment(transaction, context, attachment_id)
                if _is_connected(attachment, connector):
                    return attachment
                volume = self._begin(transaction, attachment, connector)
            try:
                info = around.ask(
                    volume.backend,
                    "connect a volume",
                    lambda backend: backend.initialize_connection(
                        volume, connector, attachment.mode
                    ),
                )
            except CellrigError:
                with self._transaction() as transaction:
                    status = AttachmentStatus.ERROR_ATTACHING
                    change_attachment(transaction, attachment_id, status=status)
                raise
            return self._finish(context, attachment_id, info)

    def _begin(
        self, transaction: Transaction, attachment: Attachment, connector: Connector
    ) -> Volume:
        if attachment.status not in _CONNECTABLE:
            told = ", ".join(_CONNECTABLE)
            raise InvalidAttachment(
                attachment.id, f"is {attachment.status}: to be connected it must be {told}"
            )
        if attachment.host not in (None, connector.host):
            raise InvalidAttachment(
                attachment.id,
                f"is for host {attachment.host}: host {connector.host} needs one of its own",
            )
        volume = self._volume(transaction, attachment)
        if not volume.multiattach:
            for other in attachments_of(transaction, volume.id):
                if other.id != attachment.id and other.host == connector.host:
                    raise InvalidAttachment(
                        attachment.id,
                        f"duplicates attachment {other.id}: volume {volume.id} is not multiattach "
                        f"and is on host {connector.host} already",
                    )
        again = attachment.host is not None and attachment.status is AttachmentStatus.ATTACHED
        change_attachment(
            transaction,
            attachment.id,
            connector=connector,
            mountpoint=connector.mountpoint,
            status=AttachmentStatus.ATTACHED if again else AttachmentStatus.ATTACHING,
        )
        return volume

    def _finish(
        self, context: RequestContext, attachment_id: str, info: dict[str, object]
    ) -> Attachment:
        with self._transaction() as transaction:
            attachment = find_attachment(transaction, context, attachment_id)
            data = info.get("data")
            if isinstance(data, dict):
                info = {**info, "data": {**data, "access_mode": str(attachment.mode)}}
            change_attachment(transaction, attachment_id, connection_info=info)
            return replace(attachment, connection_info=info)

    # -- ending --------------------------------------------------------------------------------

    def delete(self, context: RequestContext, attachment_id: str) -> None:
        """See `VolumeClient.attachment_delete`.

        Raises:
            BackendFailed: the attachment is error_detaching; deleting it can be tried again.
        """
        with self._turn(context, attachment_id) as attachment:
            with self._transaction() as transaction:
                volume = self._volume(transaction, attachment)
                last = self._last_connector(transaction, attachment)
                if last is None:
                    remove_attachment(transaction, attachment_id)
                else:
                    status = AttachmentStatus.DETACHING
                    change_attachment(transaction, attachment_id, status=status)
            if last is not None:
                self._disconnect(volume, attachment, last)
        bury_if_over(self._around, attachment.volume_id)

    def _last_connector(self, transaction: Transaction, attachment: Attachment) -> Connector | None:
        """Return the connector of a host whose way to the volume closes with this attachment."""
        others = attachments_of(transaction, attachment.volume_id)
        if any(each.id != attachment.id and each.host == attachment.host for each in others):
            return None
        return attachment.connector

    def _disconnect(self, volume: Volume, attachment: Attachment, connector: Connector) -> None:
        around = self._around
        try:
            around.seams.insist(
                lambda: around.ask(
                    volume.backend,
                    "disconnect a volume",
                    lambda backend: backend.terminate_connection(volume, connector),
                ),
                f"volume {volume.id} is disconnected from {connector.host}",
            )
        except CellrigError:
            with self._transaction() as transaction:
                status = AttachmentStatus.ERROR_DETACHING
                change_attachment(transaction, attachment.id, status=status)
            raise
        with self._transaction() as transaction:
            remove_attachment(transaction, attachment.id)

    def _volume(self, transaction: Transaction, attachment: Attachment) -> Volume:
        volume = get_volume(transaction, attachment.volume_id)
        return show(transaction, self._around.backends, [volume])[0]

    @contextmanager
    def _turn(self, context: RequestContext, attachment_id: str) -> Iterator[Attachment]:
        """Wait for the turn of an attachment's volume, which a migration may change meanwhile.

        Returns:
            The attachment. In its turn only its status is changed by others.
        """
        while True:
            volume_id = self._attachments.get(context, attachment_id).volume_id
            with self._around.turns.take(volume_id):
                attachment = self._attachments.get(context, attachment_id)
                if attachment.volume_id == volume_id:
                    yield attachment
                    return


def _is_connected(attachment: Attachment, connector: Connector) -> bool:
    return (
        attachment.connector == connector
        and attachment.status in _CONNECTED
        and bool(attachment.connection_info)
    )
