"""Making volumes: blank, from an image, from a volume or from a snapshot."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.db.statements import select_by
from cellrig.errors import CellrigError, Invalid
from cellrig.image import StoredImage
from cellrig.volume import tables
from cellrig.volume.backends.interface import VolumeBackend
from cellrig.volume.checks import check_not_migrating, check_status
from cellrig.volume.choosing import choose
from cellrig.volume.errors import InvalidSnapshot, VolumeNotFound
from cellrig.volume.quotas import Wanted, check_quota, check_volume_size
from cellrig.volume.records import (
    VolumeRecord,
    add_volume,
    change_volume,
    find_snapshot,
    find_type,
    find_volume,
    get_volume,
    volume_record,
)
from cellrig.volume.showing import show
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.type_access import default_type
from cellrig.volume.types import (
    Volume,
    VolumeRequest,
    VolumeSnapshot,
    VolumeStatus,
    VolumeType,
)

_GIB = 1024**3
_MAX_SIZE = 2**31 - 1


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What a volume is made from, and what follows from that; all empty for a blank one.

    Args:
        size: the least that the volume must have, GiB.
        volume_type_id, bootable, image_metadata: what the volume gets where nothing else is said.
        backend: the one that has the source, where a backend has it.
        image, volume, snapshot: the source.
    """

    size: int | None = None
    volume_type_id: str | None = None
    bootable: bool = False
    image_metadata: dict[str, str] = {}
    backend: str | None = None
    image: StoredImage | None = None
    volume: Volume | None = None
    snapshot: VolumeSnapshot | None = None


