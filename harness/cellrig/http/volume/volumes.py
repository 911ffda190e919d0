"""Volumes: create, show, list, change, delete, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.compute.schemas.parts import true, whole
from cellrig.http.errors import Refusal
from cellrig.http.uuids import canonical
from cellrig.http.volume.paging import flag_of, list_query, listed
from cellrig.http.volume.service import VolumeCall, context_of, shown_by_status
from cellrig.http.volume.volume_query import (
    VOLUME_FIELDS,
    VOLUME_FILTERS,
    VOLUME_KEYS,
    filters_of,
)
from cellrig.http.volume.volume_views import (
    brief_volume,
    changed_volume,
    made_volume,
    whole_volume,
)
from cellrig.volume.details import check_zone
from cellrig.volume.listing import Page, select_page
from cellrig.volume.types import Volume, VolumeRequest

_MULTIATTACH_BY_TYPE = (3, 50)
_MAX_SIZE = 0x7FFFFFFF


def create_volume(call: VolumeCall) -> Answer:
    """Create a volume, blank or from an image, a volume or a snapshot."""
    volume = call.service.creation.create(context_of(call), _request(call))
    return Answer(202, {"volume": made_volume(call, volume)})


def _request(call: VolumeCall) -> VolumeRequest:
    given = call.body["volume"]
    multiattach = true(given.get("multiattach", False))
    if multiattach and call.version >= _MULTIATTACH_BY_TYPE:
        raise Refusal(400, "the volume type says whether volumes are multiattach, from 3.50 on")
    if given.get("backup_id"):
        raise Refusal(404, f"Backup {given['backup_id']} could not be found.")
    for group in ("group_id", "consistencygroup_id"):
        if given.get(group):
            raise Refusal(404, f"Group {given[group]} could not be found.")
    check_zone(given.get("availability_zone"))
    size = given.get("size")
    return VolumeRequest(
        size=None if size is None else whole(size, "size", 1, _MAX_SIZE),
        name=_name(given) or "",
        description=_description(given),
        image_id=_image_id(given),
        source_volume_id=given.get("source_volid"),
        snapshot_id=given.get("snapshot_id"),
        volume_type=given.get("volume_type") or None,
        multiattach=multiattach,
        metadata=given.get("metadata") or {},
    )


def _image_id(given: Mapping[str, Any]) -> str | None:
    """Return the id of an image, which may also come as an address that ends with it."""
    asked = given.get("imageRef") or given.get("image_id")
    if not asked:
        return None
    found = canonical(str(asked).rstrip("/").rpartition("/")[2])
    if found is None:
        raise Refusal(400, f"imageRef takes the id of an image; it was given {asked!r}")
    return found


def _name(given: Mapping[str, Any]) -> str | None:
    name = given.get("name", given.get("display_name"))
    return None if name is None else str(name).strip()


def _description(given: Mapping[str, Any]) -> str | None:
    told: str | None = given.get("description", given.get("display_description"))
    return told


def show_volume(call: VolumeCall) -> Answer:
    """Show one volume."""
    volume = found_volume(call)
    attachments = call.service.details.attachments([volume.id])[volume.id]
    return Answer(body={"volume": whole_volume(call, volume, attachments)})


def found_volume(call: VolumeCall) -> Volume:
    """Return the volume that the path names."""
    return call.service.volumes.get(context_of(call), call.parameters["volume_id"])


def list_volumes(call: VolumeCall) -> Answer:
    """List volumes with their names and links."""
    page = _page(call)
    told = [brief_volume(call, volume) for volume in page.items]
    return Answer(body=listed(call, "volumes", "volumes", page, told))


def list_volume_details(call: VolumeCall) -> Answer:
    """List volumes with all that there is of them."""
    page = _page(call)
    attachments = call.service.details.attachments(volume.id for volume in page.items)
    told = [whole_volume(call, volume, attachments[volume.id]) for volume in page.items]
    return Answer(body=listed(call, "volumes", "volumes/detail", page, told))


def _page(call: VolumeCall) -> Page[Volume]:
    filters = filters_of(call, VOLUME_FIELDS, VOLUME_FILTERS, (3, 60))
    query = list_query(call, filters)
    found = call.service.volumes.all(context_of(call), flag_of(call, "all_tenants"))
    return select_page(found, query, VOLUME_KEYS)


def summarize_volumes(call: VolumeCall) -> Answer:
    """Show how many volumes there are, and how large they are together; from 3.36 on metadata."""
    found = call.service.volumes.all(context_of(call), flag_of(call, "all_tenants"))
    told: dict[str, Any] = {
        "total_count": len(found),
        "total_size": sum(volume.size for volume in found),
    }
    if call.version >= (3, 36):
        metadata: dict[str, set[str]] = {}
        for volume in found:
            for key, value in volume.metadata.items():
                metadata.setdefault(key, set()).add(value)
        told["metadata"] = {key: sorted(values) for key, values in metadata.items()}
    return Answer(body={"volume-summary": told})


def update_volume(call: VolumeCall) -> Answer:
    """Change a volume's name, description or whole metadata."""
    given, volume_id = call.body["volume"], call.parameters["volume_id"]
    changes: dict[str, Any] = {}
    if "name" in given or "display_name" in given:
        changes["name"] = _name(given) or ""
    if "description" in given or "display_description" in given:
        changes["description"] = _description(given)
    if given.get("metadata") is not None:
        changes["metadata"] = given["metadata"]
    volume = call.service.volumes.change_all(context_of(call), volume_id, **changes)
    attachments = call.service.details.attachments([volume.id])[volume.id]
    return Answer(body={"volume": changed_volume(call, volume, attachments)})


def delete_volume(call: VolumeCall) -> Answer:
    """Delete a volume; with ``cascade`` also its snapshots, with ``force`` (3.23) in any status."""
    context, service = context_of(call), call.service
    volume_id = call.parameters["volume_id"]
    with shown_by_status(call):
        if call.version >= (3, 23) and flag_of(call, "force"):
            service.volumes.force_delete(context, volume_id)
        elif flag_of(call, "cascade"):
            service.details.delete_with_snapshots(context, volume_id)
        else:
            service.volumes.delete(context, volume_id)
    return Answer(202)
