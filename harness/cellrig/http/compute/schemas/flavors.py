"""What may be said of flavors."""

from __future__ import annotations

from cellrig.http.compute.schemas.parts import (
    FIRST,
    NAME,
    TRUTH,
    body,
    closed,
    number,
    query,
    stepped,
    wrapped,
)

_ID = {
    "anyOf": [
        {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": r"^[a-zA-Z0-9_.-]([ a-zA-Z0-9_.-]*[a-zA-Z0-9_.-])?$",
        },
        {"type": "number"},
        {"type": "null"},
    ]
}
_FACTOR = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": 3.40282e38},
        {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})?$"},
    ]
}
_DESCRIPTION = {"type": ["string", "null"], "maxLength": 65535}

CREATE = stepped(
    "flavor",
    {
        "name": NAME,
        "id": _ID,
        "ram": number(1),
        "vcpus": number(1),
        "disk": number(0),
        "OS-FLV-EXT-DATA:ephemeral": number(0),
        "swap": number(0),
        "rxtx_factor": _FACTOR,
        "os-flavor-access:is_public": TRUTH,
    },
    ["name", "ram", "vcpus", "disk"],
    {(2, 55): {"description": _DESCRIPTION}, (2, 102): {"rxtx_factor": None}},
)
UPDATE = {(2, 55): body(wrapped("flavor", closed({"description": _DESCRIPTION}, ["description"])))}

_VALUE = {"type": ["string", "number"], "maxLength": 255}
_KEYS = {"pattern": r"^[a-zA-Z0-9\-_:. ]{1,255}$"}
_SPECS = {"type": "object", "propertyNames": _KEYS, "additionalProperties": _VALUE}
EXTRA_SPECS = {FIRST: body(wrapped("extra_specs", _SPECS))}
EXTRA_SPEC = {FIRST: body({**_SPECS, "minProperties": 1, "maxProperties": 1})}

_PROJECT = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9-]*$"}
ACCESS = {
    FIRST: body(
        closed(
            {
                "addTenantAccess": closed({"tenant": _PROJECT}, ["tenant"]),
                "removeTenantAccess": closed({"tenant": _PROJECT}, ["tenant"]),
            },
            minProperties=1,
            maxProperties=1,
        )
    )
}

LIST = query("limit", "marker", "is_public", "minRam", "minDisk", "sort_key", "sort_dir")
