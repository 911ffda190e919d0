"""The `<disk>` elements of a domain."""

from __future__ import annotations

from lxml.etree import Element, SubElement, _Element

from cellrig.driver.errors import HypervisorError
from cellrig.driver.values import Disk
from cellrig_domxml.sources import add_volume_source, data_of, is_read_only
from cellrig_domxml.targets import Place
from cellrig_domxml.tuning import add_driver, add_limits

#: What a disk's alias begins with; libvirt keeps those that begin with ``ua-`` for its users.
ALIAS = "ua-"


def volume_element(disk: Disk, place: Place, *, boot_order: int | None) -> _Element:
    """Return the `<disk>` of a volume.

    A volume that several guests may have is `<shareable/>`. Its alias is its serial, by which
    the hypervisor tells of it when it is unplugged.

    Args:
        disk: the volume.
        place: where it is plugged in.
        boot_order: 1 for the first to boot from; None not to boot from it.

    Raises:
        HypervisorError: its connection info lacks something, or the bus cannot have such a disk.
    """
    data = data_of(disk)
    read_only = is_read_only(disk)
    if read_only and place.bus in ("ide", "sata"):
        raise HypervisorError(
            f"unsupported configuration: readonly {place.bus} disks are not supported"
        )
    element = Element("disk", {"type": "block", "device": "disk"})
    add_volume_source(element, disk)
    add_driver(element, "raw", discard=data.get("discard") is True)
    place.add_to(element)
    add_limits(element, data)
    if boot_order is not None:
        SubElement(element, "boot", {"order": str(boot_order)})
    SubElement(element, "serial").text = disk.serial
    if read_only:
        SubElement(element, "readonly")
    if disk.multiattach:
        SubElement(element, "shareable")
    SubElement(element, "alias", {"name": f"{ALIAS}{disk.serial}"})
    place.add_address_to(element)
    return element


def local_disk_element(path: str, place: Place, *, boot_order: int | None = None) -> _Element:
    """Return the `<disk>` of a file on the host itself."""
    element = Element("disk", {"type": "file", "device": "disk"})
    add_driver(element, "qcow2")
    SubElement(element, "source", {"file": path})
    place.add_to(element)
    if boot_order is not None:
        SubElement(element, "boot", {"order": str(boot_order)})
    place.add_address_to(element)
    return element
