"""Where a disk's data comes from: block storage's connection info as libvirt's `<source>`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml.etree import SubElement, _Element

from cellrig.driver.values import Disk


def add_volume_source(element: _Element, disk: Disk) -> None:
    """Add the `<source>` of a volume to its `<disk>` element, and set that element's type.

    A volume that os-brick (or a fake of it) has connected has a ``device_path``: a device or a
    file. Of those that the hypervisor connects by itself, rbd, nbd and iscsi are known. Anything
    else is taken as a device that is named by the volume.

    Args:
        element: the `<disk>` to add to.
        disk: the volume; its connection info is ``driver_volume_type`` and ``data``.
    """
    data: Mapping[str, Any] = disk.connection_info.get("data", {})
    path = data.get("device_path")
    protocol = disk.connection_info.get("driver_volume_type")
    if path is None and protocol in _NETWORK:
        element.set("type", "network")
        _NETWORK[protocol](element, data)
        return
    path = str(path or f"/dev/disk/by-id/volume-{disk.serial}")
    is_device = path.startswith("/dev/")
    element.set("type", "block" if is_device else "file")
    SubElement(element, "source", {"dev" if is_device else "file": path})


def source_of(element: _Element) -> str:
    """Return the file, device or URL that a `<disk>` comes from; empty where it has none."""
    source = element.find("source")
    if source is None:
        return ""
    if element.get("type") == "network":
        return f"{source.get('protocol')}:{source.get('name', '')}"
    return source.get("file") or source.get("dev") or ""


def _rbd(element: _Element, data: Mapping[str, Any]) -> None:
    source = SubElement(element, "source", {"protocol": "rbd", "name": str(data.get("name", ""))})
    ports = data.get("ports", [])
    for position, host in enumerate(data.get("hosts", [])):
        port = ports[position] if position < len(ports) else 6789
        SubElement(source, "host", {"name": str(host), "port": str(port)})


def _nbd(element: _Element, data: Mapping[str, Any]) -> None:
    export = {"name": str(data["export"])} if data.get("export") else {}
    source = SubElement(element, "source", {"protocol": "nbd", **export})
    if data.get("socket"):
        SubElement(source, "host", {"transport": "unix", "socket": str(data["socket"])})
    else:
        port = str(data.get("port", 10809))
        SubElement(source, "host", {"name": str(data.get("host", "localhost")), "port": port})


def _iscsi(element: _Element, data: Mapping[str, Any]) -> None:
    name = f"{data.get('target_iqn', '')}/{data.get('target_lun', 0)}"
    source = SubElement(element, "source", {"protocol": "iscsi", "name": name})
    host, _colon, port = str(data.get("target_portal", "localhost:3260")).rpartition(":")
    SubElement(source, "host", {"name": host, "port": port})


_NETWORK = {"rbd": _rbd, "nbd": _nbd, "iscsi": _iscsi}
