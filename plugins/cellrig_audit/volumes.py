"""Block storage's attachments, the cells' block device mappings and the guests' disks agree."""

from __future__ import annotations

from collections.abc import Iterator

from cellrig.driver.reports import GuestDisk
from cellrig.model import BlockDeviceMapping, Instance, Migration, VmState
from cellrig.volume.types import Attachment, AttachmentStatus, AttachMode
from cellrig_audit.picture import Picture

#: The statuses of attachments of servers that are on no host.
_AT_REST_NOWHERE = (AttachmentStatus.RESERVED, AttachmentStatus.ATTACHED)
#: States in which a server has its volumes reserved, and on no host.
_NOWHERE = (VmState.ERROR, VmState.SHELVED_OFFLOADED)


def check(picture: Picture) -> Iterator[str]:
    """Find attachments without mappings and the reverse, and disks that are not attachments."""
    yield from _check_volumes(picture)
    named = {mapping.attachment_id for mapping in picture.block_devices}
    second = {
        attachment_id: migration
        for migration in picture.migrations.values()
        for attachment_id in migration.attachments.values()
    }
    for attachment in picture.attachments.values():
        if attachment.id in named:
            continue
        if attachment.id in second:
            yield from _check_second(attachment, second[attachment.id])
        else:
            yield from _check_unnamed(picture, attachment)
    for mapping in picture.block_devices:
        yield from _check_mapping(picture, mapping)
    for host, guests in picture.guests.items():
        if host not in picture.hosts_down:
            for uuid, guest in guests.items():
                for disk in guest.disks:
                    yield from _check_disk(picture, host, uuid, disk)


def _check_volumes(picture: Picture) -> Iterator[str]:
    """Find attachments of no volume, and servers that share what cannot be shared."""
    servers: dict[str, set[str]] = {}
    for attachment in picture.attachments.values():
        servers.setdefault(attachment.volume_id, set()).add(str(attachment.instance_uuid))
        if attachment.volume_id not in picture.multiattach:
            yield (
                f"attachment {attachment.id} is of volume {attachment.volume_id}, which does not "
                "exist"
            )
    for volume_id, users in servers.items():
        if len(users) > 1 and not picture.multiattach.get(volume_id, True):
            yield (
                f"volume {volume_id} is not multiattach, and has attachments of several servers: "
                f"{', '.join(sorted(users))}"
            )


def _check_second(attachment: Attachment, migration: Migration) -> Iterator[str]:
    """Check an attachment that a move has made; that one is under way for ever `moves` tells."""
    if migration.status.is_over:
        yield (
            f"volume {attachment.volume_id} is {attachment.status} by attachment {attachment.id} "
            f"of server {attachment.instance_uuid}, which its {migration.type} {migration.uuid} "
            f"has made and, being over ({migration.status}), left behind"
        )


def _check_unnamed(picture: Picture, attachment: Attachment) -> Iterator[str]:
    instance_uuid = attachment.instance_uuid
    if instance_uuid is None:
        return  # somebody attaches it by hand
    record = picture.at_rest(instance_uuid)
    if (
        record is None
        and instance_uuid in picture.records
        and _is_worked_on(picture, instance_uuid)
    ):
        return
    yield (
        f"volume {attachment.volume_id} is {attachment.status} by attachment {attachment.id} of "
        f"server {instance_uuid}, and no block device mapping of the server names it"
    )


def _check_mapping(picture: Picture, mapping: BlockDeviceMapping) -> Iterator[str]:
    uuid = mapping.instance_uuid
    if uuid not in picture.records and uuid not in picture.build_requests:
        yield f"the block device mapping {mapping.uuid} is of server {uuid}, which no cell has"
        return
    record = picture.at_rest(uuid)
    if record is None:
        return
    name = f"volume {mapping.volume_id} of {record.name}"
    if record.instance.deleted:
        yield f"{name}: the server is deleted, its block device mapping {mapping.uuid} is not"
        return
    if mapping.attachment_id is None:
        if record.instance.vm_state != VmState.ERROR:
            yield f"{name}: its block device mapping {mapping.uuid} names no attachment"
        return
    attachment = picture.attachments.get(mapping.attachment_id)
    if attachment is None:
        if record.instance.vm_state != VmState.ERROR:
            yield f"{name}: block storage has no attachment {mapping.attachment_id}"
        return
    yield from _check_agreement(picture, record.instance, name, mapping, attachment)


def _check_agreement(
    picture: Picture,
    instance: Instance,
    name: str,
    mapping: BlockDeviceMapping,
    attachment: Attachment,
) -> Iterator[str]:
    if (attachment.volume_id, attachment.instance_uuid) != (mapping.volume_id, instance.uuid):
        yield (
            f"{name}: its attachment {attachment.id} is of volume {attachment.volume_id} and "
            f"server {attachment.instance_uuid}"
        )
    if attachment.host is not None and attachment.host != instance.host:
        yield (
            f"{name}: its attachment is connected to host {attachment.host}, the server is on "
            f"{instance.host}"
        )
    if attachment.connection_info != mapping.connection_info:
        yield f"{name}: the mapping and the attachment do not have the same connection info"
    nowhere = instance.host is None and instance.vm_state in _NOWHERE
    # What is attached to a server that is offloaded is in use, and what it had before is reserved.
    expected = _AT_REST_NOWHERE if nowhere else (AttachmentStatus.ATTACHED,)
    if attachment.status not in expected:
        told = " or ".join(expected)
        yield f"{name}: its attachment is {attachment.status}, and at rest it is {told}"
    if nowhere or instance.vm_state == VmState.ERROR:
        return
    guest = picture.guests.get(instance.host or "", {}).get(instance.uuid)
    if guest is not None and all(disk.serial != mapping.volume_id for disk in guest.disks):
        yield f"{name} is attached, and its guest has no such disk"


def _check_disk(picture: Picture, host: str, uuid: str, disk: GuestDisk) -> Iterator[str]:
    if disk.serial is None:
        return
    record = picture.at_rest(uuid)
    if record is None or record.instance.host != host:
        return
    name = f"disk {disk.target} of {record.name}"
    found = next(
        (
            mapping
            for mapping in picture.block_devices
            if (mapping.instance_uuid, mapping.volume_id) == (uuid, disk.serial)
        ),
        None,
    )
    if found is None:
        yield f"{name} is volume {disk.serial}, of which the server has no block device mapping"
        return
    if disk.serial in picture.multiattach and disk.shareable != picture.multiattach[disk.serial]:
        shared = "shareable" if disk.shareable else "not shareable"
        kind = "multiattach" if picture.multiattach[disk.serial] else "not multiattach"
        yield f"{name} is {shared}, and volume {disk.serial} is {kind}"
    if disk.shareable and disk.cache != "none":
        yield f"{name} is shareable, and its cache is {disk.cache}: that takes none"
    attachment = picture.attachments.get(found.attachment_id or "")
    read_only = attachment is not None and attachment.mode is AttachMode.READ_ONLY
    if attachment is not None and disk.read_only != read_only:
        can = "cannot" if disk.read_only else "can"
        yield f"{name} {can} be written to, and its attachment is {attachment.mode}"
    if disk.target != found.device_name:
        yield f"{name} is device {found.device_name} by its block device mapping"


def _is_worked_on(picture: Picture, instance_uuid: str) -> bool:
    return all(
        record.instance.task_state is not None
        or record.instance.host in picture.hosts_down
        or record.instance.vm_state == VmState.BUILDING
        for record in picture.records[instance_uuid]
    ) or picture.mentioned(instance_uuid)