class Creation:
    """Makes volumes."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def create(self, context: RequestContext, request: VolumeRequest) -> Volume:
        """See `VolumeClient.volume_create`."""
        image = self._image(context, request)
        around = self._around
        with around.database.transaction() as transaction:
            known = _known(transaction, request)
            if known is not None:
                return show(transaction, around.backends, [known])[0]
            origin = self._origin(transaction, context, request, image)
            record = self._plan(transaction, context, request, origin)
            add_volume(transaction, record)
            (volume,) = show(transaction, around.backends, [record])
        try:
            data = self._data(volume, image)
            location = around.ask(
                volume.backend,
                "create a volume",
                lambda backend: _make(backend, volume, origin, data),
            )
        except CellrigError as error:
            around.seams.handled(error, f"volume {volume.id} is in error")
            return self._end(volume, VolumeStatus.ERROR, None)
        return self._end(volume, VolumeStatus.AVAILABLE, location)

    def _data(self, volume: Volume, image: StoredImage | None) -> Path | None:
        """Return a file with an image's data, where the backend has a use for it."""
        around = self._around
        if image is None or not around.backend(volume.backend).driver.keeps_data:
            return None
        return around.images.file_of(image.id)

    def _end(self, volume: Volume, status: VolumeStatus, location: str | None) -> Volume:
        around = self._around
        with around.database.transaction() as transaction:
            row = change_volume(transaction, volume.id, status=status, provider_location=location)
            if row:
                return show(transaction, around.backends, [get_volume(transaction, volume.id)])[0]
        # Somebody has deleted it by force while it was being made.
        made = msgspec.structs.replace(volume, provider_location=location)
        around.ask(volume.backend, "delete a volume", lambda backend: backend.delete_volume(made))
        raise VolumeNotFound(volume.id)

    def _image(self, context: RequestContext, request: VolumeRequest) -> StoredImage | None:
        _check(request)
        if request.image_id is None:
            return None
        image = self._around.images.find(context, request.image_id)
        if image.status != "active":
            raise Invalid(
                f"image {image.id} is {image.status}: a volume is made from an active one"
            )
        return image

    def _origin(
        self,
        transaction: Transaction,
        context: RequestContext,
        request: VolumeRequest,
        image: StoredImage | None,
    ) -> Origin:
        if image is not None:
            return Origin(
                size=max(image.min_disk, -(-image.size // _GIB), 1),
                bootable=True,
                image_metadata=image_metadata(image),
                image=image,
            )
        if request.source_volume_id is not None:
            return self._origin_volume(transaction, context, request.source_volume_id)
        if request.snapshot_id is not None:
            return self._origin_snapshot(transaction, context, request.snapshot_id)
        return Origin()

    def _origin_volume(
        self, transaction: Transaction, context: RequestContext, volume_id: str
    ) -> Origin:
        source = find_volume(transaction, context, volume_id)
        what = "be copied"
        check_status(transaction, source, what, VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
        check_not_migrating(source, "copy")
        (volume,) = show(transaction, self._around.backends, [source])
        return Origin(
            size=source.size,
            volume_type_id=source.volume_type_id,
            bootable=source.bootable,
            image_metadata=source.image_metadata,
            backend=source.backend,
            volume=volume,
        )

    def _origin_snapshot(
        self, transaction: Transaction, context: RequestContext, snapshot_id: str
    ) -> Origin:
        snapshot = find_snapshot(transaction, context, snapshot_id)
        if snapshot.status != "available":
            raise InvalidSnapshot(
                snapshot.id, f"is {snapshot.status}: to make a volume of it, it must be available"
            )
        parent = get_volume(transaction, snapshot.volume_id)
        return Origin(
            size=snapshot.size,
            volume_type_id=parent.volume_type_id,
            bootable=parent.bootable,
            image_metadata=parent.image_metadata,
            backend=parent.backend,
            snapshot=snapshot,
        )

    def _plan(
        self,
        transaction: Transaction,
        context: RequestContext,
        request: VolumeRequest,
        origin: Origin,
    ) -> VolumeRecord:
        around = self._around
        volume_type = self._type(transaction, context, request, origin)
        size = _size(request, origin)
        multiattach = request.multiattach or volume_type.multiattach
        check_volume_size(transaction, context, context.project_id, size)
        more = {"volumes": 1, "gigabytes": size}
        check_quota(transaction, Wanted(context, context.project_id, volume_type.id, more))
        backend = choose(
            transaction,
            around.backends,
            size,
            volume_type,
            multiattach=multiattach,
            only=origin.backend,
        )
        now = around.runtime.now()
        return VolumeRecord(
            id=request.volume_id or around.new_uuid(),
            name=request.name,
            description=request.description,
            size=size,
            status=VolumeStatus.CREATING if origin.image is None else VolumeStatus.DOWNLOADING,
            volume_type_id=volume_type.id,
            multiattach=multiattach,
            bootable=origin.bootable if request.bootable is None else request.bootable,
            read_only=request.read_only or None,
            project_id=context.project_id,
            user_id=context.user_id,
            availability_zone=request.availability_zone or "nova",
            backend=backend.name,
            image_id=None if origin.image is None else origin.image.id,
            snapshot_id=request.snapshot_id,
            source_volume_id=request.source_volume_id,
            image_metadata=origin.image_metadata,
            metadata=dict(request.metadata),
            created_at=now,
            updated_at=now,
        )

    def _type(
        self,
        transaction: Transaction,
        context: RequestContext,
        request: VolumeRequest,
        origin: Origin,
    ) -> VolumeType:
        if request.volume_type:
            return find_type(transaction, context, request.volume_type)
        if origin.volume_type_id is None:
            return default_type(transaction, context, self._around.default_type)
        # The source's type is taken whether or not the caller could name it.
        return find_type(transaction, context.elevated(), origin.volume_type_id)


def _known(transaction: Transaction, request: VolumeRequest) -> VolumeRecord | None:
    """Return the volume that an earlier copy of the request has made."""
    if request.volume_id is None:
        return None
    row = transaction.one(select_by(tables.volumes, "id"), id=request.volume_id)
    return None if row is None else volume_record(row)


def image_metadata(image: StoredImage) -> dict[str, str]:
    """Return what a volume keeps of its image, in the words of ``volume_image_metadata``."""
    return {
        **image.properties,
        "image_id": image.id,
        "image_name": image.name,
        "disk_format": image.disk_format,
        "min_disk": str(image.min_disk),
        "min_ram": str(image.min_ram),
        "size": str(image.size),
    }


def _make(backend: VolumeBackend, volume: Volume, origin: Origin, data: Path | None) -> str:
    if origin.image is not None:
        return backend.create_volume_from_image(volume, origin.image, data)
    if origin.volume is not None:
        return backend.create_volume_from_volume(volume, origin.volume)
    if origin.snapshot is not None:
        return backend.create_volume_from_snapshot(volume, origin.snapshot)
    return backend.create_volume(volume)


def _check(request: VolumeRequest) -> None:
    sources = {
        "image": request.image_id,
        "source volume": request.source_volume_id,
        "snapshot": request.snapshot_id,
    }
    given = [name for name, value in sources.items() if value is not None]
    if len(given) > 1:
        raise Invalid(f"a volume has one source at most, not {' and '.join(given)}")
    if request.size is None and not given:
        raise Invalid("a volume without a source needs a size in GiB")
    if request.size is not None and not 1 <= request.size <= _MAX_SIZE:
        raise Invalid(f"size takes 1 to {_MAX_SIZE} GiB, not {request.size}")


def _size(request: VolumeRequest, origin: Origin) -> int:
    least = origin.size or 1
    size = least if request.size is None else request.size
    if size < least:
        raise Invalid(f"a volume of {size} GiB is too small for its source: that needs {least} GiB")
    return size
