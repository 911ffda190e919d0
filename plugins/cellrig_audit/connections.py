"""What hosts are connected to is what block storage has attached there."""

from __future__ import annotations

from collections.abc import Iterator

from cellrig.driver.reports import HostConnections
from cellrig.model import VmState
from cellrig.volume.types import Attachment, AttachmentStatus
from cellrig_audit.picture import Picture


def check(picture: Picture) -> Iterator[str]:
    """Find connections without attachments and the reverse, and sessions that nobody needs.

    Only drivers that tell their connections are looked at, on hosts whose service is up.
    """
    for host, connections in picture.connections.items():
        if host not in picture.hosts_down:
            yield from _check_host(picture, host, connections)


def _check_host(picture: Picture, host: str, connections: HostConnections) -> Iterator[str]:
    attached = {
        (volume_id_of(each), str(each.instance_uuid)): each
        for each in picture.attachments.values()
        if each.host == host
    }
    connected = {(each.volume_id, guest) for each in connections.volumes for guest in each.guests}
    for volume_id, guest in sorted(connected - attached.keys()):
        if not _is_worked_on(picture, guest):
            yield (
                f"host {host} is connected to volume {volume_id} for guest {guest}, and block "
                "storage has no attachment of the two there"
            )
    for volume_id, guest in sorted(attached.keys() - connected):
        status = attached[volume_id, guest].status
        if status is AttachmentStatus.ATTACHED and _has_guest(picture, host, guest):
            yield (
                f"host {host} is not connected to volume {volume_id} for guest {guest}, to which "
                "it is attached there"
            )
    for volume_id in connections.cut_off():
        yield f"host {host} is connected to volume {volume_id}, and has no session with its target"
    needed = {each.target for each in connections.volumes}
    for target in sorted(set(connections.sessions) - needed):
        yield f"host {host} has a session with target {target}, and no volume that needs it"


def volume_id_of(attachment: Attachment) -> str:
    """Return the volume that a host has connected for an attachment.

    It is the volume itself, unless that has been migrated since: block storage then still knows
    the data by the id of the volume that they were copied to.
    """
    data = attachment.connection_info.get("data") or {}
    return str(data.get("volume_id") or attachment.volume_id)


def _is_worked_on(picture: Picture, instance_uuid: str) -> bool:
    """Whether somebody works on a server, or has still to."""
    return instance_uuid in picture.records and picture.at_rest(instance_uuid) is None


def _has_guest(picture: Picture, host: str, instance_uuid: str) -> bool:
    record = picture.at_rest(instance_uuid)
    return (
        record is not None
        and record.instance.vm_state != VmState.ERROR
        and instance_uuid in picture.guests.get(host, {})
    )
