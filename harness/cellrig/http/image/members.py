"""The projects that an image is shared with."""

from __future__ import annotations

from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.image.face import ImageCall, context_of
from cellrig.http.image.views import member_view


def list_members(call: ImageCall) -> Answer:
    """List the projects that an image is shared with."""
    found = call.service.members(context_of(call), call.parameters["image_id"])
    told = [member_view(member) for member in found]
    return Answer(body={"members": told, "schema": "/v2/schemas/members"})


def add_member(call: ImageCall) -> Answer:
    """Share an image with a project."""
    member = call.service.member_add(
        context_of(call), call.parameters["image_id"], call.body["member"]
    )
    return Answer(body=member_view(member))


def show_member(call: ImageCall) -> Answer:
    """Show what a project says of an image that is shared with it."""
    image_id, wanted = call.parameters["image_id"], call.parameters["member_id"]
    for member in call.service.members(context_of(call), image_id):
        if member.member_id == wanted:
            return Answer(body=member_view(member))
    raise Refusal(404, f"image {image_id} is not shared with {wanted!r}")


def update_member(call: ImageCall) -> Answer:
    """Accept or reject an image."""
    member = call.service.member_change(
        context_of(call),
        call.parameters["image_id"],
        call.parameters["member_id"],
        call.body["status"],
    )
    return Answer(body=member_view(member))


def remove_member(call: ImageCall) -> Answer:
    """Share an image with a project no more."""
    call.service.member_remove(
        context_of(call), call.parameters["image_id"], call.parameters["member_id"]
    )
    return Answer(204)
