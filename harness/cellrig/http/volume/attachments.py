"""Attachments (3.27): the uses of volumes by servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.dates import naive
from cellrig.http.errors import Refusal
from cellrig.http.volume.connectors import connector_of, flat_connection
from cellrig.http.volume.paging import NO_FILTERS, flag_of, list_query, listed
from cellrig.http.volume.service import VolumeCall, context_of
from cellrig.volume.listing import Page, select_page
from cellrig.volume.types import Attachment, AttachMode

_FIELDS: Mapping[str, Callable[[Attachment], Any]] = {
    "id": lambda each: each.id,
    "volume_id": lambda each: each.volume_id,
    "status": lambda each: str(each.status),
    "attach_status": lambda each: str(each.status),
    "instance_id": lambda each: each.instance_uuid,
    "instance_uuid": lambda each: each.instance_uuid,
    "project_id": lambda each: each.project_id,
    "attach_mode": lambda each: str(each.mode),
    "created_at": lambda each: each.created_at,
}


def _brief(attachment: Attachment) -> dict[str, Any]:
    return {
        "id": attachment.id,
        "status": str(attachment.status),
        "instance": attachment.instance_uuid,
        "volume_id": attachment.volume_id,
    }


def _whole(attachment: Attachment) -> dict[str, Any]:
    at = attachment.attached_at
    return {
        **_brief(attachment),
        "attached_at": None if at is None else naive(at),
        "detached_at": None,
        "attach_mode": str(attachment.mode),
        "connection_info": flat_connection(attachment.connection_info, attachment.id),
    }


def create_attachment(call: VolumeCall) -> Answer:
    """Reserve a volume for a server; with a connector also connect it."""
    given = call.body["attachment"]
    connector = given.get("connector") or {}
    asked = given.get("mode") or connector.get("mode")
    mode = None if asked in (None, "null") else AttachMode(asked)
    attachment = call.service.connections.create(
        context_of(call),
        given["volume_uuid"],
        given.get("instance_uuid"),
        connector_of(connector),
        mode,
        None,
    )
    return Answer(body={"attachment": _whole(attachment)})


def show_attachment(call: VolumeCall) -> Answer:
    """Show one attachment."""
    found = call.service.attachments.get(context_of(call), call.parameters["attachment_id"])
    return Answer(body={"attachment": _whole(found)})


def update_attachment(call: VolumeCall) -> Answer:
    """Connect an attachment to a host."""
    connector = connector_of(call.body["attachment"]["connector"])
    if connector is None:
        raise Refusal(400, "an attachment is connected by a connector, which is empty")
    attachment_id = call.parameters["attachment_id"]
    found = call.service.connections.update(context_of(call), attachment_id, connector)
    return Answer(body={"attachment": _whole(found)})


def complete_attachment(call: VolumeCall) -> Answer:
    """Say that the server has the volume."""
    call.service.attachments.complete(context_of(call), call.parameters["attachment_id"])
    return Answer(204)


def delete_attachment(call: VolumeCall) -> Answer:
    """End a use of a volume, and list those that are left."""
    context, service = context_of(call), call.service
    attachment_id = call.parameters["attachment_id"]
    found = service.attachments.get(context, attachment_id)
    service.releases.release(context, attachment_id)
    left = service.details.attachments([found.volume_id])[found.volume_id]
    return Answer(body={"attachments": [_brief(each) for each in left]})


def list_attachments(call: VolumeCall) -> Answer:
    """List attachments."""
    page = _page(call)
    told = [_brief(each) for each in page.items]
    return Answer(body=listed(call, "attachments", "attachments", page, told))


def list_attachment_details(call: VolumeCall) -> Answer:
    """List attachments with all that there is of them."""
    page = _page(call)
    told = [_whole(each) for each in page.items]
    return Answer(body=listed(call, "attachments", "attachments/detail", page, told))


def _page(call: VolumeCall) -> Page[Attachment]:
    asked = {name: value for name, value in call.query if name not in NO_FILTERS}
    unknown = sorted(set(asked) - set(_FIELDS))
    if unknown and call.version >= (3, 31):
        raise Refusal(400, f"Invalid filters {','.join(unknown)} are found in query options.")

    def fits(attachment: Attachment) -> bool:
        return all(
            str(_FIELDS[name](attachment)) == value
            for name, value in asked.items()
            if name in _FIELDS
        )

    found = call.service.attachments.all(context_of(call), None, None, flag_of(call, "all_tenants"))
    return select_page(reversed(found), list_query(call, [fits]), _FIELDS)
