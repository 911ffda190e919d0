"""Volumes and snapshots of them, as the compute API showed them until 2.35."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.compute.paging import limit_of, number_of
from cellrig.http.compute.schemas.parts import true, whole
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.dates import naive
from cellrig.volume.types import Attachment, AttachmentStatus, Volume, VolumeRequest, VolumeSnapshot


def list_volumes(call: ComputeCall) -> Answer:
    """List the volumes of the project."""
    context = context_of(call)
    found = [
        each
        for each in call.service.volumes.volume_list(context)
        if each.project_id == context.project_id
    ]
    first = number_of(call, "offset", 0)
    shown = found[first : first + limit_of(call)]
    return Answer(body={"volumes": [_volume(call, each) for each in shown]})


def show_volume(call: ComputeCall) -> Answer:
    """Show one volume."""
    volume = call.service.volumes.volume_get(context_of(call), call.parameters["volume_id"])
    return Answer(body={"volume": _volume(call, volume)})


def create_volume(call: ComputeCall) -> Answer:
    """Create a volume."""
    given = call.body["volume"]
    wanted = VolumeRequest(
        size=whole(given["size"], "size", 1),
        name=given.get("display_name") or "",
        description=given.get("display_description"),
        snapshot_id=given.get("snapshot_id"),
        volume_type=given.get("volume_type"),
        availability_zone=given.get("availability_zone"),
        metadata=given.get("metadata", {}),
    )
    volume = call.service.volumes.volume_create(context_of(call), wanted)
    return Answer(body={"volume": _volume(call, volume)})


def delete_volume(call: ComputeCall) -> Answer:
    """Delete a volume."""
    call.service.volumes.volume_delete(context_of(call), call.parameters["volume_id"])
    return Answer(202)


def list_snapshots(call: ComputeCall) -> Answer:
    """List the snapshots of the project's volumes."""
    context = context_of(call)
    found = [
        each
        for each in call.service.volumes.snapshot_list(context)
        if each.project_id == context.project_id
    ]
    first = number_of(call, "offset", 0)
    shown = found[first : first + limit_of(call)]
    return Answer(body={"snapshots": [_snapshot(each) for each in shown]})


def show_snapshot(call: ComputeCall) -> Answer:
    """Show one snapshot."""
    volumes, context = call.service.volumes, context_of(call)
    snapshot = volumes.snapshot_get(context, call.parameters["snapshot_id"])
    return Answer(body={"snapshot": _snapshot(snapshot)})


def create_snapshot(call: ComputeCall) -> Answer:
    """Take a snapshot of a volume."""
    given = call.body["snapshot"]
    snapshot = call.service.volumes.snapshot_create(
        context_of(call),
        given["volume_id"],
        name=given.get("display_name") or "",
        description=given.get("display_description"),
        force=true(given.get("force", False)),
    )
    return Answer(body={"snapshot": _snapshot(snapshot)})


def delete_snapshot(call: ComputeCall) -> Answer:
    """Delete a snapshot."""
    call.service.volumes.snapshot_delete(context_of(call), call.parameters["snapshot_id"])
    return Answer(202)


def _volume(call: ComputeCall, volume: Volume) -> dict[str, Any]:
    held = call.service.volumes.attachment_list(context_of(call), volume_id=volume.id)
    told = [_attachment(each) for each in held if each.status == AttachmentStatus.ATTACHED]
    return {
        "id": volume.id,
        "status": str(volume.status),
        "size": volume.size,
        "availabilityZone": volume.availability_zone,
        "createdAt": naive(volume.created_at),
        "displayName": volume.name,
        "displayDescription": volume.description,
        "volumeType": volume.volume_type,
        "snapshotId": volume.snapshot_id,
        "metadata": volume.metadata,
        # There has always been one here: an empty one says that nobody has the volume.
        "attachments": told or [{}],
    }


def _attachment(attachment: Attachment) -> dict[str, Any]:
    return {
        "id": attachment.volume_id,
        "volumeId": attachment.volume_id,
        "serverId": attachment.instance_uuid,
        "device": attachment.mountpoint,
    }


def _snapshot(snapshot: VolumeSnapshot) -> dict[str, Any]:
    return {
        "id": snapshot.id,
        "volumeId": snapshot.volume_id,
        "status": str(snapshot.status),
        "size": snapshot.size,
        "createdAt": naive(snapshot.created_at),
        "displayName": snapshot.name,
        "displayDescription": snapshot.description,
    }
