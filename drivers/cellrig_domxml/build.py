"""Building the domain XML of a guest."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lxml.etree import SubElement, _Element

from cellrig.driver.errors import HypervisorError
from cellrig.driver.values import Device, Disk, Guest, Image
from cellrig_domxml.devices import InterfaceType, device_element, reference_of
from cellrig_domxml.disks import ALIAS, local_disk_element, volume_element
from cellrig_domxml.metadata import NAMESPACE, add_device_words, fill_metadata
from cellrig_domxml.parse import parse
from cellrig_domxml.targets import free_place, insert_disk, set_scsi_model, target_name

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
    arch: str = "x86_64",
    interface_type: InterfaceType = "ethernet",
    images_path: str | None = None,
) -> _Element:
    """Return the `<domain>` of a guest.

    Args:
        guest: what to build.
        image: what its root disk is made from; None where it boots from a volume.
        disks: its volumes.
        devices: its devices, each with the address that it has on the host.
        instances_path: the directory under which local disks and the console log are.
        domain_type: ``qemu``, ``kvm``, ``test``.
        arch: the architecture, as libvirt names it.
        interface_type: of virtual interfaces.
        images_path: the directory of the kernel and the ramdisk that the image's ``kernel_id`` and
            ``ramdisk_id`` name; None where guests boot from disks only.

    Raises:
        HypervisorError: two disks want the same target or boot order, a disk or the image asks
            for what no hypervisor has, or a device has no address.
    """
    domain = parse(_SKELETON)
    domain.set("type", domain_type)
    name, uuid, _metadata, memory, vcpu, os = list(domain)[:6]
    os[0].set("arch", arch)
    if image is not None and images_path is not None:
        _add_kernel(os, image, images_path)
    name.text, uuid.text = guest.name, guest.uuid
    memory.text, vcpu.text = str(guest.memory_mb), str(guest.vcpus)
    fill_metadata(domain, guest, local_disk_gb(guest, disks))
    directory = f"{instances_path}/{guest.uuid}"
    parts = domain[-1]
    parts[-1][0].set("path", f"{directory}/console.log")
    properties = {} if image is None else image.properties
    if "hw_scsi_model" in properties:
        set_scsi_model(parts, properties["hw_scsi_model"])
    reserved = {target_name(disk.device) for disk in disks if disk.device}
    bus = properties.get("hw_disk_bus", "scsi")
    for file, size_gb in _local_files(guest, image, disks):
        _add_local_disk(domain, f"{directory}/{file}", size_gb, bus, reserved)
    for disk in disks:
        add_volume(domain, disk, reserved)
    for device in devices:
        add_device(domain, device, interface_type)
    return domain


def add_volume(domain: _Element, disk: Disk, reserved: Collection[str] = ()) -> None:
    """Add a volume to a domain.

    Args:
        domain: the domain.
        disk: the volume.
        reserved: targets that are free, but not for a disk that asks for none by name.

    Raises:
        HypervisorError: the target device or the boot order that it asks for is taken, a disk has
            its serial already, or it is a disk that no hypervisor has.
    """
    parts = _devices(domain)
    if any(each.text == disk.serial for each in parts.iterfind("disk/serial")):
        told = f"non unique alias detected: {ALIAS}{disk.serial}"
        raise HypervisorError(f"unsupported configuration: {told}")
    order = _boot_order(parts, disk)
    place = free_place(parts, disk.bus, disk.device, reserved)
    element = volume_element(disk, place, boot_order=order)
    insert_disk(parts, element)
    size = str(disk.size_gb) if disk.size_gb else None
    add_device_words(domain, disk.serial, tag=disk.tag, size_gb=size)


def add_device(
    domain: _Element, device: Device, interface_type: InterfaceType = "ethernet"
) -> None:
    """Add a device of the host, or a virtual interface, to a domain.

    Raises:
        HypervisorError: it has no address.
    """
    _devices(domain).append(device_element(device, interface_type))
    kind = None if device.kind.value == "vif" else device.kind.value
    add_device_words(
        domain,
        device.address or reference_of(device),
        kind=kind,
        tag=device.tag,
        port=device.port_id,
        mac=device.mac_address,
    )


def _local_files(
    guest: Guest, image: Image | None, disks: Sequence[Disk]
) -> tuple[tuple[str, int], ...]:
    """File names of the local disks and their sizes in GiB; the root disk first."""
    root_gb = 0 if _boots_from_volume(disks) else guest.root_gb or (1 if image else 0)
    swap_gb = -(-guest.swap_mb // 1024)
    files = (("disk", root_gb), ("disk.eph0", guest.ephemeral_gb), ("disk.swap", swap_gb))
    return tuple((file, size_gb) for file, size_gb in files if size_gb)


def _add_local_disk(
    domain: _Element, path: str, size_gb: int, bus: str, reserved: Collection[str]
) -> None:
    parts = _devices(domain)
    order = 1 if path.endswith("/disk") else None
    element = local_disk_element(path, free_place(parts, bus, None, reserved), boot_order=order)
    insert_disk(parts, element)
    add_device_words(domain, path, size_gb=str(size_gb))


def _add_kernel(os: _Element, image: Image, images_path: str) -> None:
    """Boot a kernel of the host's, as the Image API's properties say."""
    for tag, name in (("kernel", "kernel_id"), ("initrd", "ramdisk_id")):
        if name in image.properties:
            SubElement(os, tag).text = f"{images_path}/{image.properties[name]}"
    if "kernel_id" in image.properties and "os_command_line" in image.properties:
        SubElement(os, "cmdline").text = image.properties["os_command_line"]


def _boot_order(devices: _Element, disk: Disk) -> int | None:
    """The boot order of a disk: libvirt counts from 1 what block device mappings do from 0."""
    if disk.boot_index is None or disk.boot_index < 0:
        return None
    order = disk.boot_index + 1
    for boot in devices.iterfind("disk/boot"):
        if boot.get("order") == str(order):
            raise HypervisorError(f"boot order '{order}' used for more than one device")
    return order


def _boots_from_volume(disks: Sequence[Disk]) -> bool:
    return any(disk.boot_index == 0 for disk in disks)


def _devices(domain: _Element) -> _Element:
    found = domain.find("devices")
    return SubElement(domain, "devices") if found is None else found
