"""What the volumes of a request are made from: images, snapshots, other volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.errors import Invalid, NotFound
from cellrig.model import BlockDevice, ImageProperties, SourceType
from cellrig.volume.types import Volume

T = TypeVar("T")

_BYTES_PER_GIB = 1024**3


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What one disk is made from.

    Args:
        size: GiB that the disk has at least.
        bootable: a server can boot from it.
        image: what the scheduler has to know of what is on it; None of a blank.
        volume: that the disk is.
    """

    size: int = 0
    bootable: bool = False
    image: ImageProperties | None = None
    volume: Volume | None = None


class Sources:
    """The images, snapshots and volumes that a user may name.

    Args:
        context: who asks.
        around: the compute API's surroundings.
    """

    def __init__(self, context: RequestContext, around: Surroundings) -> None:
        self._context = context
        self._around = around

    def origin(self, device: BlockDevice) -> Origin:
        """Return what a disk is made from.

        Raises:
            Invalid: it does not exist, or is not ready (the field's 400).
        """
        uuid = device.uuid or ""
        looks: Mapping[SourceType, Callable[[], Origin]] = {
            SourceType.BLANK: Origin,
            SourceType.IMAGE: lambda: self._image(uuid),
            SourceType.SNAPSHOT: lambda: self._snapshot(uuid),
            SourceType.VOLUME: lambda: self._volume(uuid),
        }
        return self._named(looks[device.source_type])

    def shares(self, volume_type: str) -> bool:
        """Whether volumes of a type take several servers.

        Raises:
            Invalid: there is no such type.
        """
        return self._named(
            lambda: self._around.volumes.type_get(self._context, volume_type).multiattach
        )

    def _named(self, look: Callable[[], T]) -> T:
        try:
            return look()
        except NotFound as error:
            self._around.seams.handled(error, "the request names what does not exist")
            raise Invalid(f"block_device_mapping_v2: {error}") from None

    def _image(self, uuid: str) -> Origin:
        image = self._around.images.find(self._context, uuid)
        if image.status != "active":
            raise Invalid(
                f"image {image.name!r} is {image.status}; a volume is made from an active one"
            )
        return Origin(
            size=max(image.min_disk, -(-image.size // _BYTES_PER_GIB)),
            bootable=True,
            image=ImageProperties(image.id, image.min_disk, image.min_ram, image.properties),
        )

    def _snapshot(self, uuid: str) -> Origin:
        snapshot = self._around.volumes.snapshot_get(self._context, uuid)
        if snapshot.status != "available":
            raise Invalid(
                f"volume snapshot {uuid} is {snapshot.status}; "
                "a volume is made from one that is available"
            )
        volume = self._around.volumes.volume_get(self._context, snapshot.volume_id)
        return Origin(size=snapshot.size, bootable=volume.bootable, image=_image_on(volume))

    def _volume(self, uuid: str) -> Origin:
        volume = self._around.volumes.volume_get(self._context, uuid)
        return Origin(
            size=volume.size, bootable=volume.bootable, image=_image_on(volume), volume=volume
        )


def _image_on(volume: Volume) -> ImageProperties:
    """Return what a volume remembers of the image that it was made from."""
    metadata = volume.image_metadata
    return ImageProperties(
        volume.image_id or "",
        int(metadata.get("min_disk", 0)),
        int(metadata.get("min_ram", 0)),
        metadata,
    )
