"""What block storage asks of compute: a volume has grown, or shall be swapped."""

from __future__ import annotations

from cellrig.compute.api.servers import Servers
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.volume_attachments import VolumeAttachments, mapping_of
from cellrig.context import RequestContext
from cellrig.errors import Conflict
from cellrig.model import BlockDeviceChanges


class VolumeEvents:
    """Serves `ComputeNotifications`.

    Args:
        around: the compute API's surroundings.
        servers: to find servers with.
        attachments: to swap volumes with.
    """

    def __init__(
        self, around: Surroundings, servers: Servers, attachments: VolumeAttachments
    ) -> None:
        self._around = around
        self._servers = servers
        self._attachments = attachments

    def volume_extended(self, context: RequestContext, instance_uuid: str, volume_id: str) -> None:
        """Let a server see that its volume has grown; one that is on no host sees it later.

        Block storage tells it, whoever may do what to the server.
        """
        cell, instance = self._servers.find(context.elevated(), instance_uuid)
        if cell is None:
            raise Conflict(f"server {instance_uuid} is still being scheduled: it cannot see it")
        mapping = mapping_of(cell, instance_uuid, volume_id)
        size = self._around.volumes.volume_get(context, volume_id).size
        if instance.host is None:
            cell.block_devices.update(mapping.uuid, BlockDeviceChanges(volume_size=size))
            return
        cell.actions.start(
            instance_uuid,
            "extend_volume",
            context.request_id,
            instance.project_id,
            instance.user_id,
        )
        compute = self._around.compute(instance.host)
        self._around.seams.insist(
            lambda: compute.extend_volume(context, instance_uuid, mapping.uuid, size), "tell a host"
        )

    def swap_volume(
        self,
        context: RequestContext,
        instance_uuid: str,
        old_volume_id: str,
        new_volume_id: str,
    ) -> None:
        """Swap a volume as part of its migration between backends."""
        self._attachments.swap(context, instance_uuid, old_volume_id, new_volume_id)

    def attachment_in_use(
        self, context: RequestContext, instance_uuid: str, volume_id: str
    ) -> str | None:
        """Return the attachment by which a server has a volume, whoever asks."""
        cell, _instance = self._servers.find(context.elevated(), instance_uuid)
        return None if cell is None else mapping_of(cell, instance_uuid, volume_id).attachment_id
