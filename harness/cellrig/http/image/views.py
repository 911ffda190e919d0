"""Images and their members as clients see them."""

from __future__ import annotations

from typing import Any

from cellrig.http.dates import whole_zulu
from cellrig.image import ImageMember, ImageStatus, StoredImage

#: What an image is before it has data.
_WAITING = (ImageStatus.QUEUED, ImageStatus.SAVING, ImageStatus.IMPORTING)


def image_view(image: StoredImage) -> dict[str, Any]:
    """Return an image; its properties stand beside its attributes."""
    path = f"/v2/images/{image.id}"
    return {
        **image.properties,
        "id": image.id,
        "name": image.name or None,
        "status": image.status,
        "visibility": image.visibility,
        "protected": image.protected,
        "os_hidden": image.hidden,
        "owner": image.owner or None,
        "disk_format": image.disk_format or None,
        "container_format": image.container_format or None,
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "size": None if image.status in _WAITING else image.size,
        "virtual_size": image.virtual_size,
        "checksum": image.checksum,
        "os_hash_algo": image.hash_algo or None,
        "os_hash_value": image.hash_value,
        "tags": list(image.tags),
        "created_at": whole_zulu(image.created_at),
        "updated_at": whole_zulu(image.updated_at),
        "self": path,
        "file": f"{path}/file",
        "schema": "/v2/schemas/image",
    }


def member_view(member: ImageMember) -> dict[str, Any]:
    """Return a member of an image."""
    return {
        "image_id": member.image_id,
        "member_id": member.member_id,
        "status": member.status,
        "created_at": whole_zulu(member.created_at),
        "updated_at": whole_zulu(member.updated_at),
        "schema": "/v2/schemas/member",
    }
