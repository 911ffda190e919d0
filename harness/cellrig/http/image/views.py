"""Images and their members as clients see them."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cellrig.http.dates import whole_zulu
from cellrig.image import ImageImport, ImageMember, ImageStatus, StoredImage

#: What an image is before it has data.
_WAITING = (ImageStatus.QUEUED, ImageStatus.SAVING, ImageStatus.IMPORTING)
_WITHOUT_DATA = (*_WAITING, ImageStatus.UPLOADING, ImageStatus.KILLED)
#: What the one place is called that data are in.
STORE = "files"


def image_view(image: StoredImage) -> dict[str, Any]:
    """Return an image; its properties stand beside its attributes."""
    path = f"/v2/images/{image.id}"
    stores = {} if image.status in _WITHOUT_DATA else {"stores": STORE}
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
        **stores,
    }


def import_view(imported: ImageImport) -> dict[str, Any]:
    """Return the import of an image's data as the task that it was."""
    moment = whole_zulu(imported.imported_at)
    name = f"{imported.image_id}/{imported.request_id}"
    return {
        "id": str(uuid5(NAMESPACE_URL, name)),
        "type": "api_image_import",
        "status": "success",
        "image_id": imported.image_id,
        "request_id": imported.request_id,
        "user_id": imported.user_id,
        "input": {
            "image_id": imported.image_id,
            "import_req": {"method": {"name": "glance-direct"}},
        },
        "result": {"image_id": imported.image_id},
        "message": "",
        "created_at": moment,
        "updated_at": moment,
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
