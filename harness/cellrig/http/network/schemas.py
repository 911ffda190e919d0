"""What may be said to the network service, as JSON Schema."""

from __future__ import annotations

from typing import Any

from cellrig.http.checking import Schema
from cellrig.http.uuids import is_dashed_uuid

Definition = dict[str, Any]

_PRINTED = "^[^\\u0000]*$"
_TEXT: Definition = {"type": "string", "maxLength": 255, "pattern": _PRINTED}
_ID: Definition = {**_TEXT, "minLength": 1}
_TRUTH: Definition = {"type": "boolean"}
_ADDRESS: Definition = {"type": "string", "minLength": 1, "maxLength": 64}
_TEXTS: Definition = {"type": "array", "items": _ADDRESS, "maxItems": 100}


def _null(definition: Definition) -> Definition:
    return {"anyOf": [definition, {"type": "null"}]}


def _number(least: int, most: int) -> Definition:
    return {"type": "integer", "minimum": least, "maximum": most}


def _object(properties: Definition) -> Definition:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _list(properties: Definition) -> Definition:
    return {"type": "array", "items": _object(properties), "maxItems": 100}


def _body(name: str, properties: Definition) -> Schema:
    return _schema({"properties": {name: _object(properties)}, "required": [name]})


def _new(name: str, properties: Definition, required: tuple[str, ...] = ()) -> Schema:
    """Return the schema of a body that asks for one thing, or for several by their plural."""
    inside = {**_object(properties), "required": list(required)}
    several = {"type": "array", "items": inside, "minItems": 1}
    properties = {name: inside, f"{name}s": several}
    return _schema({"properties": properties, "minProperties": 1, "maxProperties": 1})


def _schema(definition: Definition) -> Schema:
    return Schema(
        {"type": "object", **definition, "additionalProperties": False},
        refusal="Invalid input",
        is_uuid=is_dashed_uuid,
    )


_PROJECT: Definition = {"project_id": _TEXT, "tenant_id": _TEXT}
_NAMED: Definition = {"name": _TEXT, "description": _TEXT}

_NETWORK: Definition = {
    **_NAMED,
    "admin_state_up": _TRUTH,
    "shared": _TRUTH,
    "router:external": _TRUTH,
    "is_default": _TRUTH,
    "mtu": _number(0, 1 << 31),
    "port_security_enabled": _TRUTH,
    "dns_domain": _TEXT,
    "provider:network_type": _null(_ID),
    "provider:physical_network": _null(_ID),
    "provider:segmentation_id": _null(_number(0, 1 << 31)),
}
_ONLY_NEW_NETWORK: Definition = {
    **_PROJECT,
    "availability_zone_hints": {"type": "array", "items": _TEXT},
    "qos_policy_id": {"type": "null"},
    "vlan_transparent": _null(_TRUTH),
}
CREATE_NETWORK = _new("network", {**_NETWORK, **_ONLY_NEW_NETWORK})
UPDATE_NETWORK = _body("network", _NETWORK)

_SUBNET: Definition = {
    **_NAMED,
    "gateway_ip": _null(_ADDRESS),
    "allocation_pools": _list({"start": _ADDRESS, "end": _ADDRESS})
    | {
        "items": {
            **_object({"start": _ADDRESS, "end": _ADDRESS}),
            "required": ["start", "end"],
        }
    },
    "enable_dhcp": _TRUTH,
    "dns_nameservers": _TEXTS,
    "host_routes": _list({"destination": _ADDRESS, "nexthop": _ADDRESS}),
    "service_types": {"type": "array", "maxItems": 0},
}
CREATE_SUBNET = _new(
    "subnet",
    {
        **_SUBNET,
        **_PROJECT,
        "network_id": _ID,
        "cidr": _ADDRESS,
        "ip_version": {"enum": [4, 6]},
        "ipv6_address_mode": _null(_ID),
        "ipv6_ra_mode": _null(_ID),
        "subnetpool_id": {"type": "null"},
    },
    ("network_id", "cidr"),
)
UPDATE_SUBNET = _body("subnet", _SUBNET)

_PORT: Definition = {
    **_NAMED,
    "mac_address": _ADDRESS,
    "admin_state_up": _TRUTH,
    "fixed_ips": _list({"subnet_id": _ID, "ip_address": _ADDRESS}),
    "security_groups": {"type": "array", "items": _ID, "maxItems": 100},
    "port_security_enabled": _TRUTH,
    "device_id": _TEXT,
    "device_owner": _TEXT,
    "binding:host_id": _TEXT,
    "binding:profile": _null({"type": "object"}),
    "binding:vnic_type": _ID,
    "allowed_address_pairs": _list({"ip_address": _ADDRESS, "mac_address": _ADDRESS}),
    "extra_dhcp_opts": {"type": "array", "items": {"type": "object"}, "maxItems": 100},
    "dns_name": {"type": "string", "maxLength": 0},
    "qos_policy_id": {"type": "null"},
}
CREATE_PORT = _new("port", {**_PORT, **_PROJECT, "network_id": _ID}, ("network_id",))
UPDATE_PORT = _body("port", _PORT)

_GROUP: Definition = {**_NAMED, "stateful": _TRUTH}
CREATE_GROUP = _new("security_group", {**_GROUP, **_PROJECT}, ("name",))
UPDATE_GROUP = _body("security_group", _GROUP)

_PROTOCOL: Definition = {
    "anyOf": [{"type": "string", "maxLength": 40}, _number(0, 255), {"type": "null"}]
}
CREATE_RULE = _new(
    "security_group_rule",
    {
        **_PROJECT,
        "description": _null(_TEXT),
        "security_group_id": _ID,
        "direction": _ID,
        "ethertype": _null(_ID),
        "protocol": _PROTOCOL,
        "port_range_min": _null(_number(-65536, 65536)),
        "port_range_max": _null(_number(-65536, 65536)),
        "remote_ip_prefix": _null(_ADDRESS),
        "remote_group_id": _null(_ID),
        "remote_address_group_id": {"type": "null"},
    },
    ("security_group_id", "direction"),
)

SET_TAGS = _schema(
    {
        "properties": {
            "tags": {
                "type": "array",
                "items": {**_ID, "pattern": "^[^\\u0000,/]*$"},
                "maxItems": 50,
                "uniqueItems": True,
            }
        },
        "required": ["tags"],
    }
)

UPDATE_QUOTA = Schema(
    {
        "type": "object",
        "properties": {
            "quota": {
                "type": "object",
                "properties": {"force": _TRUTH, "check_limit": _TRUTH},
                "additionalProperties": _number(-1, (1 << 31) - 1),
            }
        },
        "required": ["quota"],
        "additionalProperties": False,
    },
    refusal="Invalid input",
    is_uuid=is_dashed_uuid,
)
