"""What may be said of key pairs, server groups, quotas, aggregates, hosts and events."""

from __future__ import annotations

from cellrig.http.compute.schemas.parts import (
    FIRST,
    HOST,
    NAME,
    TEXT_OR_NULL,
    TRUTH,
    UUID,
    Definition,
    Version,
    body,
    closed,
    number,
    stepped,
    wrapped,
)

# -- key pairs -----------------------------------------------------------------------------------

_KEY = {"type": "string"}
_KEY_USER = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9_-]*$"}
_KEY_NAME = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[a-zA-Z0-9_ -]*$",
}
_KEY_NAME_292 = {**_KEY_NAME, "pattern": r"^[a-zA-Z0-9@._ -]*$"}
KEYPAIR = stepped(
    "keypair",
    {"name": _KEY_NAME, "public_key": _KEY},
    ["name"],
    {
        (2, 2): {"type": {"enum": ["ssh", "x509"]}},
        (2, 10): {"user_id": _KEY_USER},
        (2, 92): {"name": _KEY_NAME_292},
    },
    {(2, 92): ["public_key"]},
)

# -- server groups -------------------------------------------------------------------------------

_HARD = ["anti-affinity", "affinity"]
_SOFT = ["soft-anti-affinity", "soft-affinity"]
_RULES = closed({"max_server_per_host": number(1)})


def _policies(words: list[str]) -> Definition:
    return {"type": "array", "items": {"enum": words}, "minItems": 1, "maxItems": 1}


GROUP = stepped(
    "server_group",
    {"name": NAME, "policies": _policies(_HARD)},
    ["name", "policies"],
    {
        (2, 15): {"policies": _policies([*_HARD, *_SOFT])},
        (2, 64): {"policies": None, "policy": {"enum": [*_HARD, *_SOFT]}, "rules": _RULES},
    },
    {(2, 64): ["policy"]},
)

# -- quotas --------------------------------------------------------------------------------------

_QUOTA = number(-1)
_OF_NETWORKS = dict.fromkeys(
    ("fixed_ips", "floating_ips", "security_groups", "security_group_rules"), _QUOTA
)
_OF_FILES = dict.fromkeys(
    ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes"), _QUOTA
)
_QUOTAS = {
    **dict.fromkeys(("instances", "cores", "ram", "metadata_items", "key_pairs"), _QUOTA),
    "server_groups": _QUOTA,
    "server_group_members": _QUOTA,
    **_OF_NETWORKS,
    **_OF_FILES,
}
_FEWER = {(2, 36): dict.fromkeys(_OF_NETWORKS), (2, 57): dict.fromkeys(_OF_FILES)}
QUOTAS = stepped("quota_set", {**_QUOTAS, "force": TRUTH}, (), _FEWER)
QUOTA_CLASS = stepped("quota_class_set", _QUOTAS, (), _FEWER)

# -- aggregates ----------------------------------------------------------------------------------

_ZONE = {
    "type": ["string", "null"],
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[^\s:\x00-\x1f]([^:\x00-\x1f]*[^\s:\x00-\x1f])?$",
}
CREATE_AGGREGATE = stepped("aggregate", {"name": NAME, "availability_zone": _ZONE}, ["name"])
UPDATE_AGGREGATE = stepped("aggregate", {"name": NAME, "availability_zone": _ZONE}, minProperties=1)
_VALUES = {
    "type": "object",
    "propertyNames": {"pattern": r"^[a-zA-Z0-9\-_:. ]{1,255}$"},
    "additionalProperties": TEXT_OR_NULL,
}
AGGREGATE_ACTION = {
    FIRST: body(
        closed(
            {
                "add_host": closed({"host": HOST}, ["host"]),
                "remove_host": closed({"host": HOST}, ["host"]),
                "set_metadata": closed({"metadata": _VALUES}, ["metadata"]),
            },
            minProperties=1,
            maxProperties=1,
        )
    )
}
CACHE_IMAGES = {
    (2, 81): body(
        wrapped(
            "cache",
            {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": closed({"id": UUID}, ["id"]),
            },
        )
    )
}

# -- services and hosts --------------------------------------------------------------------------

_BINARY = {"type": "string", "minLength": 1, "maxLength": 255}
_SERVICE = {"host": HOST, "binary": _BINARY}
_REASON = {"type": "string", "minLength": 1, "maxLength": 255}
SERVICE = {FIRST: body(closed(_SERVICE, _SERVICE))}
SERVICE_REASON = {
    FIRST: body(closed({**_SERVICE, "disabled_reason": _REASON}, [*_SERVICE, "disabled_reason"]))
}
FORCE_DOWN = {(2, 11): body(closed({**_SERVICE, "forced_down": TRUTH}, _SERVICE))}
UPDATE_SERVICE = {
    (2, 53): body(
        closed(
            {
                "status": {"enum": ["enabled", "disabled"]},
                "disabled_reason": _REASON,
                "forced_down": TRUTH,
            },
            minProperties=1,
        )
    )
}
UPDATE_HOST = {
    FIRST: body(
        closed(
            {
                "status": {"enum": ["enable", "disable"]},
                "maintenance_mode": {"enum": ["enable", "disable", "on_maintenance"]},
            },
            minProperties=1,
        )
    )
}

# -- events --------------------------------------------------------------------------------------

_NAMES = {
    FIRST: (
        *("network-changed", "network-vif-plugged", "network-vif-unplugged"),
        "network-vif-deleted",
    ),
    (2, 51): ("volume-extended",),
    (2, 76): ("power-update",),
    (2, 82): ("accelerator-request-bound",),
    (2, 93): ("volume-reimaged",),
}


def _events(version: Version) -> Definition:
    names = [name for since, added in _NAMES.items() if since <= version for name in added]
    event = {
        "server_uuid": UUID,
        "name": {"enum": names},
        "status": {"enum": ["failed", "completed", "in-progress"]},
        "tag": {"type": "string", "maxLength": 255, "pattern": r"^[^\x00]*$"},
    }
    listed = {"type": "array", "minItems": 1, "items": closed(event, ["server_uuid", "name"])}
    return wrapped("events", listed)


EVENTS = {version: body(_events(version)) for version in _NAMES}

ASSISTED_SNAPSHOT = stepped(
    "snapshot",
    {
        "volume_id": {"type": "string", "minLength": 1},
        "create_info": {
            "type": "object",
            "properties": {
                "snapshot_id": {"type": "string", "minLength": 1},
                "type": {"enum": ["qcow2"]},
                "new_file": {"type": "string", "minLength": 1},
                "id": {"type": "string", "minLength": 1},
            },
            "required": ["snapshot_id", "type", "new_file"],
            "additionalProperties": False,
        },
    },
    ["volume_id", "create_info"],
)
