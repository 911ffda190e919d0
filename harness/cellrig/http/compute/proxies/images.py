"""Images, as the compute API showed them until 2.35."""

from __future__ import annotations

from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.links import Link, links, next_page
from cellrig.http.compute.paging import is_full, number_of, page
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.dates import whole_zulu
from cellrig.http.errors import Refusal
from cellrig.image.listing import ImageQuery
from cellrig.image.types import ImageChanges, StoredImage

#: What the image service calls a status, and the compute API another thing.
_STATUSES = {
    "active": ("ACTIVE", 100),
    "queued": ("SAVING", 25),
    "saving": ("SAVING", 50),
    "importing": ("SAVING", 50),
    "killed": ("ERROR", 0),
}
_UNKNOWN = ("UNKNOWN", 0)


def list_images(call: ComputeCall) -> Answer:
    """List images with their names and links."""
    shown = _page(call)
    return _listed(call, "images", shown, [_brief(call, each) for each in shown])


def list_image_details(call: ComputeCall) -> Answer:
    """List images with all that there is of them."""
    shown = _page(call)
    return _listed(call, "images/detail", shown, [_whole(call, each) for each in shown])


def show_image(call: ComputeCall) -> Answer:
    """Show one image."""
    return Answer(body={"image": _whole(call, _image(call))})


def delete_image(call: ComputeCall) -> Answer:
    """Delete an image."""
    call.service.images.remove(context_of(call), _image(call).id)
    return Answer(204)


def list_metadata(call: ComputeCall) -> Answer:
    """List the metadata of an image."""
    return Answer(body={"metadata": _image(call).properties})


def add_metadata(call: ComputeCall) -> Answer:
    """Add items to the metadata of an image."""
    return _change(call, {**_image(call).properties, **call.body["metadata"]})


def replace_metadata(call: ComputeCall) -> Answer:
    """Replace all metadata of an image."""
    return _change(call, call.body["metadata"])


def show_metadata_item(call: ComputeCall) -> Answer:
    """Show one item of the metadata of an image."""
    return Answer(body={"meta": _item(call)})


def set_metadata_item(call: ComputeCall) -> Answer:
    """Set one item of the metadata of an image, which the path and the body name alike."""
    given, key = call.body["meta"], call.parameters["key"]
    if set(given) != {key}:
        raise Refusal(400, f"the body takes the one key {key!r}, which the path names")
    _change(call, {**_image(call).properties, **given})
    return Answer(body={"meta": given})


def delete_metadata_item(call: ComputeCall) -> Answer:
    """Delete one item of the metadata of an image."""
    (key,) = _item(call)
    _change(call, {k: v for k, v in _image(call).properties.items() if k != key})
    return Answer(204)


def _image(call: ComputeCall) -> StoredImage:
    return call.service.images.show(context_of(call), call.parameters["image_id"])


def _item(call: ComputeCall) -> dict[str, str]:
    image, key = _image(call), call.parameters["key"]
    if key not in image.properties:
        raise NotFound(f"metadata item of image {image.id}", key)
    return {key: image.properties[key]}


def _change(call: ComputeCall, properties: dict[str, str]) -> Answer:
    context = context_of(call)
    call.service.quotas.check_metadata(context, len(properties))
    changes = ImageChanges(properties=properties)
    image = call.service.images.change(context, _image(call).id, changes)
    return Answer(body={"metadata": image.properties})


def _page(call: ComputeCall) -> list[StoredImage]:
    found = call.service.images.page(context_of(call), ImageQuery())
    least = {name: number_of(call, name, 0) for name in ("minRam", "minDisk")}
    name, status = call.single("name"), call.single("status")
    kind, server = call.single("type"), call.single("server")
    if server is not None:
        server = server.rpartition("/")[2]  # a link to the server will do
    chosen = [
        each
        for each in found
        if name in (None, each.name)
        and (status is None or status.upper() == _status(each)[0])
        and each.min_ram >= least["minRam"]
        and each.min_disk >= least["minDisk"]
        and kind in (None, each.properties.get("image_type", "base"))
        and server in (None, each.properties.get("instance_uuid"))
    ]
    return list(page(call, chosen, lambda each: each.id))


def _listed(
    call: ComputeCall, path: str, shown: list[StoredImage], told: list[dict[str, Any]]
) -> Answer:
    body: dict[str, Any] = {"images": told}
    if is_full(call, shown):
        body["images_links"] = next_page(call, path, shown[-1].id)
    return Answer(body=body)


def _status(image: StoredImage) -> tuple[str, int]:
    return _STATUSES.get(image.status, _UNKNOWN)


def _brief(call: ComputeCall, image: StoredImage) -> dict[str, Any]:
    told: list[Link] = [*links(call, "images", image.id), _alternate(call, image)]
    return {"id": image.id, "name": image.name, "links": told}


def _alternate(call: ComputeCall, image: StoredImage) -> Link:
    """Return the link to the image service's own."""
    kind = "application/vnd.openstack.image"
    return {"rel": "alternate", "type": kind, "href": f"{call.origin}/image/images/{image.id}"}


def _whole(call: ComputeCall, image: StoredImage) -> dict[str, Any]:
    status, progress = _status(image)
    of_server: dict[str, Any] = {}
    if server := image.properties.get("instance_uuid"):
        of_server = {"server": {"id": server, "links": links(call, "servers", server)}}
    return {
        **_brief(call, image),
        **of_server,
        "created": whole_zulu(image.created_at),
        "updated": whole_zulu(image.updated_at),
        "status": status,
        "progress": progress,
        "minDisk": image.min_disk,
        "minRam": image.min_ram,
        "metadata": image.properties,
        "OS-EXT-IMG-SIZE:size": image.size,
    }
