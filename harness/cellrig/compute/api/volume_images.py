"""Images of servers that boot from volumes: they hold no data, but name snapshots of the volumes.

The field keeps a list of disks in the image's property ``block_device_mapping``. A server that is
created from such an image begins with volumes that are made from those snapshots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.errors import CellrigError
from cellrig.image import StoredImage
from cellrig.model import BlockDevice, BlockDeviceMapping, DestinationType, SourceType

_PROPERTY = "block_device_mapping"
_decode = msgspec.json.Decoder(tuple[BlockDevice, ...]).decode


def make_volume_image(
    context: RequestContext,
    around: Surroundings,
    name: str,
    instance_uuid: str,
    mappings: Iterable[BlockDeviceMapping],
    properties: Mapping[str, str],
) -> StoredImage:
    """Take snapshots of a server's volumes, and make an image that names them.

    Raises:
        CellrigError: a snapshot could not be taken; none is left, and no image.
    """
    devices: list[BlockDevice] = []
    try:
        for mapping in mappings:
            if mapping.volume_id is not None:
                device = _snapshot(context, around, name, mapping, mapping.volume_id)
                devices.append(device)
        image = StoredImage(
            id=around.new_uuid(),
            name=name,
            owner=context.project_id,
            properties={
                **properties,
                "image_type": "snapshot",
                "instance_uuid": instance_uuid,
                "bdm_v2": "True",
                "root_device_name": next(
                    (f"/dev/{d.device_name}" for d in devices if d.boot_index == 0), ""
                ),
                _PROPERTY: _told(devices),
            },
        )
        around.images.create(image)
    except Exception:
        for device in devices:
            _take_back(context, around, device.uuid or "")
        raise
    return image


def _told(devices: Iterable[BlockDevice]) -> str:
    """Return disks as the image's property; clients look for their snapshots by ``snapshot_id``."""
    told = [{**msgspec.to_builtins(each), "snapshot_id": each.uuid} for each in devices]
    return msgspec.json.encode(told).decode()


def with_disks_of(
    image: StoredImage, devices: Sequence[BlockDevice]
) -> tuple[StoredImage | None, tuple[BlockDevice, ...]]:
    """Return what a server is made from, where the image names disks.

    Returns:
        The image, None where it has no data of its own, and all disks of the server: those of the
        request come after those of the image.
    """
    if _PROPERTY not in image.properties:
        return image, tuple(devices)
    own = _decode(image.properties[_PROPERTY])
    further = [device for device in devices if not _is_root_of(device, image)]
    return None, (*own, *further)


def _snapshot(
    context: RequestContext,
    around: Surroundings,
    name: str,
    mapping: BlockDeviceMapping,
    volume_id: str,
) -> BlockDevice:
    snapshot = around.volumes.snapshot_create(
        context, volume_id, f"snapshot for {name}", force=True
    )
    return BlockDevice(
        source_type=SourceType.SNAPSHOT,
        uuid=snapshot.id,
        boot_index=mapping.boot_index,
        device_name=mapping.device_name,
        device_type=mapping.device_type,
        disk_bus=mapping.disk_bus,
        volume_size=snapshot.size,
        delete_on_termination=mapping.delete_on_termination,
        tag=mapping.tag,
    )


def _take_back(context: RequestContext, around: Surroundings, snapshot_id: str) -> None:
    try:
        around.seams.insist(
            lambda: around.volumes.snapshot_delete(context, snapshot_id), "delete a snapshot"
        )
    except CellrigError as error:
        around.seams.handled(error, "the snapshot is left to its owner")


def _is_root_of(device: BlockDevice, image: StoredImage) -> bool:
    """Whether a disk is the local root disk that a request names for its image."""
    return (
        device.source_type == SourceType.IMAGE
        and device.destination_type == DestinationType.LOCAL
        and device.uuid == image.id
    )
