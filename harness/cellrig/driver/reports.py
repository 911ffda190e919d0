"""What a driver answers: hosts and guests as the hypervisor has them. All of it is frozen."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from cellrig.driver.values import DeviceKind
from cellrig.model.states import PowerState


class GuestDisk(msgspec.Struct, frozen=True, kw_only=True):
    """A disk of a guest, as the hypervisor has it.

    Args:
        target: device name in the guest, ``sda``.
        serial: the volume's uuid; None for a local disk.
        bus: ``scsi``, ``virtio``, ...
        source: file, device or URI that it comes from.
        size_gb: GiB, where the hypervisor tells.
        boot_order: 1 for the first to boot from; None where it is not booted from.
        shareable: other guests may have it open at the same time.
        cache: the cache mode, ``none``, ``writeback``, ...
        read_only: the guest cannot write to it.
        tag: the user's tag.
        io: how the hypervisor does its I/O: ``native``, ``threads``, ``io_uring``; None where it
            is not said.
        discard: blocks that the guest gives up go back to the storage.
        secret_uuid: the hypervisor's secret that opens it; None where it is not encrypted.
    """

    target: str
    serial: str | None = None
    bus: str = "scsi"
    source: str = ""
    size_gb: int = 0
    boot_order: int | None = None
    shareable: bool = False
    cache: str | None = None
    read_only: bool = False
    tag: str | None = None
    io: str | None = None
    discard: bool = False
    secret_uuid: str | None = None


class GuestDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device of a guest, as the hypervisor has it.

    Args:
        kind: what it is; a virtual function handed over as a plain PCI device is ``pci``.
        address: PCI address on the host; None for a virtual interface.
        mac_address: of a network interface.
        port_id: the network port that it serves.
        uuid: of a mediated device.
        tag: the user's tag.
    """

    kind: DeviceKind
    address: str | None = None
    mac_address: str | None = None
    port_id: str | None = None
    uuid: str | None = None
    tag: str | None = None


class GuestInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A guest, as the hypervisor has it."""

    uuid: str
    name: str
    power_state: PowerState
    memory_mb: int
    vcpus: int
    node: str = ""
    disks: tuple[GuestDisk, ...] = ()
    devices: tuple[GuestDevice, ...] = ()

    def disk(self, *, serial: str) -> GuestDisk:
        """Return the disk of the volume `serial`.

        Raises:
            LookupError: the guest has no such disk; the message names those it has.
        """
        for disk in self.disks:
            if disk.serial == serial:
                return disk
        there = ", ".join(disk.serial or disk.target for disk in self.disks) or "none"
        raise LookupError(f"guest {self.uuid} has no disk with serial {serial}; it has: {there}")


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """How block storage reaches a host.

    Args:
        host: the host's name.
        ip: its address on the storage network.
        initiator: its iSCSI qualified name.
        multipath: whether it uses several paths.
        platform, os_type: as ``uname -m`` and ``sys.platform`` write them.
        mountpoint: the device that the volume will be, where that is known.
    """

    host: str
    ip: str = "127.0.0.1"
    initiator: str = ""
    multipath: bool = False
    platform: str = "x86_64"
    os_type: str = "linux"
    mountpoint: str | None = None


class VolumeConnection(msgspec.Struct, frozen=True, kw_only=True):
    """A volume that is connected to a host.

    Args:
        volume_id: its uuid.
        target: what it is reached at; several volumes may share one.
        guests: uuids of the host's guests that it is connected for.
    """

    volume_id: str
    target: str
    guests: tuple[str, ...]


class HostConnections(msgspec.Struct, frozen=True, kw_only=True):
    """The volumes that are connected to a host, with a guest or without.

    Args:
        volumes: each of them.
        sessions: the targets that the host is logged in to.
    """

    volumes: tuple[VolumeConnection, ...] = ()
    sessions: tuple[str, ...] = ()

    def guests(self, volume_id: str) -> tuple[str, ...]:
        """The guests that a volume is connected for; none where it is not connected."""
        return next((each.guests for each in self.volumes if each.volume_id == volume_id), ())

    def users(self, target: str) -> int:
        """How many volumes are connected over the session with a target."""
        return sum(each.target == target for each in self.volumes)

    def cut_off(self) -> tuple[str, ...]:
        """The volumes that are connected, but whose session is gone."""
        return tuple(each.volume_id for each in self.volumes if each.target not in self.sessions)


@runtime_checkable
class ReportsConnections(Protocol):
    """A driver that can tell which volumes its host is connected to."""

    def volume_connections(self) -> HostConnections:
        """Return what is connected, as the host has it. Changes nothing."""


class HostDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device of a node that a guest can have.

    Args:
        kind: what it is.
        address: its PCI address; of a virtual GPU the mediated device's uuid.
        provider_name: the provider that counts it.
        parent: the address of the card that it is a function of.
        physical_network: what it is wired to.
        parent_interface: the network interface that the host sees its card as.
        numa_node: the NUMA cell that it hangs on.
        owner: who has it; None while it is free.
    """

    kind: DeviceKind
    address: str
    provider_name: str
    parent: str | None = None
    physical_network: str | None = None
    parent_interface: str | None = None
    numa_node: int | None = None
    owner: str | None = None


