"""Reading a domain XML document: what a guest is and has."""

from __future__ import annotations

import msgspec
from lxml.etree import _Element

from cellrig.driver.reports import GuestDevice, GuestDisk, GuestInfo
from cellrig.driver.values import DeviceKind, PowerState
from cellrig_domxml.devices import read_device
from cellrig_domxml.metadata import device_words, guest_words, volume_of
from cellrig_domxml.sources import secret_of, source_of

#: Divisors that turn an amount of libvirt's units into MiB.
_UNITS = {"b": 1 << 20, "KiB": 1 << 10, "MiB": 1, "": 1 << 10, "k": 1 << 10}


def read_domain(domain: _Element, power_state: PowerState) -> GuestInfo:
    """Return what a domain's XML says.

    Args:
        domain: the root of its document.
        power_state: what the hypervisor says beside the document.
    """
    words = device_words(domain)
    disks = (read_disk(element, words) for element in domain.iterfind("devices/disk"))
    devices = (
        _read_device(element, words)
        for element in domain.iterfind("devices/*")
        if element.tag in ("interface", "hostdev")
    )
    return GuestInfo(
        uuid=domain.findtext("uuid", ""),
        name=domain.findtext("name", ""),
        power_state=power_state,
        memory_mb=_memory_mb(domain),
        vcpus=int(domain.findtext("vcpu", "1")),
        node=guest_words(domain).get("node", ""),
        disks=tuple(disks),
        devices=tuple(device for device in devices if device is not None),
    )


def read_disk(element: _Element, words: dict[str, dict[str, str]]) -> GuestDisk:
    """Return what a `<disk>` and the metadata's words about it say."""
    target, boot, driver = (element.find(tag) for tag in ("target", "boot", "driver"))
    source = source_of(element)
    said = words.get(element.findtext("serial") or source, {})
    return GuestDisk(
        target="" if target is None else target.get("dev", ""),
        serial=volume_of(element, words),
        bus="" if target is None else target.get("bus", ""),
        source=source,
        size_gb=int(said.get("size_gb", 0)),
        boot_order=None if boot is None else int(boot.get("order", "0")),
        shareable=element.find("shareable") is not None,
        cache=None if driver is None else driver.get("cache"),
        io=None if driver is None else driver.get("io"),
        discard=driver is not None and driver.get("discard") == "unmap",
        secret_uuid=secret_of(element),
        read_only=element.find("readonly") is not None,
        tag=said.get("tag"),
    )


def _read_device(element: _Element, words: dict[str, dict[str, str]]) -> GuestDevice | None:
    device = read_device(element)
    if device is None:
        return None
    said = words.get(device.address or device.uuid or "", {})
    if not said and device.mac_address:
        said = next((each for each in words.values() if each.get("mac") == device.mac_address), {})
    return msgspec.structs.replace(
        device,
        kind=DeviceKind(said.get("kind", device.kind.value)),
        port_id=said.get("port"),
        tag=said.get("tag"),
    )


def _memory_mb(domain: _Element) -> int:
    memory = domain.find("memory")
    if memory is None:
        return 0
    amount, unit = int(memory.text or 0), memory.get("unit", "")
    return amount * 1024 if unit in ("GiB", "G") else amount // _UNITS.get(unit, 1)
