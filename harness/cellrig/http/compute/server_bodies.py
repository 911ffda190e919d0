"""What a body asks for when it creates servers."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

from cellrig.compute.api import ServerRequest
from cellrig.compute.api.network_requests import NetworkChoice
from cellrig.http.compute.schemas.parts import true, whole
from cellrig.http.errors import Refusal
from cellrig.http.versions import Version
from cellrig.model import (
    BlockDevice,
    DestinationType,
    NetworkRequest,
    Presentation,
    SourceType,
)

_LOCAL_SOURCES = (SourceType.BLANK, SourceType.IMAGE)
_HINT_NAMES = ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")


def server_request(body: Mapping[str, Any], version: Version) -> ServerRequest:
    """Return what the body of a creation asks for.

    Raises:
        Refusal: 400 for values that do not go together.
    """
    given = body["server"]
    hints = {k: v for name in _HINT_NAMES for k, v in body.get(name, {}).items()}
    hints = {key: _words(value) for key, value in hints.items()}
    group = hints.pop("group", None)
    zone, host, node = given.get("availability_zone"), given.get("host"), None
    if version >= (2, 74):
        node = given.get("hypervisor_hostname")
        if (host or node) and zone is not None and ":" in zone:
            raise Refusal(400, "Requested host or node cannot be given with a forced zone:host")
    return ServerRequest(
        name=given["name"].strip(),
        flavor=flavor_id(given["flavorRef"]),
        image=given.get("imageRef") or None,
        count=_count(given),
        zone=zone,
        host=host or node,
        group=str(group) if group is not None else None,
        hints=hints,
        metadata=given.get("metadata", {}),
        tags=tuple(given.get("tags", ())),
        key_name=given.get("key_name"),
        hostname=given.get("hostname"),
        block_devices=_devices(given),
        presentation=_presentation(given),
        networks=_networks(given),
    )


def _networks(given: Mapping[str, Any]) -> NetworkChoice | tuple[NetworkRequest, ...]:
    asked = given.get("networks", "auto")
    if isinstance(asked, str):
        return "none" if asked == "none" else "auto"
    return tuple(
        NetworkRequest(
            network=each.get("uuid"),
            port=each.get("port"),
            fixed_ip=each.get("fixed_ip") or None,
            tag=each.get("tag"),
        )
        for each in asked
    )


def flavor_id(given: int | str) -> str:
    """Return the id in a reference to a flavor, which may also be a link."""
    return str(given).rstrip("/").rpartition("/")[2]


def changed_presentation(known: Presentation, given: Mapping[str, Any]) -> Presentation:
    """Return what is shown of a server when a body has changed it.

    Raises:
        Refusal: 400 for an address that is none, or user data that is not base64.
    """
    fields: dict[str, Any] = {}
    if "description" in given:
        fields["description"] = given["description"] and given["description"].strip()
    if "accessIPv4" in given:
        fields["access_ip_v4"] = _address("accessIPv4", IPv4Address, given["accessIPv4"])
    if "accessIPv6" in given:
        fields["access_ip_v6"] = _address("accessIPv6", IPv6Address, given["accessIPv6"])
    if "OS-DCF:diskConfig" in given:
        fields["disk_config"] = given["OS-DCF:diskConfig"]
    if "user_data" in given:
        fields["user_data"] = _user_data(given["user_data"])
    if "trusted_image_certificates" in given:
        asked = given["trusted_image_certificates"]
        fields["trusted_image_certificates"] = None if asked is None else tuple(asked)
    return Presentation(
        **{**{name: getattr(known, name) for name in known.__struct_fields__}, **fields}
    )


def _presentation(given: Mapping[str, Any]) -> Presentation:
    groups = tuple(
        dict.fromkeys(each["name"] for each in given.get("security_groups", ()) if "name" in each)
    )
    base = Presentation(
        config_drive=true(given.get("config_drive", False)),
        security_groups=groups or ("default",),
    )
    return changed_presentation(base, given)


def _address(name: str, kind: type[IPv4Address | IPv6Address], given: str) -> str:
    """Return an address in its canonical form; empty for none."""
    if not given:
        return ""
    try:
        return str(kind(given))
    except AddressValueError as error:
        raise Refusal(400, f"{name} takes an address; it was given {given!r}") from error


def _user_data(given: str | None) -> str | None:
    if given is not None:
        try:
            b64decode(given)
        except (binascii.Error, ValueError) as error:
            raise Refusal(400, "user_data must be valid base64") from error
    return given


def least_count(given: Mapping[str, Any]) -> int:
    """Return how many servers will do where not all can be had."""
    return whole(given.get("min_count", 1), "min_count", 1)


def _count(given: Mapping[str, Any]) -> int:
    """Return the most servers that are asked for."""
    least = least_count(given)
    most = whole(given.get("max_count", least), "max_count", 1)
    if least > most:
        raise Refusal(400, "min_count must be <= max_count")
    return most


def _words(value: Any) -> str | tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else str(value)


def _devices(given: Mapping[str, Any]) -> tuple[BlockDevice, ...]:
    newer, older = given.get("block_device_mapping_v2"), given.get("block_device_mapping")
    if newer and older:
        raise Refusal(400, "Using different block_device_mapping syntaxes is not allowed")
    if older:
        return tuple(_old_device(each, given) for each in older if not each.get("no_device"))
    return tuple(_device(each) for each in newer or () if not each.get("no_device"))


def _device(given: Mapping[str, Any]) -> BlockDevice:
    """Return one disk; before it had a ``uuid`` its source had a name of its own."""
    word = given.get("source_type")
    uuid = given.get("uuid")
    for name in ("volume", "snapshot", "image"):
        if given.get(f"{name}_id"):
            word, uuid = word or name, uuid or given[f"{name}_id"]
    source = SourceType(word or SourceType.BLANK)
    ending = DestinationType.LOCAL if source in _LOCAL_SOURCES else DestinationType.VOLUME
    index, size = given.get("boot_index"), given.get("volume_size")
    return BlockDevice(
        source_type=source,
        destination_type=DestinationType(given.get("destination_type", ending)),
        uuid=uuid or None,
        boot_index=None if index is None else whole(index, "boot_index", -1),
        device_name=given.get("device_name") or None,
        device_type=given.get("device_type"),
        disk_bus=given.get("disk_bus"),
        guest_format=given.get("guest_format"),
        volume_size=whole(size, "volume_size", 1) if size not in (None, "") else None,
        volume_type=given.get("volume_type"),
        delete_on_termination=true(given.get("delete_on_termination", False)),
        tag=given.get("tag"),
    )


def _old_device(given: Mapping[str, Any], server: Mapping[str, Any]) -> BlockDevice:
    """Return a disk in the older syntax: without an image, ``vda`` or ``sda`` is booted from."""
    name = given.get("device_name")
    boots = not server.get("imageRef") and (name or "").removeprefix("/dev/") in ("vda", "sda")
    size = given.get("volume_size")
    snapshot = given.get("snapshot_id")
    return BlockDevice(
        source_type=SourceType.SNAPSHOT if snapshot else SourceType.VOLUME,
        uuid=snapshot or given.get("volume_id"),
        boot_index=0 if boots else None,
        device_name=name,
        volume_size=whole(size, "volume_size", 1) if size not in (None, "") else None,
        delete_on_termination=true(given.get("delete_on_termination", False)),
    )
