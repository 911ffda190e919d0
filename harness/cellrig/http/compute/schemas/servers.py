"""What may be said of servers."""

from __future__ import annotations

from typing import Any

from cellrig.http.compute.schemas.parts import (
    DISK_CONFIG,
    FIRST,
    HOST,
    METADATA,
    NAME,
    TAG,
    TAGS,
    TEXT_OR_NULL,
    TRUTH,
    UUID,
    Definition,
    body,
    closed,
    number,
    query,
    stepped,
    wrapped,
)

_FLAVOR = {"type": ["string", "integer"], "minLength": 1, "maxLength": 255}
#: An image's uuid, or nothing for a server that boots from a volume.
_IMAGE = {"anyOf": [UUID, {"type": "string", "maxLength": 0}]}
_ADDRESS = {"type": "string", "maxLength": 45}
_USER_DATA = {"type": "string", "maxLength": 65535, "pattern": r"^[A-Za-z0-9+/\s]*={0,2}\s*$"}
_PASSWORD = {"type": "string"}
_HOSTNAME = {
    "type": "string",
    "minLength": 2,
    "maxLength": 63,
    "pattern": r"^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$",
}
_ZONE = {"type": "string", "minLength": 1, "maxLength": 255}
CERTIFICATES: Definition = {
    "type": ["array", "null"],
    "minItems": 1,
    "maxItems": 50,
    "uniqueItems": True,
    "items": {"type": "string", "minLength": 1},
}
_FILES = {
    "type": "array",
    "items": closed(
        {"path": {"type": "string"}, "contents": {"type": "string"}}, ["path", "contents"]
    ),
}
_NETWORK = {
    "fixed_ip": {"type": "string", "maxLength": 45},
    "port": {"anyOf": [UUID, {"type": "null"}]},
    "uuid": UUID,
}


def _networks(more: Definition, *, words: bool = False) -> Definition:
    listed = {"type": "array", "items": closed({**_NETWORK, **more})}
    return {"anyOf": [listed, {"enum": ["auto", "none"]}]} if words else listed


def _devices(more: Definition) -> Definition:
    device = {
        "boot_index": {"anyOf": [number(-1), {"type": "null"}]},
        "delete_on_termination": TRUTH,
        "destination_type": {"enum": ["local", "volume"]},
        "device_name": {
            "type": ["string", "null"],
            "maxLength": 255,
            "pattern": r"^[a-zA-Z0-9._/-]*$",
        },
        "device_type": {"type": ["string", "null"], "maxLength": 255},
        "disk_bus": {"type": ["string", "null"], "maxLength": 255},
        "guest_format": {"type": ["string", "null"], "maxLength": 255},
        "no_device": {},
        "source_type": {"enum": ["blank", "image", "snapshot", "volume"]},
        "uuid": {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 255}, {"type": "null"}]},
        "volume_id": UUID,
        "snapshot_id": UUID,
        "image_id": UUID,
        "volume_size": {"anyOf": [number(1), {"type": "null"}, {"type": "string", "maxLength": 0}]},
        **more,
    }
    return {"type": "array", "items": closed(device)}


_OLD_DEVICES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "device_name": {"type": "string", "minLength": 1, "maxLength": 255},
            "volume_id": UUID,
            "snapshot_id": UUID,
            "volume_size": {"anyOf": [number(1), {"type": "string", "maxLength": 0}]},
            "delete_on_termination": TRUTH,
            "no_device": {},
        },
    },
}
_HINTS = {
    "type": "object",
    "properties": {
        "group": UUID,
        "build_near_host_ip": {"type": "string"},
        "cidr": {"type": "string"},
        **{
            name: {"anyOf": [UUID, {"type": "array", "items": UUID}]}
            for name in ("same_host", "different_host")
        },
    },
    "additionalProperties": {
        "anyOf": [
            {"type": ["string", "number", "boolean"]},
            {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
            {"type": "object"},
        ]
    },
}

_CREATE: dict[str, Any] = {
    "name": NAME,
    "imageRef": _IMAGE,
    "flavorRef": _FLAVOR,
    "adminPass": _PASSWORD,
    "metadata": METADATA,
    "networks": _networks({}),
    "OS-DCF:diskConfig": DISK_CONFIG,
    "accessIPv4": _ADDRESS,
    "accessIPv6": _ADDRESS,
    "personality": _FILES,
    "availability_zone": _ZONE,
    "block_device_mapping": _OLD_DEVICES,
    "block_device_mapping_v2": _devices({}),
    "config_drive": TRUTH,
    "key_name": NAME,
    "min_count": number(1),
    "max_count": number(1),
    "return_reservation_id": TRUTH,
    "security_groups": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 255}},
            "additionalProperties": False,
        },
    },
    "user_data": _USER_DATA,
}
_DESCRIPTION = TEXT_OR_NULL

