"""What a cloud without backups, groups, replicas and clusters answers when it is asked for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.volume.service import VolumeCall, context_of
from cellrig.http.volume.volume_query import SNAPSHOT_FILTERS, VOLUME_FILTERS

Handler = Callable[[VolumeCall], Answer]

_FILTERS = {
    "volume": VOLUME_FILTERS,
    "snapshot": SNAPSHOT_FILTERS,
    "attachment": ("volume_id", "status", "instance_id", "attach_status"),
    "backup": ("name", "status", "volume_id"),
    "group": (),
    "group_snapshot": (),
    "message": ("resource_uuid", "resource_type", "event_id", "request_id", "message_level"),
    "pool": ("name", "volume_type"),
    "volume_type": (),
}


def no(name: str, what: str) -> Handler:
    """Return what lists that there are none.

    Args:
        name: of the list in the body.
        what: there is none of, for those who read the API's description.
    """

    def answer(call: VolumeCall) -> Answer:
        context_of(call)
        return Answer(body={name: []})

    answer.__doc__ = f"List the {what}: there are none."
    return answer


def unknown(what: str) -> Handler:
    """Return what says that one is not there."""

    def answer(call: VolumeCall) -> Answer:
        context_of(call)
        raise NotFound(what, call.parameters["thing_id"])

    answer.__doc__ = f"Look for a {what}: there is none."
    return answer


def refused(status: int, told: str) -> Handler:
    """Return what says that something cannot be made here."""

    def answer(call: VolumeCall) -> Answer:
        context_of(call)
        raise Refusal(status, told)

    answer.__doc__ = f"Refuse: {told}."
    return answer


def list_resource_filters(call: VolumeCall) -> Answer:
    """List by what everybody may filter lists (3.33)."""
    context_of(call)
    asked = call.single("resource")
    told: list[dict[str, Any]] = [
        {"resource": resource, "filters": list(filters)}
        for resource, filters in _FILTERS.items()
        if asked in (None, resource)
    ]
    return Answer(body={"resource_filters": told})


def clean_up(call: VolumeCall) -> Answer:
    """Clean up after services that have died: nothing is left (3.24)."""
    context_of(call)
    return Answer(202, {"cleaning": [], "unavailable": []})


def show_encryption(call: VolumeCall) -> Answer:
    """Show how volumes of a type are encrypted: they are not."""
    call.service.types.get(context_of(call), call.parameters["type_id"])
    return Answer(body={})


def show_volume_encryption(call: VolumeCall) -> Answer:
    """Show how a volume is encrypted: it is not."""
    call.service.volumes.get(context_of(call), call.parameters["volume_id"])
    return Answer(body={"encryption_key_id": None})
