"""Swapping: a server goes on with another volume, which has got what was on the first.

A user may ask for it, or block storage, which moves a volume to another backend. Then the volume
keeps its id, and with it the disk's serial in the guest.
"""

from __future__ import annotations

import msgspec

from cellrig.compute.connections import Connections
from cellrig.compute.disks import disk_of
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost
from cellrig.context import RequestContext
from cellrig.errors import CellrigError, NotFound
from cellrig.model import BlockDeviceChanges, BlockDeviceMapping, Instance
from cellrig.volume.types import Attachment


def renewed(
    mapping: BlockDeviceMapping, volume_id: str, attachment_id: str | None
) -> BlockDeviceMapping:
    """Return a mapping as it is of another volume, to which its host has no way yet."""
    return msgspec.structs.replace(
        mapping, volume_id=volume_id, attachment_id=attachment_id, connection_info={}
    )


class Swaps:
    """Swaps volumes of one host's servers.

    Args:
        host: where.
        connections: of the host.
    """

    def __init__(self, host: ComputeHost, connections: Connections) -> None:
        self._host = host
        self._connections = connections

    def swap(
        self,
        context: RequestContext,
        instance: Instance,
        old: BlockDeviceMapping,
        fresh: BlockDeviceMapping,
    ) -> None:
        """Copy the volume of `old` onto that of `fresh`, and let the server go on with that.

        Raises:
            MultiattachNotSupported: the server has the old volume still, as after any other error.
        """
        host = self._host
        volume = host.volumes.volume_get(context.elevated(), fresh.volume_id or "")
        self._connections.check_shares(volume.id, volume.multiattach)
        with self._connections.section(context, (old, fresh)):
            attachment = self._connections.open(context, instance, fresh)
            new = msgspec.structs.replace(
                fresh,
                connection_info=attachment.connection_info,
                multiattach=volume.multiattach,
                volume_size=volume.size,
            )
            shown = new
            if self._migrates(context, old):
                shown = msgspec.structs.replace(new, volume_id=old.volume_id)
            host.driver.swap_volume(guest_of(instance), disk_of(old), disk_of(shown))
            self._finish(context, old, new)

    def go_on(
        self,
        context: RequestContext,
        instance: Instance,
        old: BlockDeviceMapping,
        attachment: Attachment,
    ) -> None:
        """Finish a swap that the service died in, or take it back.

        Args:
            context, instance, old: which volume of which server was being swapped.
            attachment: that was made for the new volume; of one that has been migrated already
                it is the volume's own.
        """
        fresh = renewed(old, attachment.volume_id, attachment.id)
        if self._migrates(context, old):
            self.swap(context, instance, old, fresh)
        else:
            self.take_back(context, instance, old, fresh)

    def take_back(
        self,
        context: RequestContext,
        instance: Instance,
        old: BlockDeviceMapping,
        fresh: BlockDeviceMapping,
    ) -> None:
        """End a swap that failed: the server has the old volume, unless it has the new one."""
        with self._connections.section(context, (old, fresh)):
            attachment = self._attachment(context, fresh)
            if attachment is not None and self._is_done(instance, old, attachment):
                self._finish_lost(context, old, attachment)
                return
            if attachment is not None and self._migrates(context, old):
                self._swap_back(instance, old, attachment)
            self._connections.release(context, fresh.attachment_id)
        self._connections.keep(context, old)
        self._complete_migration(context, old, fresh, failed=True)

    def _swap_back(
        self, instance: Instance, old: BlockDeviceMapping, attachment: Attachment
    ) -> None:
        """Let a guest have the old data: the serial does not tell whether it has the new ones."""
        shown = msgspec.structs.replace(old, connection_info=attachment.connection_info)
        try:
            self._host.driver.swap_volume(guest_of(instance), disk_of(shown), disk_of(old))
        except CellrigError as error:
            self._host.seams.handled(error, "the guest has the old data")

    def _migrates(self, context: RequestContext, mapping: BlockDeviceMapping) -> bool:
        """Whether block storage moves a volume to another backend."""
        volume = self._host.volumes.volume_get(context.elevated(), mapping.volume_id or "")
        return volume.migration_status == "migrating"

    def _attachment(
        self, context: RequestContext, mapping: BlockDeviceMapping
    ) -> Attachment | None:
        try:
            return self._host.volumes.attachment_get(
                context.elevated(), mapping.attachment_id or ""
            )
        except NotFound as error:
            self._host.seams.handled(error, "there is no way to the new volume")
            return None

    def _is_done(self, instance: Instance, old: BlockDeviceMapping, attachment: Attachment) -> bool:
        """Whether the guest has the new volume, or the new data are the old volume's by now."""
        return attachment.volume_id == old.volume_id or self._connections.guest_has(
            instance, attachment.volume_id
        )

    def _finish_lost(
        self, context: RequestContext, old: BlockDeviceMapping, attachment: Attachment
    ) -> None:
        """Finish a swap that the hypervisor has done, and of which the rest was lost."""
        volume = self._host.volumes.volume_get(context.elevated(), attachment.volume_id)
        new = msgspec.structs.replace(
            old,
            volume_id=volume.id,
            attachment_id=attachment.id,
            connection_info=attachment.connection_info,
            multiattach=volume.multiattach,
            volume_size=volume.size,
        )
        self._finish(context, old, new)

    def _finish(
        self, context: RequestContext, old: BlockDeviceMapping, new: BlockDeviceMapping
    ) -> None:
        """Note that a server goes on with another volume, and let the old one go.

        From the moment the hypervisor has changed over there is no way back: each step is insisted
        upon.
        """
        host = self._host
        insist = host.seams.insist
        insist(lambda: self._connections.complete(context, new), "complete an attachment")
        volume_id = self._complete_migration(context, old, new) or new.volume_id or ""
        changes = BlockDeviceChanges(
            volume_id=volume_id,
            attachment_id=new.attachment_id,
            connection_info=new.connection_info,
            multiattach=new.multiattach,
            volume_size=new.volume_size,
        )
        insist(lambda: host.block_devices.update(old.uuid, changes), "note a swap")
        self._connections.release(context, old.attachment_id)

    def _complete_migration(
        self,
        context: RequestContext,
        old: BlockDeviceMapping,
        new: BlockDeviceMapping,
        *,
        failed: bool = False,
    ) -> str | None:
        """Tell block storage how the swap ended that it asked for; None: a user asked."""
        volumes, elevated = self._host.volumes, context.elevated()
        old_id, new_id = old.volume_id or "", new.volume_id or ""
        if old_id == new_id:
            return old_id  # it has been told before
        try:
            if volumes.volume_get(elevated, old_id).migration_status is None:
                return None
            return self._host.seams.insist(
                lambda: volumes.migrate_volume_completion(elevated, old_id, new_id, failed),
                "end a volume migration",
            )
        except NotFound as gone:
            self._host.seams.handled(gone, "there is no volume to migrate")
            return None
