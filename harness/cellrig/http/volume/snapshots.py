"""Snapshots of volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.compute.schemas.parts import true
from cellrig.http.dates import naive
from cellrig.http.errors import Refusal
from cellrig.http.volume.paging import flag_of, list_query, listed
from cellrig.http.volume.schemas.actions import SNAPSHOT_SCHEMAS
from cellrig.http.volume.service import VolumeCall, context_of, shown_by_status
from cellrig.http.volume.volume_query import (
    SNAPSHOT_FIELDS,
    SNAPSHOT_FILTERS,
    SNAPSHOT_KEYS,
    filters_of,
)
from cellrig.volume.listing import Page, select_page
from cellrig.volume.types import VolumeSnapshot

#: From 3.66 on a snapshot is taken of a volume in use whether or not that is forced.
_FORCE_UNTIL = (3, 65)
_STATUSES = ("available", "creating", "deleting", "error", "error_deleting")


def _brief(call: VolumeCall, snapshot: VolumeSnapshot) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": snapshot.id,
        "name": snapshot.name,
        "description": snapshot.description,
        "volume_id": snapshot.volume_id,
        "status": snapshot.status,
        "size": snapshot.size,
        "metadata": snapshot.metadata,
        "created_at": naive(snapshot.created_at),
        "updated_at": naive(snapshot.updated_at),
    }
    if call.version >= (3, 14):
        told["group_snapshot_id"] = None
    if call.version >= (3, 41):
        told["user_id"] = snapshot.user_id
    if call.version >= (3, 65):
        told["consumes_quota"] = True
    return told


def _whole(call: VolumeCall, snapshot: VolumeSnapshot) -> dict[str, Any]:
    return {
        **_brief(call, snapshot),
        "os-extended-snapshot-attributes:progress": (
            "100%" if snapshot.status == "available" else "0%"
        ),
        "os-extended-snapshot-attributes:project_id": snapshot.project_id,
    }


def create_snapshot(call: VolumeCall) -> Answer:
    """Take a snapshot of a volume."""
    given, context = call.body["snapshot"], context_of(call)
    force = given.get("force")
    if call.version > _FORCE_UNTIL:
        if force is not None and not true(force):
            raise Refusal(400, "force is always true from 3.66 on")
        force = True
    name = given.get("name", given.get("display_name")) or ""
    if given["volume_id"] is None:
        raise Refusal(404, "volume None does not exist")
    snapshot = call.service.snapshots.create(
        context,
        given["volume_id"],
        name.strip(),
        true(force or False),
        given.get("metadata") or {},
        given.get("description", given.get("display_description")),
    )
    return Answer(202, {"snapshot": _brief(call, snapshot)})


def show_snapshot(call: VolumeCall) -> Answer:
    """Show one snapshot."""
    return Answer(body={"snapshot": _whole(call, _found(call))})


def _found(call: VolumeCall) -> VolumeSnapshot:
    return call.service.snapshots.get(context_of(call), call.parameters["snapshot_id"])


def list_snapshots(call: VolumeCall) -> Answer:
    """List snapshots."""
    page = _page(call)
    told = [_brief(call, each) for each in page.items]
    return Answer(body=listed(call, "snapshots", "snapshots", page, told))


def list_snapshot_details(call: VolumeCall) -> Answer:
    """List snapshots with all that there is of them."""
    page = _page(call)
    told = [_whole(call, each) for each in page.items]
    return Answer(body=listed(call, "snapshots", "snapshots/detail", page, told))


def _page(call: VolumeCall) -> Page[VolumeSnapshot]:
    filters = filters_of(call, SNAPSHOT_FIELDS, SNAPSHOT_FILTERS, (3, 60))
    query = list_query(call, filters)
    found = call.service.snapshots.all(context_of(call), flag_of(call, "all_tenants"))
    return select_page(found, query, SNAPSHOT_KEYS)


def update_snapshot(call: VolumeCall) -> Answer:
    """Change a snapshot's name or description."""
    changes = _changes(call.body["snapshot"])
    snapshot = call.service.snapshots.change(
        context_of(call), call.parameters["snapshot_id"], **changes
    )
    return Answer(body={"snapshot": _brief(call, snapshot)})


def _changes(given: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "name" in given or "display_name" in given:
        changes["name"] = (given.get("name", given.get("display_name")) or "").strip()
    if "description" in given or "display_description" in given:
        changes["description"] = given.get("description", given.get("display_description"))
    return changes


def delete_snapshot(call: VolumeCall) -> Answer:
    """Delete a snapshot."""
    with shown_by_status(call):
        call.service.snapshots.delete(context_of(call), call.parameters["snapshot_id"])
    return Answer(202)


def run_snapshot_action(call: VolumeCall) -> Answer:
    """Run the action of a snapshot that the body names."""
    (name,) = call.body
    context, service = context_of(call), call.service
    snapshot_id = call.parameters["snapshot_id"]
    if name in SNAPSHOT_SCHEMAS:
        SNAPSHOT_SCHEMAS[name].check(call.body)
    elif name != "os-force_delete":
        raise Refusal(400, f"There is no such action: {name}")
    if not context.is_admin and name != "os-update_snapshot_status":
        raise Refusal(403, f"{name} takes an administrator")
    service.snapshots.get(context, snapshot_id)  # or it is not there, for this caller
    if name == "os-force_delete":
        with shown_by_status(call):
            service.snapshots.force_delete(context, snapshot_id)
    else:
        status = str(call.body[name]["status"]).lower()
        if status not in _STATUSES:
            told = ", ".join(_STATUSES)
            raise Refusal(400, f"status takes one of {told}; it was given {status!r}")
        if name == "os-update_snapshot_status":
            service.snapshots.tell_status(context, snapshot_id, status)
        else:
            service.snapshots.reset_status(context, snapshot_id, status)
    return Answer(202)
