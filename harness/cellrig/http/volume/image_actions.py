"""Actions that have to do with images: what a volume keeps of its own, and making one of it."""

from __future__ import annotations

from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.schemas.parts import true
from cellrig.http.dates import naive
from cellrig.http.errors import Refusal
from cellrig.http.volume.service import VolumeCall, context_of
from cellrig.image import StoredImage
from cellrig.volume.types import Volume
from cellrig.volume.uploading import ImageRequest

_VISIBILITY_SINCE = (3, 1)


def show_image_metadata(call: VolumeCall) -> Answer:
    """Show what a volume keeps of the image that is on it."""
    known = call.service.details.image_metadata(
        context_of(call), call.parameters["volume_id"], lambda metadata: metadata
    )
    return Answer(200, {"metadata": known})


def set_image_metadata(call: VolumeCall) -> Answer:
    """Add to what a volume keeps of its image."""
    given = call.body["os-set_image_metadata"]["metadata"]
    made = call.service.details.image_metadata(
        context_of(call), call.parameters["volume_id"], lambda known: {**known, **given}
    )
    return Answer(200, {"metadata": made})


def unset_image_metadata(call: VolumeCall) -> Answer:
    """Take away one thing that a volume keeps of its image."""
    key = call.body["os-unset_image_metadata"]["key"]

    def change(known: dict[str, str]) -> dict[str, str]:
        if key not in known:
            raise NotFound("image metadata item", key)
        return {name: value for name, value in known.items() if name != key}

    call.service.details.image_metadata(context_of(call), call.parameters["volume_id"], change)
    return Answer(200)


def upload_image(call: VolumeCall) -> Answer:
    """Make an image of a volume."""
    given = call.body["os-volume_upload_image"]
    later = {"visibility", "protected"} & given.keys()
    if later and call.version < _VISIBILITY_SINCE:
        raise Refusal(400, f"{' and '.join(sorted(later))} can be said from 3.1 on")
    request = ImageRequest(
        name=given["image_name"],
        disk_format=given.get("disk_format") or "raw",
        container_format=given.get("container_format") or "bare",
        visibility=given.get("visibility", "private"),
        protected=true(given.get("protected", False)),
        force=true(given.get("force", False)),
    )
    volume, image = call.service.uploading.upload(
        context_of(call), call.parameters["volume_id"], request
    )
    return Answer(202, {"os-volume_upload_image": _uploaded(call, volume, image)})


def _uploaded(call: VolumeCall, volume: Volume, image: StoredImage) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": volume.id,
        "updated_at": naive(volume.updated_at),
        "status": str(volume.status),
        "display_description": volume.description,
        "size": volume.size,
        "volume_type": {"id": volume.volume_type_id, "name": volume.volume_type},
        "image_id": image.id,
        "container_format": image.container_format,
        "disk_format": image.disk_format,
        "image_name": image.name,
    }
    if call.version >= _VISIBILITY_SINCE:
        told |= {"visibility": image.visibility, "protected": image.protected}
    return told
