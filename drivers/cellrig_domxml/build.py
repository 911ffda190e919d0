"""Building the domain XML of a guest."""

from __future__ import annotations

from collections.abc import Sequence

from lxml.etree import SubElement, _Element

from cellrig.driver.values import Device, Disk, Guest, Image
from cellrig_domxml.devices import device_element, reference_of
from cellrig_domxml.disks import local_disk_element, next_target, volume_element
from cellrig_domxml.metadata import NAMESPACE, add_device_words, fill_metadata
from cellrig_domxml.parse import parse

#: What every guest has. What differs is filled in by its position: a search costs microseconds,
#: and thousands of guests are built.
_SKELETON = f"""
<domain>
  <name/><uuid/><metadata><cellrig:guest xmlns:cellrig="{NAMESPACE}"/></metadata>
  <memory unit="MiB"/><vcpu/>
  <os><type arch="x86_64">hvm</type></os>
  <features><acpi/></features>
  <clock offset="utc"/>
  <on_crash>destroy</on_crash>
  <devices>
    <controller type="scsi" index="0" model="virtio-scsi"/>
    <serial type="file"><source/></serial>
  </devices>
</domain>
""".encode()


def local_disk_gb(guest: Guest, disks: Sequence[Disk]) -> int:
    """GiB of the host's own disk that a guest takes; its root counts where no volume boots it."""
    root = 0 if _boots_from_volume(disks) else guest.root_gb
    return root + guest.ephemeral_gb + -(-guest.swap_mb // 1024)


def build_domain(
    guest: Guest,
    image: Image | None,
    disks: Sequence[Disk],
    devices: Sequence[Device],
    *,
    instances_path: str,
    domain_type: str = "qemu",
) -> _Element:
    """Return the `<domain>` of a guest.

    Args:
        guest: what to build.
        image: what its root disk is made from; None where it boots from a volume.
        disks: its volumes.
        devices: its devices, each with the address that it has on the host.
        instances_path: the directory under which local disks and the console log are.
        domain_type: ``qemu``, ``kvm``, ``test``.

    Raises:
        HypervisorError: two disks want the same target, or a device has no address.
    """
    domain = parse(_SKELETON)
    domain.set("type", domain_type)
    name, uuid, _metadata, memory, vcpu = list(domain)[:5]
    name.text, uuid.text = guest.name, guest.uuid
    memory.text, vcpu.text = str(guest.memory_mb), str(guest.vcpus)
    fill_metadata(domain, guest, local_disk_gb(guest, disks))
    directory = f"{instances_path}/{guest.uuid}"
    parts = domain[-1]
    parts[-1][0].set("path", f"{directory}/console.log")
    _add_local_disks(domain, parts, directory, _local_disks(guest, image, disks))
    for disk in disks:
        add_volume(domain, disk)
    for device in devices:
        add_device(domain, device)
    return domain


def add_volume(domain: _Element, disk: Disk) -> None:
    """Add a volume to a domain.

    Raises:
        HypervisorError: the target device that it asks for is taken.
    """
    parts = _devices(domain)
    taken = {str(each.get("dev")) for each in parts.iterfind("disk/target")}
    bootable = disk.boot_index is not None and disk.boot_index >= 0
    order = (disk.boot_index or 0) + 1 if bootable else None
    element = volume_element(disk, taken, boot_order=order)
    # Disks stand together and in order, so that equal guests have equal documents.
    parts.insert(len(parts.findall("disk")), element)
    size = str(disk.size_gb) if disk.size_gb else None
    add_device_words(domain, disk.serial, tag=disk.tag, size_gb=size)


def add_device(domain: _Element, device: Device) -> None:
    """Add a device of the host, or a virtual interface, to a domain.

    Raises:
        HypervisorError: it has no address.
    """
    _devices(domain).append(device_element(device))
    kind = None if device.kind.value == "vif" else device.kind.value
    add_device_words(
        domain,
        device.address or reference_of(device),
        kind=kind,
        tag=device.tag,
        port=device.port_id,
        mac=device.mac_address,
    )


def _local_disks(
    guest: Guest, image: Image | None, disks: Sequence[Disk]
) -> list[tuple[str, int, str, str]]:
    """File name, size in GiB, bus and target of the local disks; the root disk first."""
    root_gb = 0 if _boots_from_volume(disks) else guest.root_gb or (1 if image else 0)
    swap_gb = -(-guest.swap_mb // 1024)
    files = (("disk", root_gb), ("disk.eph0", guest.ephemeral_gb), ("disk.swap", swap_gb))
    bus = image.properties.get("hw_disk_bus", "scsi") if image is not None else "scsi"
    # What a volume asks for by name, a local disk does not take.
    taken = {(disk.device or "").removeprefix("/dev/") for disk in disks}
    found = []
    for file, size_gb in files:
        if size_gb:
            target = next_target(bus, taken)
            taken.add(target)
            found.append((file, size_gb, bus, target))
    return found


def _add_local_disks(
    domain: _Element, parts: _Element, directory: str, files: list[tuple[str, int, str, str]]
) -> None:
    for position, (file, size_gb, bus, target) in enumerate(files):
        path = f"{directory}/{file}"
        order = 1 if file == "disk" else None
        parts.insert(position, local_disk_element(path, bus=bus, target=target, boot_order=order))
        add_device_words(domain, path, size_gb=str(size_gb))


def _boots_from_volume(disks: Sequence[Disk]) -> bool:
    return any(disk.boot_index == 0 for disk in disks)


def _devices(domain: _Element) -> _Element:
    found = domain.find("devices")
    return SubElement(domain, "devices") if found is None else found
