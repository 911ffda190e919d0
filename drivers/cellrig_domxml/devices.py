"""The `<interface>` and `<hostdev>` elements of a domain."""

from __future__ import annotations

from typing import Literal

from lxml.etree import Element, SubElement, _Element

from cellrig.driver.errors import HypervisorError
from cellrig.driver.reports import GuestDevice
from cellrig.driver.values import Device, DeviceKind
from cellrig_domxml.addresses import pci_address, pci_attributes

#: Of a virtual interface.
InterfaceType = Literal["ethernet", "user"]


def device_element(device: Device, interface_type: InterfaceType = "ethernet") -> _Element:
    """Return the element that gives `device` to a guest.

    A function that serves a port is an `<interface type="hostdev">`, so that the hypervisor sets
    its MAC address; without a port it is a `<hostdev>`, as any PCI device. A virtual GPU is a
    mediated device whose uuid is `device.address`.

    Args:
        device: what the guest gets.
        interface_type: of a virtual interface: ``ethernet`` makes one on the host, which takes
            privileges; ``user`` needs none, and leads nowhere but out.

    Raises:
        HypervisorError: it has no address, and is not a virtual interface.
    """
    if device.kind is DeviceKind.VIF:
        return _interface(device, interface_type)
    if device.address is None:
        raise HypervisorError(f"XML error: missing address of {device.kind.value} device")
    if device.kind is DeviceKind.VGPU:
        element = Element("hostdev", {"mode": "subsystem", "type": "mdev", "model": "vfio-pci"})
        SubElement(SubElement(element, "source"), "address", {"uuid": device.address})
        return element
    address = pci_attributes(device.address)
    if device.port_id is not None or device.mac_address is not None:
        element = Element("interface", {"type": "hostdev", "managed": "yes"})
        if device.mac_address is not None:
            SubElement(element, "mac", {"address": device.mac_address})
        SubElement(SubElement(element, "source"), "address", {"type": "pci", **address})
        return element
    element = Element("hostdev", {"mode": "subsystem", "type": "pci", "managed": "yes"})
    SubElement(SubElement(element, "source"), "address", address)
    return element


def reference_of(device: Device) -> str:
    """What a device is known by within its guest: port, else address, else MAC address."""
    known = device.port_id or device.address or device.mac_address
    if known is None:
        raise HypervisorError("XML error: an interface needs a port, an address or a MAC address")
    return known


def read_device(element: _Element) -> GuestDevice | None:
    """Read an `<interface>` or `<hostdev>`; None for what is neither a PCI nor a mediated one."""
    address = element.find("source/address")
    if element.tag == "interface":
        mac = element.find("mac")
        mac_address = None if mac is None else mac.get("address")
        if element.get("type") != "hostdev" or address is None:
            return GuestDevice(kind=DeviceKind.VIF, mac_address=mac_address)
        return GuestDevice(
            kind=DeviceKind.VF, address=pci_address(address), mac_address=mac_address
        )
    if address is None:
        return None
    if element.get("type") == "mdev":
        return GuestDevice(kind=DeviceKind.VGPU, uuid=address.get("uuid"))
    return GuestDevice(kind=DeviceKind.PCI, address=pci_address(address))


def _interface(device: Device, type_: InterfaceType) -> _Element:
    element = Element("interface", {"type": str(type_)})
    if device.mac_address is not None:
        SubElement(element, "mac", {"address": device.mac_address})
    if type_ == "ethernet":
        SubElement(element, "target", {"dev": f"tap{reference_of(device)[:11]}"})
    SubElement(element, "model", {"type": "virtio"})
    return element
