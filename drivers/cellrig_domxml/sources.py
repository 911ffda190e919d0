"""Where a disk's data comes from: block storage's connection info as libvirt's `<source>`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from lxml.etree import SubElement, _Element

from cellrig.driver.errors import HypervisorError
from cellrig.driver.values import Disk

#: What is in a connection info under ``data``.
Data = Mapping[str, Any]


def data_of(disk: Disk) -> Data:
    """Return the ``data`` of a volume's connection info; empty where there is none."""
    data: Data | None = disk.connection_info.get("data")
    return data or {}


def is_read_only(disk: Disk) -> bool:
    """Whether a guest may only read a volume: it is said of the disk, or by block storage.

    Raises:
        HypervisorError: the ``access_mode`` of the connection info is none.
    """
    mode = data_of(disk).get("access_mode", "rw")
    if mode not in ("rw", "ro"):
        raise HypervisorError(f"access_mode of volume {disk.serial} is {mode!r}, not 'rw' or 'ro'")
    return disk.read_only or mode == "ro"


def add_volume_source(element: _Element, disk: Disk) -> None:
    """Add the `<source>` of a volume to its `<disk>` element, and set that element's type.

    A volume that os-brick (or a fake of it) has connected has a ``device_path``: a device or a
    file. Of those that the hypervisor connects by itself, rbd, nbd and iscsi are known. Anything
    else is taken as a device that is named by the volume.

    Args:
        element: the `<disk>` to add to.
        disk: the volume; its connection info is ``driver_volume_type`` and ``data``.

    Raises:
        HypervisorError: the connection info lacks something.
    """
    data = data_of(disk)
    path = data.get("device_path")
    protocol = disk.connection_info.get("driver_volume_type")
    if path is None and protocol in _NETWORK:
        element.set("type", "network")
        source = SubElement(element, "source", {"protocol": str(protocol)})
        _NETWORK[protocol](source, data, disk)
    else:
        path = str(path or f"/dev/disk/by-id/volume-{disk.serial}")
        if not path.startswith("/"):
            told = f"device_path of volume {disk.serial} is {path!r}, not an absolute path"
            raise HypervisorError(told)
        is_device = path.startswith("/dev/")
        element.set("type", "block" if is_device else "file")
        source = SubElement(element, "source", {"dev" if is_device else "file": path})
    if disk.secret_uuid is not None:
        encryption = SubElement(source, "encryption", {"format": "luks"})
        SubElement(encryption, "secret", {"type": "passphrase", "uuid": disk.secret_uuid})


def source_of(element: _Element) -> str:
    """Return the file, device or URI that a `<disk>` comes from; empty where it has none."""
    source = element.find("source")
    if source is None:
        return ""
    if element.get("type") != "network":
        return source.get("file") or source.get("dev") or ""
    protocol, name = source.get("protocol", ""), source.get("name", "")
    host = source.find("host")
    # Ceph is one store however many of its monitors are named.
    if host is None or protocol == "rbd":
        return f"{protocol}:{name}"
    if host.get("transport") == "unix":
        return (
            f"{protocol}+unix:///{name}?{urlencode({'socket': host.get('socket', '')}, safe='/')}"
        )
    return f"{protocol}://{_authority(host)}/{name}"


def secret_of(element: _Element) -> str | None:
    """Return the uuid of the secret that opens an encrypted `<disk>`; None of a plain one."""
    for path in ("source/encryption/secret", "encryption/secret"):
        secret = element.find(path)
        if secret is not None:
            return secret.get("uuid")
    return None


def _rbd(source: _Element, data: Data, disk: Disk) -> None:
    source.set("name", _required(data, "name", disk))
    ports = data.get("ports") or []
    for position, host in enumerate(data.get("hosts") or []):
        _add_host(source, host, ports[position] if position < len(ports) else 6789)
    if data.get("auth_enabled"):
        kind = str(data.get("secret_type") or "ceph")
        _add_auth(source, data, disk, {"type": kind, "uuid": _required(data, "secret_uuid", disk)})


def _nbd(source: _Element, data: Data, disk: Disk) -> None:
    if data.get("export"):
        source.set("name", str(data["export"]))
    if data.get("socket"):
        SubElement(source, "host", {"transport": "unix", "socket": str(data["socket"])})
    else:
        _add_host(source, _required(data, "host", disk), data.get("port", 10809))


def _iscsi(source: _Element, data: Data, disk: Disk) -> None:
    iqn = _required(data, "target_iqn", disk)
    source.set("name", f"{iqn}/{data.get('target_lun', 0)}")
    host, _colon, port = _required(data, "target_portal", disk).rpartition(":")
    _add_host(source, host, port)
    if data.get("auth_method") == "CHAP":
        # The password is the driver's to put there: block storage has no secrets of libvirt's.
        _add_auth(source, data, disk, {"type": "iscsi", "usage": disk.serial})


_NETWORK = {"rbd": _rbd, "nbd": _nbd, "iscsi": _iscsi}


def _add_host(source: _Element, host: object, port: object) -> None:
    # Block storage writes IPv6 addresses in brackets; libvirt has a port of its own.
    SubElement(source, "host", {"name": str(host).strip("[]"), "port": str(port)})


def _add_auth(source: _Element, data: Data, disk: Disk, secret: dict[str, str]) -> None:
    auth = SubElement(source, "auth", {"username": _required(data, "auth_username", disk)})
    SubElement(auth, "secret", secret)


def _authority(host: _Element) -> str:
    name = host.get("name", "")
    return f"[{name}]:{host.get('port')}" if ":" in name else f"{name}:{host.get('port')}"


def _required(data: Data, name: str, disk: Disk) -> str:
    value = data.get(name)
    if not value:
        raise HypervisorError(f"the connection info of volume {disk.serial} has no {name}")
    return str(value)
