"""The volumes that a server begins with: made, reserved and connected while it is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from cellrig.compute.connections import Connections
from cellrig.compute.disks import disk_of
from cellrig.compute.host import ComputeHost
from cellrig.context import RequestContext
from cellrig.driver.errors import BuildAbort
from cellrig.driver.values import Disk
from cellrig.errors import CellrigError, NotFound
from cellrig.model import BlockDeviceChanges, BlockDeviceMapping, Instance, SourceType
from cellrig.volume.types import Attachment, Volume, VolumeRequest, VolumeStatus

_NOT_MADE = (VolumeStatus.ERROR, VolumeStatus.CREATING, VolumeStatus.DOWNLOADING)


class VolumeNotCreated(CellrigError):
    """Block storage could not make a volume that a server was to begin with."""

    template = "volume {0} for server {1} was not created: it is {2}"


class BootVolumes:
    """The volumes of servers that are being built on one host.

    Args:
        host: where.
        connections: of the host.
        new_uuid: the rig's source of uuids.
    """

    def __init__(
        self, host: ComputeHost, connections: Connections, new_uuid: Callable[[], str]
    ) -> None:
        self._host = host
        self._connections = connections
        self._new_uuid = new_uuid

    def reserve(
        self, context: RequestContext, instance: Instance, mapping: BlockDeviceMapping
    ) -> BlockDeviceMapping:
        """Make the volume of a mapping that has none, and reserve it for the server.

        Ids are written down before they are used, so nothing that was made is ever unknown.

        Raises:
            BuildAbort: it cannot be had; no other host could get it either.
        """
        if mapping.source_type == SourceType.VOLUME:
            return mapping
        try:
            return self._reserved(context, instance, self._made(context, instance, mapping))
        except CellrigError as error:
            raise BuildAbort(str(error)) from error

    def connect(
        self, context: RequestContext, instance: Instance, mapping: BlockDeviceMapping
    ) -> Disk:
        """Open the way to a volume and return it as a disk of the server.

        Raises:
            BuildAbort: block storage refuses.
        """
        try:
            return disk_of(self._connections.connect(context, instance, mapping))
        except NotFound as error:
            raise BuildAbort(str(error)) from error

    def give_up_here(
        self, context: RequestContext, instance: Instance, mappings: Sequence[BlockDeviceMapping]
    ) -> None:
        """Keep a server's volumes reserved for it, and close this host's ways to them.

        Another host may build the server; and where none does, its volumes stay with it in ERROR
        until it is deleted. The new attachment is made before the old one ends, so nobody else can
        take the volume in between. Block storage tells which attachments there are: whoever died
        here may not have noted the last one.
        """
        if not mappings:
            return
        host = self._host
        named = {mapping.attachment_id: mapping for mapping in mappings}
        attachments = host.seams.insist(
            lambda: host.volumes.attachment_list(
                context.elevated(), instance_uuid=instance.uuid, all_projects=True
            ),
            "see its attachments",
        )
        for attachment in attachments:
            mapping = named.get(attachment.id)
            elsewhere = attachment.host not in (None, host.name)
            if elsewhere or (mapping is not None and attachment.host is None):
                continue
            if mapping is not None:
                self._reserve_anew(context, mapping, attachment)
            self._connections.release(context, attachment.id)

    def _reserve_anew(
        self, context: RequestContext, mapping: BlockDeviceMapping, attachment: Attachment
    ) -> None:
        host = self._host
        fresh = self._new_uuid()
        insist = host.seams.insist
        insist(
            lambda: host.volumes.attachment_create(
                context.elevated(),
                attachment.volume_id,
                attachment.instance_uuid,
                attachment_id=fresh,
            ),
            "keep a volume reserved",
        )
        changes = BlockDeviceChanges(attachment_id=fresh, connection_info={})
        insist(lambda: host.block_devices.update(mapping.uuid, changes), "note an attachment")

    def _made(
        self, context: RequestContext, instance: Instance, mapping: BlockDeviceMapping
    ) -> BlockDeviceMapping:
        host = self._host
        volume_id = mapping.volume_id or self._new_uuid()
        if mapping.volume_id is None:
            host.block_devices.update(mapping.uuid, BlockDeviceChanges(volume_id=volume_id))
        volume = host.volumes.volume_create(context, self._request(instance, mapping, volume_id))
        if volume.status in _NOT_MADE:
            raise VolumeNotCreated(volume_id, instance.uuid, volume.status)
        return self._noted(mapping, volume)

    def _request(
        self, instance: Instance, mapping: BlockDeviceMapping, volume_id: str
    ) -> VolumeRequest:
        kind, source = mapping.source_type, mapping.source_id
        boots = mapping.boot_index == 0
        return VolumeRequest(
            volume_id=volume_id,
            name="" if kind != SourceType.BLANK else f"{instance.uuid}-blank-vol",
            size=mapping.volume_size or None,
            image_id=source if kind == SourceType.IMAGE else None,
            snapshot_id=source if kind == SourceType.SNAPSHOT else None,
            volume_type=mapping.volume_type,
            bootable=True if boots else None,
        )

    def _noted(self, mapping: BlockDeviceMapping, volume: Volume) -> BlockDeviceMapping:
        changes = BlockDeviceChanges(volume_size=volume.size, multiattach=volume.multiattach)
        self._host.block_devices.update(mapping.uuid, changes)
        return msgspec.structs.replace(
            mapping,
            volume_id=volume.id,
            volume_size=volume.size,
            multiattach=volume.multiattach,
        )

    def _reserved(
        self, context: RequestContext, instance: Instance, mapping: BlockDeviceMapping
    ) -> BlockDeviceMapping:
        host = self._host
        attachment_id = mapping.attachment_id or self._new_uuid()
        if mapping.attachment_id is None:
            changes = BlockDeviceChanges(attachment_id=attachment_id)
            host.block_devices.update(mapping.uuid, changes)
        host.volumes.attachment_create(
            context.elevated(),
            mapping.volume_id or "",
            instance.uuid,
            attachment_id=attachment_id,
        )
        return msgspec.structs.replace(mapping, attachment_id=attachment_id)
