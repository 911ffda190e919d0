"""Ending attachments for users, who may not take a volume from under a server (CVE-2023-2088).

Compute ends its own attachments as it likes. Whoever else asks is refused as long as compute says
that a server has the volume by this very attachment.
"""

from __future__ import annotations

from cellrig.context import RequestContext
from cellrig.errors import NotFound
from cellrig.volume.attachments import Attachments
from cellrig.volume.connections import Connections
from cellrig.volume.errors import AttachmentInUse
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import Attachment


class Releases:
    """Ends attachments that no server needs."""

    def __init__(
        self, around: Surroundings, attachments: Attachments, connections: Connections
    ) -> None:
        self._around = around
        self._attachments = attachments
        self._connections = connections

    def release(self, context: RequestContext, attachment_id: str) -> None:
        """Delete an attachment.

        Raises:
            AttachmentInUse: a server has the volume by it.
        """
        self.check(context, self._attachments.get(context, attachment_id))
        self._connections.delete(context, attachment_id)

    def check(self, context: RequestContext, attachment: Attachment) -> None:
        """Refuse to end what a server needs.

        One that has never been connected, or that is of no server, can always be ended.

        Raises:
            AttachmentInUse: a server has the volume by it.
        """
        notify = self._around.announcements.notify
        server = attachment.instance_uuid
        if notify is None or server is None or not attachment.connection_info:
            return
        try:
            used = notify.attachment_in_use(context, server, attachment.volume_id)
        except NotFound as error:
            self._around.seams.handled(error, f"attachment {attachment.id} is of no server")
            return
        if used == attachment.id:
            raise AttachmentInUse(attachment.id, server)
