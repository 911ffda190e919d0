"""The `<disk>` elements of a domain."""

from __future__ import annotations

from collections.abc import Collection
from string import ascii_lowercase

from lxml.etree import Element, SubElement, _Element

from cellrig.driver.errors import HypervisorError
from cellrig.driver.values import Disk
from cellrig_domxml.sources import add_volume_source

_PREFIXES = {"virtio": "vd", "ide": "hd", "fdc": "fd", "xen": "xvd"}
_SUFFIXES: tuple[str, ...] = (
    *ascii_lowercase,
    *(a + b for a in ascii_lowercase for b in ascii_lowercase),
)


def next_target(bus: str, taken: Collection[str]) -> str:
    """Return the first target device name on `bus` that is not taken: sda, sdb, ..., sdaa."""
    prefix = _PREFIXES.get(bus, "sd")
    for suffix in _SUFFIXES:
        if prefix + suffix not in taken:
            return prefix + suffix
    raise HypervisorError(f"no more target devices on bus {bus!r}")


def volume_element(disk: Disk, taken: Collection[str], *, boot_order: int | None) -> _Element:
    """Return the `<disk>` of a volume.

    A volume that several guests may have is `<shareable/>`; the cache is ``none``, so that what
    one guest wrote is what the other reads.

    Args:
        disk: the volume.
        taken: target devices that the domain has already.
        boot_order: 1 for the first to boot from; None not to boot from it.

    Raises:
        HypervisorError: the target device that it asks for is taken.
    """
    target = (disk.device or "").removeprefix("/dev/") or next_target(disk.bus, taken)
    if target in taken:
        raise HypervisorError(f"target {target!r} duplicated for disk {disk.serial}")
    element = Element("disk", {"type": "block", "device": "disk"})
    SubElement(element, "driver", {"name": "qemu", "type": "raw", "cache": "none"})
    add_volume_source(element, disk)
    SubElement(element, "target", {"dev": target, "bus": disk.bus})
    if boot_order is not None:
        SubElement(element, "boot", {"order": str(boot_order)})
    SubElement(element, "serial").text = disk.serial
    if disk.read_only:
        SubElement(element, "readonly")
    if disk.multiattach:
        SubElement(element, "shareable")
    return element


def local_disk_element(
    path: str, *, bus: str, target: str, boot_order: int | None = None, format_: str = "qcow2"
) -> _Element:
    """Return the `<disk>` of a file on the host itself."""
    element = Element("disk", {"type": "file", "device": "disk"})
    SubElement(element, "driver", {"name": "qemu", "type": format_, "cache": "none"})
    SubElement(element, "source", {"file": path})
    SubElement(element, "target", {"dev": target, "bus": bus})
    if boot_order is not None:
        SubElement(element, "boot", {"order": str(boot_order)})
    return element
