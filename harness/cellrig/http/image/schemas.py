"""What bodies the image face takes, and what it tells of images, as JSON Schema."""

from __future__ import annotations

from typing import Any

from cellrig.http.checking import Schema
from cellrig.http.uuids import is_dashed_uuid

_MOST = 2**31 - 1
#: Text without the character that some databases cannot keep.
_PLAIN = "^[^\\u0000]*$"
_TEXT = {"type": ["string", "null"], "maxLength": 255, "pattern": _PLAIN}
_AMOUNT = {"type": "integer", "minimum": 0, "maximum": _MOST}

#: What a user may say of an image.
SETTABLE: dict[str, dict[str, Any]] = {
    "name": _TEXT,
    "visibility": {"enum": ["community", "public", "private", "shared"]},
    "protected": {"type": "boolean"},
    "os_hidden": {"type": "boolean"},
    "owner": _TEXT,
    "min_disk": _AMOUNT,
    "min_ram": _AMOUNT,
    "tags": {"type": "array", "items": {"type": "string", "maxLength": 255, "pattern": _PLAIN}},
    "container_format": {
        "enum": [None, "ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]
    },
    "disk_format": {
        "enum": [
            *(None, "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw"),
            *("qcow2", "vdi", "ploop", "iso", "gpt"),
        ]
    },
}

_TIME = {"type": "string"}
_COUNT = {"type": ["integer", "null"]}
_WORD = {"type": ["string", "null"]}

#: What the service alone says of it.
TOLD: dict[str, dict[str, Any]] = {
    "status": {"type": "string"},
    "size": _COUNT,
    "virtual_size": _COUNT,
    "checksum": _WORD,
    "os_hash_algo": _WORD,
    "os_hash_value": _WORD,
    "created_at": _TIME,
    "updated_at": _TIME,
    "self": {"type": "string"},
    "file": {"type": "string"},
    "schema": {"type": "string"},
    "direct_url": {"type": "string"},
    "locations": {"type": "array"},
    "stores": {"type": "string"},
}

_ID = {"type": "string", "format": "uuid"}
_PROPERTY = {"type": "string", "maxLength": 65535, "pattern": _PLAIN}


def _schema(definition: dict[str, Any]) -> Schema:
    return Schema(definition, refusal="the body does not fit", is_uuid=is_dashed_uuid)


CREATE = _schema(
    {
        "type": "object",
        # What is only told is refused by the handler: that is a matter of rights.
        "properties": {"id": _ID, **SETTABLE, **dict.fromkeys(TOLD, True)},
        "additionalProperties": _PROPERTY,
    }
)

#: One attribute or property, as a patch sets it.
ATTRIBUTE = _schema({"type": "object", "properties": SETTABLE, "additionalProperties": _PROPERTY})

_VERBS = ("add", "replace", "remove")
_PATH = {"type": "string", "pattern": "^/[^/]"}
_OPERATION = {
    "type": "object",
    "properties": {"op": {"enum": list(_VERBS)}, "path": _PATH},
    "required": ["op", "path"],
}
#: As drafts of JSON patches had it: the verb is the name of the path.
_OLDER_OPERATIONS = [
    {
        "type": "object",
        "properties": {verb: _PATH, "value": True},
        "required": [verb],
        "additionalProperties": False,
    }
    for verb in _VERBS
]
PATCH = _schema({"type": "array", "items": {"anyOf": [_OPERATION, *_OLDER_OPERATIONS]}})

IMPORT = _schema(
    {
        "type": "object",
        "properties": {
            "method": {
                "type": "object",
                "properties": {"name": {"enum": ["glance-direct"]}},
                "required": ["name"],
            },
            "all_stores": {"type": "boolean"},
            "all_stores_must_succeed": {"type": "boolean"},
            "stores": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["method"],
    }
)

_QUERY = (
    *("limit", "marker", "sort", "sort_key", "sort_dir", "tag", "visibility", "member_status"),
    *("os_hidden", "protected", "size_min", "size_max", "created_at", "updated_at"),
    *("id", "name", "status", "owner", "checksum", "disk_format", "container_format"),
)

#: What lists are asked with. Any other name is that of a property.
LIST = _schema({"type": "object", "properties": {name: {"type": "string"} for name in _QUERY}})

_MEMBER = {"type": "string", "minLength": 1, "maxLength": 255}

ADD_MEMBER = _schema({"type": "object", "properties": {"member": _MEMBER}, "required": ["member"]})
CHANGE_MEMBER = _schema(
    {
        "type": "object",
        "properties": {"status": {"enum": ["pending", "accepted", "rejected"]}},
        "required": ["status"],
    }
)
