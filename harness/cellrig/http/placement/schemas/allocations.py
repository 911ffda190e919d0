"""Allocations: what one consumer, or several at once, shall hold; reshapes."""

from __future__ import annotations

from cellrig.http.placement.schemas.inventories import WHOLE_SET
from cellrig.http.placement.schemas.parts import (
    CLASS_NAME,
    LONGEST_NAME,
    UUID,
    UUID_KEY,
    Definition,
    body,
    closed,
    keyed,
)

_ID: Definition = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
_OWNERS: Definition = {"project_id": _ID, "user_id": _ID}
_RESOURCES: Definition = {
    "resources": keyed(CLASS_NAME, {"type": "integer", "minimum": 1}, least=1)
}

_BY_LIST: Definition = {
    "allocations": {
        "type": "array",
        "minItems": 1,
        "items": closed({"resource_provider": closed({"uuid": UUID}), **_RESOURCES}),
    }
}
# The generation of a provider may come back as it was given; it is not looked at.
_AMOUNTS = closed(_RESOURCES, {"generation": {"type": "integer"}})
_BY_KEY: Definition = {"allocations": keyed(UUID_KEY, _AMOUNTS, least=1)}
_OR_NOTHING: Definition = {"allocations": keyed(UUID_KEY, _AMOUNTS)}

_GENERATION: Definition = {"consumer_generation": {"type": ["integer", "null"]}}
_MAPPINGS: Definition = {
    "mappings": keyed(
        "^[a-zA-Z0-9_-]{0,64}$",
        {"type": "array", "minItems": 1, "items": UUID},
        least=1,
    )
}
_TYPE: Definition = {
    "consumer_type": {
        "type": "string",
        "pattern": CLASS_NAME,
        "minLength": 1,
        "maxLength": LONGEST_NAME,
    }
}

_28 = {**_OR_NOTHING, **_OWNERS, **_GENERATION}
_38 = {**_28, **_TYPE}

PUT = {
    (1, 0): body(closed(_BY_LIST)),
    (1, 8): body(closed({**_BY_LIST, **_OWNERS})),
    (1, 12): body(closed({**_BY_KEY, **_OWNERS})),
    (1, 28): body(closed(_28)),
    (1, 34): body(closed(_28, _MAPPINGS)),
    (1, 38): body(closed(_38, _MAPPINGS)),
}

_POSTED: dict[tuple[int, int], Definition] = {
    (1, 13): closed({**_OR_NOTHING, **_OWNERS}),
    (1, 28): closed(_28),
    (1, 34): closed(_28, _MAPPINGS),
    (1, 38): closed(_38, _MAPPINGS),
}

POST = {since: body(keyed(UUID_KEY, one, least=1)) for since, one in _POSTED.items()}

RESHAPE = {
    max(since, (1, 30)): body(
        closed(
            {
                "inventories": keyed(UUID_KEY, WHOLE_SET, least=1),
                "allocations": keyed(UUID_KEY, one),
            }
        )
    )
    for since, one in _POSTED.items()
}
