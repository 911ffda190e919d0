"""Volumes of a server that is there: attach, detach, swap, extend.

Block storage's attachment is the only truth about the use of a volume. A failed attach leaves the
volume free, a failed detach or swap leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cellrig.compute.connections import Connections
from cellrig.compute.disks import disk_of
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost
from cellrig.compute.swaps import Swaps, renewed
from cellrig.context import RequestContext
from cellrig.driver.errors import DiskNotFound, GuestNotFound
from cellrig.errors import CellrigError, Conflict
from cellrig.model import (
    BlockDeviceChanges,
    BlockDeviceMapping,
    Instance,
    InstanceChanges,
)
from cellrig.volume.types import AttachmentStatus

_BYTES_PER_GIB = 1024**3

Perform = Callable[[Instance, BlockDeviceMapping], None]


class ServerElsewhere(Conflict):
    """A server has left the host, or is deleted, since something was asked of it there."""

    template = "server {0} is not on host {1} any more"


class VolumeOperations:
    """What is done with the volumes of one host's servers.

    Args:
        host: where.
        connections: of the host.
        swaps: of the host.
    """

    def __init__(self, host: ComputeHost, connections: Connections, swaps: Swaps) -> None:
        self._host = host
        self._connections = connections
        self._swaps = swaps

    def attach(self, context: RequestContext, instance_uuid: str, mapping_uuid: str) -> None:
        """Connect a reserved volume and give it to the server; on failure it is free again."""
        self._do(
            context,
            instance_uuid,
            mapping_uuid,
            "compute_attach_volume",
            partial(self._attach, context),
            undo=partial(self.forget, context),
        )

    def detach(self, context: RequestContext, instance_uuid: str, mapping_uuid: str) -> None:
        """Take a volume that is detaching from its server; on failure it is attached again."""
        self._do(
            context,
            instance_uuid,
            mapping_uuid,
            "compute_detach_volume",
            partial(self.forget, context),
            undo=partial(self._stay, context),
        )

    def swap(
        self,
        context: RequestContext,
        instance_uuid: str,
        mapping_uuid: str,
        new_volume_id: str,
        new_attachment_id: str,
    ) -> None:
        """Copy a volume onto another, which is reserved, and let the server go on with that."""

        def perform(instance: Instance, mapping: BlockDeviceMapping) -> None:
            if mapping.attachment_id != new_attachment_id:  # else a second copy of the message
                fresh = renewed(mapping, new_volume_id, new_attachment_id)
                self._swaps.swap(context, instance, mapping, fresh)

        def undo(instance: Instance, mapping: BlockDeviceMapping) -> None:
            fresh = renewed(mapping, new_volume_id, new_attachment_id)
            self._swaps.take_back(context, instance, mapping, fresh)

        self._do(context, instance_uuid, mapping_uuid, "compute_swap_volume", perform, undo)

    def extend(
        self, context: RequestContext, instance_uuid: str, mapping_uuid: str, size: int
    ) -> None:
        """Let a server see that its volume has grown to `size` GiB."""

        def perform(instance: Instance, mapping: BlockDeviceMapping) -> None:
            host = self._host
            host.block_devices.update(mapping.uuid, BlockDeviceChanges(volume_size=size))
            host.driver.extend_volume(guest_of(instance), disk_of(mapping), size * _BYTES_PER_GIB)

        self._do(context, instance_uuid, mapping_uuid, "compute_extend_volume", perform)

    def forget(
        self, context: RequestContext, instance: Instance, mapping: BlockDeviceMapping
    ) -> None:
        """Take a volume from its server, and let it be free; also one that it never got."""
        with self._connections.section(context, (mapping,)):
            self._unplug(instance, mapping)
            self._connections.release(context, mapping.attachment_id)
        self._destroy(mapping)

    # -- the steps -------------------------------------------------------------------------------

    def _attach(
        self, context: RequestContext, instance: Instance, mapping: BlockDeviceMapping
    ) -> None:
        if self._is_attached(context, mapping):
            return  # a second copy of the message
        host = self._host
        self._connections.check_shares(mapping.volume_id, mapping.multiattach)
        with self._connections.section(context, (mapping,)):
            connected = self._connections.connect(context, instance, mapping)
            host.driver.attach_volume(guest_of(instance), disk_of(connected))
            self._connections.complete(context, connected)

    def _unplug(self, instance: Instance, mapping: BlockDeviceMapping) -> None:
        host = self._host
        if not mapping.connection_info:
            mapping = host.block_devices.get(mapping.uuid)
        try:
            host.driver.detach_volume(guest_of(instance), disk_of(mapping))
        except (DiskNotFound, GuestNotFound) as error:
            host.seams.handled(error, "the guest does not have the disk")

    def _stay(
        self, context: RequestContext, instance: Instance, mapping: BlockDeviceMapping
    ) -> None:
        """Let a volume stay attached, unless the guest has let go of it: then it is let go."""
        if self._connections.guest_has(instance, mapping.volume_id):
            self._connections.keep(context, mapping)
        else:
            self.forget(context, instance, mapping)

    def _destroy(self, mapping: BlockDeviceMapping) -> None:
        host = self._host
        host.seams.insist(lambda: host.block_devices.destroy(mapping.uuid), "forget a volume")

    def _is_attached(self, context: RequestContext, mapping: BlockDeviceMapping) -> bool:
        if not mapping.connection_info:
            return False
        attachment_id = mapping.attachment_id or ""
        attachment = self._host.volumes.attachment_get(context.elevated(), attachment_id)
        return attachment.status == AttachmentStatus.ATTACHED

    # -- the frame -------------------------------------------------------------------------------

    def _do(
        self,
        context: RequestContext,
        instance_uuid: str,
        mapping_uuid: str,
        event: str,
        perform: Perform,
        undo: Perform | None = None,
    ) -> None:
        """Do something with one volume, one thing at a time for a server; a failure is its fault.

        Args:
            context, instance_uuid, mapping_uuid: who asks, of which volume of which server.
            event: the name of the step.
            perform: does it.
            undo: brings the volume back to a lasting state after a failure.
        """
        host, insist = self._host, self._host.seams.insist
        with host.lock(instance_uuid):
            try:
                mapping = insist(lambda: host.block_devices.get(mapping_uuid), "see what is asked")
                instance = insist(lambda: host.instances.get(instance_uuid), "see what is asked")
            except CellrigError as error:
                host.seams.handled(error, "it is withdrawn, done, or left to the periodic work")
                return
            try:
                with host.event(context, instance_uuid, event):
                    if instance.deleted or instance.host != host.name:
                        raise ServerElsewhere(instance.uuid, host.name)
                    perform(instance, mapping)
            except Exception as error:  # noqa: BLE001 - ends as the server's fault
                self._failed(instance, mapping, error, undo)

    def _failed(
        self,
        instance: Instance,
        mapping: BlockDeviceMapping,
        error: Exception,
        undo: Perform | None,
    ) -> None:
        """Record the reason; the server is as it was, and what failed can be asked for again."""
        host = self._host
        try:
            if undo is not None:
                undo(instance, mapping)
        except CellrigError as lost:
            host.seams.handled(lost, "the volume is left to the periodic work")
        host.fail(instance.uuid, error, InstanceChanges(), "the volume is as it was")
