"""The hypervisor that the driver speaks to: guests in memory.

Replace this file by the client of yours. Ask it again for everything: what this driver tells of
guests has to come from the hypervisor, and not from what was once asked for.
"""

from __future__ import annotations

from msgspec.structs import replace

from cellrig.driver import (
    Disk,
    DiskNotFound,
    Guest,
    GuestDisk,
    GuestExists,
    GuestInfo,
    GuestNotFound,
    HypervisorError,
    HypervisorUnavailable,
    PowerState,
)


class Hypervisor:
    """Guests by uuid. Every call raises `HypervisorUnavailable` while it is away.

    Args:
        host: the name of the host.

    Attributes:
        is_away: it does not answer.
    """

    def __init__(self, host: str) -> None:
        self.is_away = False
        self._host = host
        self._all: dict[str, GuestInfo] = {}

    @property
    def _guests(self) -> dict[str, GuestInfo]:
        if self.is_away:
            raise HypervisorUnavailable(self._host, "nobody answers")
        return self._all

    def guests(self) -> list[GuestInfo]:
        """Return all guests, also those that are shut down."""
        return list(self._guests.values())

    def guest(self, uuid: str) -> GuestInfo:
        """Return one guest.

        Raises:
            GuestNotFound: there is none.
        """
        if uuid not in self._guests:
            raise GuestNotFound(uuid)
        return self._guests[uuid]

    def define(self, guest: Guest, disks: tuple[GuestDisk, ...]) -> None:
        """Make a guest that is shut down.

        Raises:
            GuestExists: it is there already.
        """
        if guest.uuid in self._guests:
            raise GuestExists(guest.uuid)
        self._guests[guest.uuid] = GuestInfo(
            uuid=guest.uuid,
            name=guest.name,
            power_state=PowerState.SHUTDOWN,
            memory_mb=guest.memory_mb,
            vcpus=guest.vcpus,
            node=guest.node,
            disks=disks,
        )

    def undefine(self, uuid: str) -> bool:
        """Remove a guest; return whether it was there."""
        return self._guests.pop(uuid, None) is not None

    def enter(self, uuid: str, power_state: PowerState) -> None:
        """Bring a guest into a power state.

        Raises:
            GuestNotFound: there is none.
        """
        self._guests[uuid] = replace(self.guest(uuid), power_state=power_state)

    def attach(self, uuid: str, disk: Disk) -> None:
        """Give a guest a volume.

        Raises:
            GuestNotFound: there is no such guest.
            HypervisorError: the volume cannot be opened.
        """
        info = self.guest(uuid)
        self._guests[uuid] = replace(info, disks=(*info.disks, volume(disk, info.disks)))

    def detach(self, uuid: str, serial: str) -> None:
        """Take a volume from a guest.

        Raises:
            GuestNotFound: there is no such guest.
            DiskNotFound: it has no such volume.
        """
        info = self.guest(uuid)
        disks = tuple(disk for disk in info.disks if disk.serial != serial)
        if len(disks) == len(info.disks):
            raise DiskNotFound(uuid, serial)
        self._guests[uuid] = replace(info, disks=disks)


def local_root(guest: Guest, bus: str) -> GuestDisk:
    """Return the local root disk of a guest."""
    return GuestDisk(
        target="sda",
        bus=bus,
        source=f"/guests/{guest.uuid}",
        size_gb=guest.root_gb,
        boot_order=1,
    )


def volume(disk: Disk, others: tuple[GuestDisk, ...]) -> GuestDisk:
    """Return a volume as a disk beside others, at the first place that is free.

    Raises:
        HypervisorError: it cannot be opened.
    """
    data = disk.connection_info.get("data") or {}
    source = str(data.get("device_path") or f"/dev/disk/by-id/volume-{disk.serial}")
    if not source.startswith("/"):
        raise HypervisorError(f"cannot open volume {disk.serial} at {source!r}")
    taken = {other.target for other in others}
    free = next(f"sd{letter}" for letter in _LETTERS if f"sd{letter}" not in taken)
    return GuestDisk(
        target=disk.device if disk.device and disk.device not in taken else free,
        serial=disk.serial,
        bus=disk.bus,
        source=source,
        size_gb=disk.size_gb,
        boot_order=None if disk.boot_index is None else disk.boot_index + 1,
        shareable=disk.multiattach,
        cache="none",
        read_only=disk.read_only or data.get("access_mode") == "ro",
        tag=disk.tag,
    )


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
