"""Usages of a project."""

from __future__ import annotations

from cellrig.http.placement.schemas.parts import LONGEST_NAME, Definition, closed, query

_ID: Definition = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
_PROJECT: Definition = {"project_id": _ID}
_USER: Definition = {"user_id": _ID}
_TYPE: Definition = {
    "consumer_type": {
        "type": "string",
        "pattern": "^([A-Z0-9_]+|all|unknown)$",
        "maxLength": LONGEST_NAME,
    }
}

LIST = {
    (1, 9): query(closed(_PROJECT, _USER)),
    (1, 38): query(closed(_PROJECT, {**_USER, **_TYPE})),
}
