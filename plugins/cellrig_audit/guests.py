"""The guests that drivers report are the instances that the databases place there."""

from __future__ import annotations

from collections.abc import Iterator

from cellrig.driver.reports import GuestInfo
from cellrig.model import PowerState, VmState
from cellrig_audit.picture import Picture, Record


def check(picture: Picture) -> Iterator[str]:
    """Find guests that should not be, are not, or are in another power state.

    Of a host whose service is down only guests are told that no database has ever known: the
    others it puts in order when it is back.
    """
    for host, why in picture.unreadable.items():
        yield f"the driver of host {host} did not list its guests: {why}"
    for uuid in sorted(picture.records):
        for record in picture.records[uuid]:
            yield from _check_record(picture, record)
    for host, guests in picture.guests.items():
        for uuid, guest in guests.items():
            yield from _check_guest(picture, host, guest, picture.records.get(uuid, []))


def _check_record(picture: Picture, record: Record) -> Iterator[str]:
    instance = record.instance
    host = instance.host
    if instance.deleted or host is None or instance.task_state is not None:
        return
    if host in picture.hosts_down or host in picture.unreadable:
        return
    if host not in picture.guests:
        yield f"{record.name} is placed on host {host}, which does not exist"
        return
    guest = picture.guests[host].get(instance.uuid)
    if guest is not None:
        yield from _check_agreement(record, guest)
    elif instance.vm_state not in (VmState.ERROR, VmState.BUILDING) and (
        instance.power_state != PowerState.NOSTATE
    ):
        yield (
            f"{record.name} is {instance.power_state.name} on host {host} by its record; the "
            "hypervisor has no such guest"
        )


def _check_agreement(record: Record, guest: GuestInfo) -> Iterator[str]:
    instance = record.instance
    if guest.node and guest.node != instance.node:
        yield (
            f"{record.name} is on node {instance.node} of host {instance.host} by its record; "
            f"its guest is on node {guest.node}"
        )
    # An operation that failed leaves ERROR and whatever state it stopped in.
    if instance.vm_state != VmState.ERROR and guest.power_state != instance.power_state:
        yield (
            f"{record.name} is {instance.power_state.name} on host {instance.host} by its record; "
            f"its guest is {guest.power_state.name}"
        )


def _check_guest(
    picture: Picture, host: str, guest: GuestInfo, records: list[Record]
) -> Iterator[str]:
    if not records:
        yield f"host {host} has a guest {guest.uuid} that no database knows"
        return
    if host in picture.hosts_down:
        return
    for record in records:
        instance = record.instance
        if instance.host == host and not instance.deleted:
            continue
        if not instance.deleted and instance.task_state is not None:
            continue
        where = "deleted" if instance.deleted else f"on host {instance.host}"
        yield f"host {host} has a guest of {record.name}, which is {where} by its record"
