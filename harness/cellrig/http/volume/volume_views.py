"""How volumes are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cellrig.http.dates import naive
from cellrig.http.volume.links import links
from cellrig.http.volume.service import VolumeCall, context_of
from cellrig.volume.choosing import pool_of
from cellrig.volume.types import Attachment, AttachmentStatus, Volume

#: Attachments that a volume shows: those by which a server has it.
_SHOWN = (AttachmentStatus.ATTACHED, AttachmentStatus.DETACHING)


def brief_volume(call: VolumeCall, volume: Volume) -> dict[str, Any]:
    """Return a volume as lists have it that are not asked for details."""
    return {
        "id": volume.id,
        "name": volume.name,
        "links": links(call, "volumes", volume.id),
    }


def whole_volume(
    call: VolumeCall, volume: Volume, attachments: Sequence[Attachment]
) -> dict[str, Any]:
    """Return a volume with all that there is of it, as it is shown and listed."""
    told = made_volume(call, volume, attachments)
    told["os-vol-tenant-attr:tenant_id"] = volume.project_id
    if context_of(call).is_admin:
        told |= {
            "os-vol-host-attr:host": pool_of(volume.backend),
            "os-vol-mig-status-attr:migstat": volume.migration_status,
            "os-vol-mig-status-attr:name_id": None,
        }
    if volume.image_metadata:
        told["volume_image_metadata"] = volume.image_metadata
    return told


def made_volume(
    call: VolumeCall, volume: Volume, attachments: Sequence[Attachment] = ()
) -> dict[str, Any]:
    """Return a volume as it is told to who has made it."""
    told = changed_volume(call, volume, attachments)
    version = call.version
    if version >= (3, 61) and context_of(call).is_admin:
        told["cluster_name"] = None
    if version >= (3, 63):
        told["volume_type_id"] = volume.volume_type_id
    if version >= (3, 65):
        told["consumes_quota"] = True
    return told


def changed_volume(
    call: VolumeCall, volume: Volume, attachments: Sequence[Attachment]
) -> dict[str, Any]:
    """Return a volume as it is told to who has changed it."""
    is_admin, version = context_of(call).is_admin, call.version
    told: dict[str, Any] = {
        **brief_volume(call, volume),
        "status": str(volume.status),
        "size": volume.size,
        "description": volume.description,
        "availability_zone": volume.availability_zone,
        "created_at": naive(volume.created_at),
        "updated_at": naive(volume.updated_at),
        "attachments": [_attachment(call, each) for each in attachments if each.status in _SHOWN],
        "volume_type": volume.volume_type,
        "snapshot_id": volume.snapshot_id,
        "source_volid": volume.source_volume_id,
        "metadata": _metadata(volume),
        "user_id": volume.user_id,
        "bootable": "true" if volume.bootable else "false",
        "encrypted": False,
        "replication_status": None,
        "consistencygroup_id": None,
        "multiattach": volume.multiattach,
    }
    if is_admin:
        told["migration_status"] = volume.migration_status
    if version >= (3, 13):
        told["group_id"] = None
    if version >= (3, 21) and is_admin:
        told["provider_id"] = None
    if version >= (3, 48):
        told |= {"service_uuid": volume.backend_uuid, "shared_targets": volume.shared_targets}
    return told


def _metadata(volume: Volume) -> dict[str, str]:
    """Return a volume's metadata, with the flag that an action sets."""
    if volume.read_only is None:
        return volume.metadata
    return {**volume.metadata, "readonly": str(volume.read_only)}


def _attachment(call: VolumeCall, attachment: Attachment) -> dict[str, Any]:
    at = attachment.attached_at
    return {
        "id": attachment.volume_id,
        "attachment_id": attachment.id,
        "volume_id": attachment.volume_id,
        "server_id": attachment.instance_uuid,
        "host_name": attachment.host if context_of(call).is_admin else None,
        "device": attachment.mountpoint,
        "attached_at": None if at is None else naive(at),
    }
