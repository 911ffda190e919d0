"""Making images of volumes (``os-volume_upload_image``)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cellrig.context import RequestContext
from cellrig.errors import CellrigError
from cellrig.image import ImageSource, StoredImage
from cellrig.volume.checks import check_admin, check_not_migrating, check_status
from cellrig.volume.records import attachments_of, change_volume, find_volume
from cellrig.volume.showing import show
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import Volume, VolumeStatus

_GIB = 1024**3

#: What describes the image that a volume was made from, and not what a guest needs.
_OWN_WORDS = frozenset(
    {
        *("image_id", "image_name", "disk_format", "container_format"),
        *("min_disk", "min_ram", "size", "checksum"),
    }
)


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An image to be made of a volume; see `StoredImage`.

    Args:
        force: also of a volume that is in use.
    """

    name: str
    disk_format: str = "raw"
    container_format: str = "bare"
    visibility: str = "private"
    protected: bool = False
    force: bool = False


class Uploading:
    """Makes images of volumes, with the data that the volumes' backends keep."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._transaction = around.database.transaction

    def upload(
        self, context: RequestContext, volume_id: str, request: ImageRequest
    ) -> tuple[Volume, StoredImage]:
        """Make an image of a volume; return the volume as it was while that went on, and the image.

        Raises:
            InvalidVolume: it is not available.
            Forbidden: the image would be public, and the caller is no administrator.
        """
        if request.visibility == "public":
            check_admin(context, "make public images")
        volume = self._begin(context, volume_id, request)
        try:
            image = self._make(context, volume, request)
        finally:
            self._set_free(volume)
        return volume, image

    def _begin(self, context: RequestContext, volume_id: str, request: ImageRequest) -> Volume:
        """Let a volume be uploading, unless somebody has it: then it stays in use."""
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            allowed = [VolumeStatus.AVAILABLE, *([VolumeStatus.IN_USE] if request.force else [])]
            check_status(transaction, volume, "be made an image", *allowed)
            check_not_migrating(volume, "make an image of")
            if not attachments_of(transaction, volume_id):
                change_volume(transaction, volume_id, status=VolumeStatus.UPLOADING)
            volume = find_volume(transaction, context, volume_id)
            return show(transaction, self._around.backends, [volume])[0]

    def _make(self, context: RequestContext, volume: Volume, request: ImageRequest) -> StoredImage:
        """Register an image and fill it; one that cannot be filled is not kept."""
        around = self._around
        image = around.images.add(context, _image(around.new_uuid(), volume, request))
        try:
            path = around.ask(
                volume.backend, "read a volume", lambda backend: backend.data_path(volume)
            )
            around.images.fill(image.id, _source(volume, path))
        except CellrigError:
            around.seams.insist(
                lambda: around.images.delete(image.id), f"image {image.id} is deleted"
            )
            raise
        return image

    def _set_free(self, volume: Volume) -> None:
        if volume.status is VolumeStatus.UPLOADING:
            with self._transaction() as transaction:
                change_volume(transaction, volume.id, status=VolumeStatus.AVAILABLE)


def _source(volume: Volume, path: Path | None) -> ImageSource:
    # The data are a raw disk, whatever the image shall be called.
    size = volume.size * _GIB if path is None else path.stat().st_size
    return ImageSource(disk_format="raw", size=size, min_disk=volume.size, path=path)


def _image(image_id: str, volume: Volume, request: ImageRequest) -> StoredImage:
    kept = {name: told for name, told in volume.image_metadata.items() if name not in _OWN_WORDS}
    return StoredImage(
        id=image_id,
        name=request.name,
        disk_format=request.disk_format,
        container_format=request.container_format,
        min_disk=int(volume.image_metadata.get("min_disk") or 0),
        min_ram=int(volume.image_metadata.get("min_ram") or 0),
        properties=kept,
        visibility=request.visibility,
        protected=request.protected,
    )