class HostState(msgspec.Struct, frozen=True, kw_only=True):
    """A node, as its hypervisor sees it: what the hypervisors API shows.

    Args:
        node: the node's name.
        uuid: the node's own uuid, where the hypervisor has one that lasts.
        hypervisor_type: ``fake``, ``QEMU``, ...
        hypervisor_version: a number, 2 012 000 for 2.12.
        vcpus, vcpus_used: processors.
        memory_mb, memory_mb_used: MiB.
        disk_gb, disk_gb_used: GiB of local disk.
        running_guests: guests that are not shut down.
        cpu_info: ``arch``, ``model``, ``vendor``, ``topology``, ``features``.
        supported_instances: (architecture, hypervisor, mode), as the field writes them.
        numa_cells: NUMA cells of the node.
        devices: what guests can have of it, and who has it.
        shared_storage: other hosts see the local disks of its guests.
        storage: what the place of its guests' local disks is known by: hosts that say the same
            share it. Empty where the driver does not tell.
    """

    node: str
    uuid: str | None = None
    hypervisor_type: str
    hypervisor_version: int
    vcpus: int
    vcpus_used: int = 0
    memory_mb: int
    memory_mb_used: int = 0
    disk_gb: int
    disk_gb_used: int = 0
    running_guests: int = 0
    cpu_info: dict[str, object] = {}
    supported_instances: tuple[tuple[str, str, str], ...] = (("x86_64", "kvm", "hvm"),)
    numa_cells: int = 1
    devices: tuple[HostDevice, ...] = ()
    shared_storage: bool = False
    storage: str = ""


class SnapshotInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What was uploaded as an image.

    Args:
        format: disk format, ``qcow2``.
        size: bytes of the image's data.
        min_disk: GiB that a root disk needs for it.
        path: a file with the data, on the machine that the control plane runs on, and still the
            driver's; None where there is none.
    """

    format: str
    size: int
    min_disk: int
    path: Path | None = None


class MigrationProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a live migration has come. Memory and disk are in bytes."""

    memory_total: int
    memory_processed: int
    memory_remaining: int
    disk_total: int = 0
    disk_processed: int = 0
    disk_remaining: int = 0


class GuestEventKind(StrEnum):
    """What a hypervisor tells without being asked."""

    STARTED = "started"
    STOPPED = "stopped"
    PAUSED = "paused"
    RESUMED = "resumed"
    SUSPENDED = "suspended"
    MIGRATED = "migrated"
    DIED = "died"


class GuestEvent(msgspec.Struct, frozen=True):
    """Something happened to a guest.

    Args:
        uuid: the guest.
        kind: what happened.
        power_state: what the guest is now.
    """

    uuid: str
    kind: GuestEventKind
    power_state: PowerState
