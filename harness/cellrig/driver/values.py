"""What the core hands to a driver: guests, images, disks, devices. All of it is frozen."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from cellrig.model.states import PowerState, VmState


class RebootKind(StrEnum):
    """How a guest is rebooted."""

    SOFT = "SOFT"
    HARD = "HARD"


class DeviceKind(StrEnum):
    """What sort of device a guest gets."""

    PCI = "pci"
    PF = "pf"
    VF = "vf"
    VGPU = "vgpu"
    VIF = "vif"


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """A server, as far as a hypervisor needs to know it.

    Args:
        uuid: the server's uuid, the guest's too.
        name: the hypervisor's name for it, unique on a host (``instance-0000002a``).
        display_name: the user's name for it.
        memory_mb: memory in MiB.
        vcpus: virtual processors.
        root_gb: local root disk in GiB; 0 where the guest boots from a volume.
        ephemeral_gb: further local disk in GiB.
        swap_mb: swap disk in MiB.
        node: the node that it runs on, one of `ComputeDriver.get_available_nodes`.
        flavor: the flavor's name.
        extra_specs: the flavor's extra specs.
        metadata, system_metadata: the server's key-value pairs.
        project_id, user_id: who owns it.
        image_id: the image it was built from, None where it boots from a volume.
        vm_state: what the server was when the call was made; a spawn of one that is
            ``shelved_offloaded`` unshelves it.
        host_name: the host name that the guest gives itself.
    """

    uuid: str
    name: str
    node: str
    memory_mb: int
    vcpus: int
    root_gb: int = 0
    ephemeral_gb: int = 0
    swap_mb: int = 0
    display_name: str = ""
    flavor: str = ""
    extra_specs: dict[str, str] = {}
    metadata: dict[str, str] = {}
    system_metadata: dict[str, str] = {}
    project_id: str = ""
    user_id: str = ""
    image_id: str | None = None
    vm_state: VmState = VmState.BUILDING
    host_name: str = ""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image that a guest boots from.

    Args:
        id: its uuid.
        name: what users call it.
        format: disk format as the image service says: ``raw``, ``qcow2``, ``iso``, ...
        size: bytes of the image's data.
        min_disk: the root disk that it needs, GiB.
        min_ram: the memory that it needs, MiB.
        properties: ``hw_disk_bus``, ``hw_scsi_model``, ...
    """

    id: str
    name: str = ""
    format: str = "qcow2"
    size: int = 0
    min_disk: int = 0
    min_ram: int = 0
    properties: dict[str, str] = {}


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """A volume, as a disk of a guest.

    Args:
        serial: the volume's uuid.
        connection_info: what block storage answered for this host's connector:
            ``driver_volume_type``, and ``data``, whose ``target`` names what the volume shares
            with others that reach the host over the same session.
        bus: ``scsi``, ``virtio``, ``sata``, ``ide``, ``usb``.
        device: target device (``sdb``), or None for the next free one.
        boot_index: 0 for the disk that the guest boots from; None where it is not bootable.
        tag: the user's tag for the device.
        read_only: the guest cannot write to it.
        multiattach: other guests may have it at the same time.
        size_gb: GiB.
        secret_uuid: the hypervisor's secret with the passphrase, where the hypervisor itself
            decrypts the volume (LUKS); None where it has nothing to decrypt.
    """

    serial: str
    connection_info: dict[str, Any] = {}
    bus: str = "scsi"
    device: str | None = None
    boot_index: int | None = None
    tag: str | None = None
    read_only: bool = False
    multiattach: bool = False
    size_gb: int = 0
    secret_uuid: str | None = None


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the host for a guest, as placement allocated it; or a plain interface.

    Args:
        kind: what it is.
        address: its PCI address; None lets the driver take a free one of the provider.
        provider_uuid, provider_name: the provider that the allocation names. For a virtual
            function it is the function's own, or its physical function's, as the tree has it.
        resource_class: for example ``SRIOV_NET_VF``.
        physical_network: the network it must be wired to.
        tag: the user's tag for the device.
        mac_address: of a network interface.
        port_id: the network port that it serves.
    """

    kind: DeviceKind
    address: str | None = None
    provider_uuid: str | None = None
    provider_name: str | None = None
    resource_class: str | None = None
    physical_network: str | None = None
    tag: str | None = None
    mac_address: str | None = None
    port_id: str | None = None


class MigrateData(msgspec.Struct, frozen=True, kw_only=True):
    """What the two hosts of a move tell each other; the core carries it and does not look inside.

    Args:
        source_host, destination_host: the hosts' names.
        block_migration: local disks are copied with the guest.
        shared_storage: both hosts see the guest's local disks.
        driver_data: the driver's own, of JSON types.
    """

    source_host: str
    destination_host: str
    block_migration: bool = False
    shared_storage: bool = False
    driver_data: dict[str, Any] = {}


class MigrationFailure(msgspec.Struct, frozen=True):
    """How a live migration ended that did not succeed.

    Args:
        reason: one sentence.
        cancelled: True when it was aborted on request.
    """

    reason: str
    cancelled: bool = False


__all__ = [
    "Device",
    "DeviceKind",
    "Disk",
    "Guest",
    "Image",
    "MigrateData",
    "MigrationFailure",
    "PowerState",
    "RebootKind",
    "VmState",
]
