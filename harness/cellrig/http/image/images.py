"""Images: made, shown, changed, deleted, tagged, deactivated."""

from __future__ import annotations

from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.image.attributes import attributes_of, check_settable, patched
from cellrig.http.image.face import ImageCall, context_of
from cellrig.http.image.views import STORE, image_view
from cellrig.image import ImageChanges, StoredImage, Visibility

#: What clients look at to know how data can be brought.
_WAYS = {
    "OpenStack-image-import-methods": "glance-direct",
    "OpenStack-image-store-ids": STORE,
}
_LONGEST = 255


def create_image(call: ImageCall) -> Answer:
    """Register an image, which then waits for its data."""
    given = dict(call.body)
    check_settable([name for name in given if name != "id"])
    image = StoredImage(
        **{
            "id": given.get("id") or call.new_uuid(),
            "name": "",
            "disk_format": "",
            "container_format": "",
            "visibility": Visibility.SHARED.value,
            **attributes_of(given),
        }
    )
    made = call.service.add(context_of(call), image)
    return Answer(201, image_view(made), f"{call.base}/v2/images/{made.id}", headers=dict(_WAYS))


def show_image(call: ImageCall) -> Answer:
    """Show an image."""
    return Answer(body=image_view(call.service.show(context_of(call), call.parameters["image_id"])))


def update_image(call: ImageCall) -> Answer:
    """Change an image by a JSON patch."""
    context, image_id = context_of(call), call.parameters["image_id"]
    image = call.service.show(context, image_id)
    changed = call.service.change(context, image_id, patched(image, call.body))
    return Answer(body=image_view(changed))


def delete_image(call: ImageCall) -> Answer:
    """Delete an image."""
    call.service.remove(context_of(call), call.parameters["image_id"])
    return Answer(204)


def deactivate_image(call: ImageCall) -> Answer:
    """Keep everybody but administrators from an image's data."""
    call.service.deactivate(context_of(call), call.parameters["image_id"])
    return Answer(204)


def reactivate_image(call: ImageCall) -> Answer:
    """Let an image's data be had again."""
    call.service.reactivate(context_of(call), call.parameters["image_id"])
    return Answer(204)


def add_tag(call: ImageCall) -> Answer:
    """Let an image have a tag; one that it has is harmless."""
    tag = call.parameters["tag"]
    if len(tag) > _LONGEST:
        raise Refusal(400, f"a tag has at most {_LONGEST} characters, not {len(tag)}")
    context, image_id = context_of(call), call.parameters["image_id"]
    tags = {*call.service.show(context, image_id).tags, tag}
    call.service.change(context, image_id, ImageChanges(tags=tuple(sorted(tags))))
    return Answer(204)


def remove_tag(call: ImageCall) -> Answer:
    """Let an image have a tag no more."""
    context, image_id, tag = context_of(call), call.parameters["image_id"], call.parameters["tag"]
    tags = call.service.show(context, image_id).tags
    if tag not in tags:
        raise Refusal(404, f"image {image_id} has no tag {tag!r}")
    left = tuple(each for each in tags if each != tag)
    call.service.change(context, image_id, ImageChanges(tags=left))
    return Answer(204)
