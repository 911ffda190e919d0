"""Resource providers: POST and PUT bodies, the filters of the list."""

from __future__ import annotations

from cellrig.http.placement.schemas.parts import UUID, body, closed, query

_NAME = {"type": "string", "minLength": 1, "maxLength": 200}
_PARENT = {"anyOf": [UUID, {"type": "null"}]}
_TEXT = {"type": "string"}

CREATE = {
    (1, 0): body(closed({"name": _NAME}, {"uuid": UUID})),
    (1, 14): body(closed({"name": _NAME}, {"uuid": UUID, "parent_provider_uuid": _PARENT})),
}

UPDATE = {
    (1, 0): body(closed({"name": _NAME})),
    (1, 14): body(closed({"name": _NAME}, {"parent_provider_uuid": _PARENT})),
}

_0 = {"name": _TEXT, "uuid": UUID}
_3 = {**_0, "member_of": _TEXT}
_4 = {**_3, "resources": _TEXT}
_14 = {**_4, "in_tree": UUID}
_18 = {**_14, "required": _TEXT}

LIST = {
    (1, 0): query(closed({}, _0)),
    (1, 3): query(closed({}, _3)),
    (1, 4): query(closed({}, _4)),
    (1, 14): query(closed({}, _14)),
    (1, 18): query(closed({}, _18)),
}