CREATE = {
    version: body(
        {
            "type": "object",
            "properties": {
                **schema.definition["properties"],
                "OS-SCH-HNT:scheduler_hints": _HINTS,
                "os:scheduler_hints": _HINTS,
            },
            "required": ["server"],
            "additionalProperties": False,
        }
    )
    for version, schema in stepped(
        "server",
        _CREATE,
        ["name", "flavorRef"],
        {
            (2, 19): {"description": _DESCRIPTION},
            (2, 32): {
                "networks": _networks({"tag": TAG}),
                "block_device_mapping_v2": _devices({"tag": TAG}),
            },
            (2, 33): {
                "networks": _networks({}),
                "block_device_mapping_v2": _devices({"tag": TAG}),
            },
            (2, 37): {"networks": _networks({}, words=True)},
            (2, 42): {
                "networks": _networks({"tag": TAG}, words=True),
                "block_device_mapping_v2": _devices({"tag": TAG}),
            },
            (2, 52): {"tags": TAGS},
            (2, 57): {"personality": None},
            (2, 63): {"trusted_image_certificates": CERTIFICATES},
            (2, 67): {
                "block_device_mapping_v2": _devices({"tag": TAG, "volume_type": TEXT_OR_NULL})
            },
            (2, 74): {"host": HOST, "hypervisor_hostname": HOST},
            (2, 90): {"hostname": _HOSTNAME},
            (2, 94): {"hostname": {**_HOSTNAME, "maxLength": 255, "pattern": r"^[a-zA-Z0-9-.]*$"}},
        },
        {(2, 37): ["networks"]},
    ).items()
}

UPDATE = stepped(
    "server",
    {
        "name": NAME,
        "OS-DCF:diskConfig": DISK_CONFIG,
        "accessIPv4": _ADDRESS,
        "accessIPv6": _ADDRESS,
    },
    (),
    {
        (2, 19): {"description": _DESCRIPTION},
        (2, 90): {"hostname": _HOSTNAME},
        (2, 94): {"hostname": {**_HOSTNAME, "maxLength": 255, "pattern": r"^[a-zA-Z0-9-.]*$"}},
        (2, 104): {"pinned_availability_zone": {"anyOf": [_ZONE, {"type": "null"}]}},
    },
)

REBUILD = stepped(
    "rebuild",
    {
        "imageRef": UUID,
        "name": NAME,
        "adminPass": _PASSWORD,
        "metadata": METADATA,
        "preserve_ephemeral": TRUTH,
        "OS-DCF:diskConfig": DISK_CONFIG,
        "accessIPv4": _ADDRESS,
        "accessIPv6": _ADDRESS,
        "personality": _FILES,
    },
    ["imageRef"],
    {
        (2, 19): {"description": _DESCRIPTION},
        (2, 54): {"key_name": {"anyOf": [NAME, {"type": "null"}]}},
        (2, 57): {
            "personality": None,
            "user_data": {"anyOf": [_USER_DATA, {"type": "null"}]},
        },
        (2, 63): {"trusted_image_certificates": CERTIFICATES},
        (2, 90): {"hostname": _HOSTNAME},
        (2, 94): {"hostname": {**_HOSTNAME, "maxLength": 255, "pattern": r"^[a-zA-Z0-9-.]*$"}},
    },
)

LIST = query(
    *("limit", "marker", "sort_key", "sort_dir", "all_tenants", "project_id", "tenant_id"),
    *("name", "status", "image", "image_ref", "flavor", "ip", "ip6", "host", "node", "uuid"),
    *("reservation_id", "availability_zone", "key_name", "hostname", "user_id", "vm_state"),
    *("task_state", "power_state", "deleted", "changes-since", "launched_at", "terminated_at"),
    *("access_ip_v4", "access_ip_v6", "config_drive", "created_at", "description"),
    *("disk_config", "display_description", "display_name", "kernel_id", "launch_index"),
    *("locked_by", "progress", "ramdisk_id", "root_device_name", "not-tags", "not-tags-any"),
    *("tags", "tags-any", "auto_disk_config", "soft_deleted", "block_device_mapping", "services"),
    *("metadata", "system_metadata", "security_groups", "info_cache", "instance_type_id"),
    more={(2, 66): ["changes-before"], (2, 73): ["locked"]},
)
_INTERFACE: dict[str, Any] = {
    "net_id": UUID,
    "port_id": UUID,
    "fixed_ips": {
        "type": "array",
        "minItems": 1,
        "maxItems": 1,
        "items": closed({"ip_address": _ADDRESS}, ["ip_address"]),
    },
}
ATTACH_INTERFACE = stepped("interfaceAttachment", _INTERFACE, (), {(2, 49): {"tag": TAG}})
METADATA_ALL = {FIRST: body(wrapped("metadata", METADATA))}
METADATA_ONE = {FIRST: body(wrapped("meta", {**METADATA, "minProperties": 1, "maxProperties": 1}))}
TAGS_ALL = {(2, 26): body(wrapped("tags", TAGS))}
SHARE = {(2, 97): body(wrapped("share", closed({"share_id": UUID, "tag": TAG}, ["share_id"])))}
