"""Bodies of volume types, quotas and services."""

from __future__ import annotations

from cellrig.http.compute.schemas.parts import number
from cellrig.http.volume.schemas.parts import (
    FIRST,
    NAME,
    SPECS,
    TEXT,
    TEXT_OR_NULL,
    TRUTH,
    Definition,
    any_query,
    body,
    closed,
    inside,
    query,
    wrapped,
)

CREATE_TYPE = {
    FIRST: inside(
        "volume_type",
        {
            "name": NAME,
            "description": TEXT_OR_NULL,
            "extra_specs": {"anyOf": [SPECS, {"type": "null"}]},
            "os-volume-type-access:is_public": TRUTH,
        },
        ["name"],
    )
}
UPDATE_TYPE = {
    FIRST: inside(
        "volume_type", {"name": TEXT_OR_NULL, "description": TEXT_OR_NULL, "is_public": TRUTH}
    )
}
LIST_TYPES = any_query("is_public", "name", "extra_specs")
EXTRA_SPECS = {FIRST: body(wrapped("extra_specs", {**SPECS, "minProperties": 1}))}
EXTRA_SPEC = {FIRST: body({**SPECS, "minProperties": 1, "maxProperties": 1})}
_PROJECT: Definition = {"project": NAME}
TYPE_ACTION = {
    FIRST: body(
        {
            "type": "object",
            "properties": {
                "addProjectAccess": closed(_PROJECT, ["project"]),
                "removeProjectAccess": closed(_PROJECT, ["project"]),
            },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        }
    )
}
DEFAULT_TYPE = {(3, 62): inside("default_type", {"volume_type": NAME}, ["volume_type"])}

_LIMITS: Definition = {
    "type": "object",
    "properties": {
        "tenant_id": TEXT,
        "force": TRUTH,
        "id": TEXT,
        "class_name": TEXT,
    },
    "additionalProperties": number(-1),
}
QUOTAS = {FIRST: body(wrapped("quota_set", _LIMITS))}
QUOTA_CLASS = {FIRST: body(wrapped("quota_class_set", _LIMITS))}
QUOTA_QUERY = query("usage", "skip_validation", "user_id")

_SERVICE: Definition = {
    "host": NAME,
    "binary": TEXT_OR_NULL,
    "service": TEXT_OR_NULL,
    "cluster": TEXT_OR_NULL,
}
SERVICE = {FIRST: body(closed(_SERVICE, ["host"]))}
SERVICE_WITH_REASON = {
    FIRST: body(closed({**_SERVICE, "disabled_reason": NAME}, ["host", "disabled_reason"]))
}
HOST_ALONE = {
    FIRST: body(
        closed({"host": NAME, "backend_id": TEXT_OR_NULL, "cluster": TEXT_OR_NULL}, ["host"])
    )
}
LOGS = {
    (3, 32): body(
        closed(
            {
                "binary": TEXT_OR_NULL,
                "server": TEXT_OR_NULL,
                "prefix": TEXT_OR_NULL,
                "level": TEXT_OR_NULL,
            }
        )
    )
}
CLEANUP = {(3, 24): body({"type": "object"})}
UPDATE_HOST = {FIRST: body(closed({"status": {"enum": ["enable", "disable"]}}, ["status"]))}
ANYTHING = {FIRST: body({"type": "object"})}
