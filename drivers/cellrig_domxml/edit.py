"""Changing the devices of a domain that is there already."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from lxml.etree import _Element

from cellrig.driver.errors import DeviceNotFound, DiskNotFound, HypervisorError
from cellrig.driver.values import Device, Disk
from cellrig_domxml.addresses import pci_address
from cellrig_domxml.build import add_volume
from cellrig_domxml.devices import reference_of
from cellrig_domxml.disks import local_disk_element, volume_element
from cellrig_domxml.metadata import (
    add_device_words,
    device_words,
    drop_device_words,
    volume_of,
)
from cellrig_domxml.targets import free_place, insert_disk, place_of


def find_volume(domain: _Element, serial: str) -> _Element:
    """Return the `<disk>` of a volume.

    Raises:
        DiskNotFound: the domain has none with this serial.
    """
    words = device_words(domain)
    for element in domain.iterfind("devices/disk"):
        if volume_of(element, words) == serial:
            return element
    raise DiskNotFound(domain.findtext("uuid", ""), serial)


def remove_volume(domain: _Element, serial: str) -> None:
    """Take a volume's disk out of a domain.

    Raises:
        DiskNotFound: the domain has none with this serial.
    """
    element = find_volume(domain, serial)
    _remove(element)
    drop_device_words(domain, element.findtext("serial", serial))


def swap_volume(domain: _Element, old_serial: str, new: Disk) -> None:
    """Put another volume in the place of one: the same target, bus and boot order.

    Raises:
        DiskNotFound: the domain does not have the old one.
        HypervisorError: it has the other one already, or that cannot be a disk.
    """
    element = find_volume(domain, old_serial)
    _refuse_twice(domain, old_serial, new)
    boot = element.find("boot")
    order = None if boot is None else int(boot.get("order", "1"))
    _replace(element, volume_element(new, place_of(element), boot_order=order))
    tag = device_words(domain).get(old_serial, {}).get("tag")
    drop_device_words(domain, old_serial)
    size = str(new.size_gb) if new.size_gb else None
    add_device_words(domain, new.serial, tag=new.tag or tag, size_gb=size)


def set_volumes(domain: _Element, disks: Sequence[Disk]) -> None:
    """Let a domain have exactly these volumes; one that it has keeps its place.

    Raises:
        HypervisorError: one of them cannot be a disk, or its place is taken.
    """
    wanted = {disk.serial: disk for disk in disks}
    has = _volumes(domain) - {None}
    for gone in sorted(str(each) for each in has - wanted.keys()):
        remove_volume(domain, gone)
    for serial, disk in wanted.items():
        if serial in has:
            # Block storage may lead to it another way than before.
            swap_volume(domain, serial, disk)
        else:
            add_volume(domain, disk)


def note_swapped_volume(domain: _Element, old_serial: str, new: Disk) -> None:
    """Say in the metadata alone that a running domain's disk is another volume.

    A guest that runs keeps the serial that its disk was plugged in with.

    Raises:
        DiskNotFound: the domain does not have the old one.
    """
    reference = find_volume(domain, old_serial).findtext("serial", old_serial)
    said = device_words(domain).get(reference, {})
    drop_device_words(domain, reference)
    size = str(new.size_gb) if new.size_gb else None
    volume = None if new.serial == reference else new.serial
    add_device_words(domain, reference, tag=new.tag or said.get("tag"), size_gb=size, volume=volume)


def pivot_volume(domain: _Element, old_serial: str, new: Disk) -> None:
    """Let the disk of a running domain go on with another volume, as it does after a block copy.

    Where its data are changes and nothing else: see `note_swapped_volume`.

    Raises:
        DiskNotFound: the domain does not have the old one.
        HypervisorError: it has the other one already, or that cannot be a disk.
    """
    element = find_volume(domain, old_serial)
    _refuse_twice(domain, old_serial, new)
    other = volume_element(new, place_of(element), boot_order=None)
    note_swapped_volume(domain, old_serial, new)
    _take_source(element, other)


def keep_swapped_volumes(domain: _Element, running: _Element) -> None:
    """Let disks be what they are in the document of the same guest where it runs.

    Those that were swapped there have another serial than the volumes that they are now.
    """
    words, has = device_words(running), _volumes(domain)
    for element in running.iterfind("devices/disk"):
        volume, serial = volume_of(element, words), element.findtext("serial")
        if volume is None or serial is None or volume == serial or volume not in has:
            continue
        here, same = find_volume(domain, volume), deepcopy(element)
        said = device_words(domain).get(volume, {})
        _take_source(same, here)
        _replace(here, same)
        drop_device_words(domain, volume)
        add_device_words(domain, serial, **{**said, "volume": volume})


def extend_volume(domain: _Element, serial: str, size_gb: int) -> None:
    """Note the new size of a volume, in GiB.

    Raises:
        DiskNotFound: the domain has none with this serial.
    """
    reference = find_volume(domain, serial).findtext("serial", serial)
    said = device_words(domain).get(reference, {})
    drop_device_words(domain, reference)
    add_device_words(domain, reference, **{**said, "size_gb": str(size_gb)})


def remove_device(domain: _Element, device: Device) -> str | None:
    """Take a device out of a domain; it is found by port, by address or by MAC address.

    Returns:
        The PCI address that is free again; None for a virtual interface.

    Raises:
        DeviceNotFound: the domain has none like it.
    """
    words = device_words(domain)
    macs = {said.get("mac") for said in words.values() if said.get("port") == device.port_id}
    mac_address = device.mac_address or (next(iter(macs)) if device.port_id and macs else None)
    for element in domain.iterfind("devices/*"):
        if element.tag not in ("interface", "hostdev"):
            continue
        found = element.find("source/address")
        address = None if found is None else found.get("uuid") or pci_address(found)
        mac = element.find("mac")
        same_address = address is not None and address == device.address
        same_mac = mac is not None and mac_address is not None and mac.get("address") == mac_address
        if same_address or same_mac:
            _remove(element)
            drop_device_words(domain, address or reference_of(device))
            return address
    raise DeviceNotFound(domain.findtext("uuid", ""), reference_of(device))


def boot_from_rescue_disk(domain: _Element, path: str, bus: str = "scsi") -> None:
    """Let a domain boot from the file `path` and from nothing else; its own disks stay beside it.

    Args:
        domain: the domain to change.
        path: the rescue disk.
        bus: of the rescue disk.
    """
    devices = domain.find("devices")
    if devices is None:
        return
    for boot in domain.findall("devices/disk/boot"):
        _remove(boot)
    rescue = local_disk_element(path, free_place(devices, bus), boot_order=1)
    insert_disk(devices, rescue)


def _refuse_twice(domain: _Element, old_serial: str, new: Disk) -> None:
    if new.serial != old_serial and new.serial in _volumes(domain):
        raise HypervisorError(f"the domain has a disk with serial {new.serial} already")


def _volumes(domain: _Element) -> set[str | None]:
    words = device_words(domain)
    return {volume_of(each, words) for each in domain.iterfind("devices/disk")}


def _take_source(disk: _Element, other: _Element) -> None:
    disk.set("type", other.get("type", "file"))
    here, there = disk.find("source"), other.find("source")
    if here is not None and there is not None:
        disk.replace(here, deepcopy(there))


def _replace(element: _Element, other: _Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.replace(element, other)


def _remove(element: _Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
