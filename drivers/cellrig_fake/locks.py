"""The locks on volumes, as the storage keeps them beside the data.

A guest that runs has its disks open. Whoever writes takes the lock on writing; whoever is not
shareable lets no other one write. So a second writer is refused unless both disks are shareable,
and readers go together. The words are those of QEMU's image locking, which was seen to decide so.
Guests of one host and of several are treated alike, so the locks are kept in the rig's fabric.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cellrig.driver import Fabric, GuestDisk, HypervisorError

_PLACE = "locks of volumes"


class Holder(msgspec.Struct):
    """A guest that has a volume open; while it moves, on two hosts."""

    hosts: list[str]
    shareable: bool
    read_only: bool


class DiskLocks:
    """The locks that the guests of one host take.

    Args:
        fabric: where all hosts of the rig see them.
        host: the host's name.
    """

    __slots__ = ("_fabric", "_host")

    def __init__(self, fabric: Fabric, host: str) -> None:
        self._fabric = fabric
        self._host = host

    def open(self, guest_uuid: str, disks: Sequence[GuestDisk]) -> None:
        """Take the locks for a guest's volumes; all of them or none.

        Raises:
            HypervisorError: another guest has one of them, and the two do not go together.
        """
        for disk in disks:
            self._check(guest_uuid, disk)
        for disk in disks:
            self._take(guest_uuid, disk)

    def close(self, guest_uuid: str, disks: Sequence[GuestDisk]) -> None:
        """Give the locks back. Those not held are harmless."""
        for disk in disks:
            holders = self._holders(disk)
            holder = holders.get(guest_uuid)
            if holder is None or self._host not in holder.hosts:
                continue
            holder.hosts.remove(self._host)
            if not holder.hosts:
                del holders[guest_uuid]
            self._keep(disk, holders)

    def _check(self, guest_uuid: str, disk: GuestDisk) -> None:
        for other, holder in self._holders(disk).items():
            if other == guest_uuid:
                continue
            if not disk.read_only and not holder.shareable:
                lock = '"write" lock'
            elif not holder.read_only and not disk.shareable:
                lock = 'shared "write" lock'
            else:
                continue
            raise HypervisorError(
                f"Failed to get {lock}: Is another process using the image [{disk.source}]?"
            )

    def _take(self, guest_uuid: str, disk: GuestDisk) -> None:
        holders = self._holders(disk)
        hosts = holders[guest_uuid].hosts if guest_uuid in holders else []
        if self._host not in hosts:
            hosts.append(self._host)
        holders[guest_uuid] = Holder(hosts, disk.shareable, disk.read_only)
        self._keep(disk, holders)

    def _holders(self, disk: GuestDisk) -> dict[str, Holder]:
        return self._fabric.get(_PLACE, str(disk.serial), dict[str, Holder]) or {}

    def _keep(self, disk: GuestDisk, holders: dict[str, Holder]) -> None:
        if holders:
            self._fabric.put(_PLACE, str(disk.serial), holders)
        else:
            self._fabric.remove(_PLACE, str(disk.serial))
