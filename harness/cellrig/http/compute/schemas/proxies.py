"""What may be said of what the compute API passed on to other services until 2.35."""

from __future__ import annotations

from cellrig.http.compute.schemas.parts import (
    METADATA,
    TEXT,
    TEXT_OR_NULL,
    TRUTH,
    Definition,
    number,
    query,
    stepped,
)

_ID: Definition = {"type": "string", "minLength": 1, "maxLength": 255}

IMAGES = query("limit", "marker", "name", "status", "minRam", "minDisk", "server", "type")
PAGES = query("limit", "offset")
GROUPS = query("limit", "offset", "all_tenants")

VOLUME = stepped(
    "volume",
    {
        "size": number(1),
        "display_name": TEXT_OR_NULL,
        "display_description": TEXT_OR_NULL,
        "volume_type": _ID,
        "metadata": METADATA,
        "snapshot_id": _ID,
        "availability_zone": _ID,
    },
    ["size"],
)
SNAPSHOT = stepped(
    "snapshot",
    {
        "volume_id": _ID,
        "display_name": TEXT_OR_NULL,
        "display_description": TEXT_OR_NULL,
        "force": TRUTH,
    },
    ["volume_id"],
)
_NAME = {**TEXT, "minLength": 1}
_GROUP = {"name": _NAME, "description": TEXT_OR_NULL}
GROUP = stepped("security_group", _GROUP, ["name"])
RULE = stepped(
    "security_group_rule",
    {
        "parent_group_id": _ID,
        "ip_protocol": {"type": ["string", "null"], "maxLength": 40},
        "from_port": {"anyOf": [number(-1, 65535), {"type": "null"}]},
        "to_port": {"anyOf": [number(-1, 65535), {"type": "null"}]},
        "cidr": {"type": ["string", "null"], "maxLength": 255},
        "group_id": {"anyOf": [_ID, {"type": "null"}]},
    },
    ["parent_group_id"],
)
