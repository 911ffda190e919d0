"""Bodies and queries of volumes, snapshots, attachments and transfers."""

from __future__ import annotations

from cellrig.http.volume.schemas.parts import (
    FIRST,
    ID,
    ID_OR_NULL,
    METADATA,
    TEXT,
    TEXT_OR_NULL,
    TRUTH,
    Definition,
    any_query,
    body,
    closed,
    inside,
    wrapped,
)

SIZE: Definition = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": 0x7FFFFFFF},
        {"type": "string", "pattern": r"^[0-9]{1,10}$"},
    ]
}
_SIZE_OR_NULL: Definition = {"anyOf": [*SIZE["anyOf"], {"type": "null"}]}
_METADATA_OR_NULL: Definition = {"anyOf": [METADATA, {"type": "null"}]}
_NAMES: Definition = {
    "name": TEXT_OR_NULL,
    "description": TEXT_OR_NULL,
    "display_name": TEXT_OR_NULL,
    "display_description": TEXT_OR_NULL,
}

CREATE = {
    FIRST: body(
        closed(
            {
                "volume": {
                    "type": "object",
                    "properties": {
                        **_NAMES,
                        "size": _SIZE_OR_NULL,
                        "volume_type": TEXT_OR_NULL,
                        "metadata": _METADATA_OR_NULL,
                        "imageRef": TEXT_OR_NULL,
                        "image_id": TEXT_OR_NULL,
                        "snapshot_id": ID_OR_NULL,
                        "source_volid": ID_OR_NULL,
                        "backup_id": ID_OR_NULL,
                        "group_id": ID_OR_NULL,
                        "consistencygroup_id": ID_OR_NULL,
                        "availability_zone": TEXT_OR_NULL,
                        "multiattach": TRUTH,
                    },
                    "additionalProperties": True,
                },
                "OS-SCH-HNT:scheduler_hints": {"type": ["object", "null"]},
            },
            ["volume"],
        )
    )
}
UPDATE = {
    FIRST: body(
        wrapped("volume", closed({**_NAMES, "metadata": _METADATA_OR_NULL}, minProperties=1))
    )
}
LIST = any_query(
    *("name", "status", "metadata", "bootable", "migration_status", "availability_zone"),
    *("size", "created_at", "updated_at", "group_id", "project_id", "host"),
)
METADATA_ALL = {FIRST: body(wrapped("metadata", METADATA))}
METADATA_ONE = {FIRST: body(wrapped("meta", {**METADATA, "minProperties": 1, "maxProperties": 1}))}

CREATE_SNAPSHOT = {
    FIRST: body(
        wrapped(
            "snapshot",
            {
                "type": "object",
                "properties": {
                    **_NAMES,
                    "volume_id": {"anyOf": [ID, {"type": "null"}]},
                    "metadata": _METADATA_OR_NULL,
                    "force": {"anyOf": [TRUTH, {"type": "null"}]},
                },
                "required": ["volume_id"],
                "additionalProperties": True,
            },
        )
    )
}
UPDATE_SNAPSHOT = {FIRST: body(wrapped("snapshot", closed(_NAMES, minProperties=1)))}
LIST_SNAPSHOTS = any_query("name", "status", "volume_id", "metadata", "availability_zone")

#: What a host says of itself. Of what others send, nothing is looked at.
CONNECTOR: Definition = {
    "type": ["object", "null"],
    "properties": {
        "host": {"type": ["string", "null"], "maxLength": 255},
        "ip": {"type": ["string", "null"], "maxLength": 255},
        "initiator": {"type": ["string", "null"], "maxLength": 255},
        "multipath": {"anyOf": [TRUTH, {"type": "null"}]},
        "platform": {"type": ["string", "null"], "maxLength": 255},
        "os_type": {"type": ["string", "null"], "maxLength": 255},
        "mountpoint": {"type": ["string", "null"], "maxLength": 255},
        "mode": {"enum": ["rw", "ro", None]},
    },
    "additionalProperties": True,
}
_ATTACHMENT: Definition = {
    "volume_uuid": ID,
    "instance_uuid": ID_OR_NULL,
    "connector": CONNECTOR,
}
CREATE_ATTACHMENT = {
    (3, 27): inside("attachment", _ATTACHMENT, ["volume_uuid"]),
    (3, 54): inside(
        "attachment",
        {**_ATTACHMENT, "mode": {"enum": ["rw", "ro", "null", None]}},
        ["volume_uuid"],
    ),
}
UPDATE_ATTACHMENT = {(3, 27): inside("attachment", {"connector": CONNECTOR}, ["connector"])}
COMPLETE = {(3, 44): body({"type": "object", "required": ["os-complete"], "maxProperties": 1})}
LIST_ATTACHMENTS = any_query("volume_id", "status", "instance_id", "attach_status")

_TRANSFER: Definition = {"volume_id": ID, "name": TEXT_OR_NULL}
CREATE_TRANSFER = {FIRST: inside("transfer", _TRANSFER, ["volume_id"])}
CREATE_VOLUME_TRANSFER = {
    (3, 55): inside("transfer", {**_TRANSFER, "no_snapshots": TRUTH}, ["volume_id"])
}
ACCEPT = {FIRST: inside("accept", {"auth_key": TEXT}, ["auth_key"])}
LIST_TRANSFERS = any_query("name")
