"""Inventories: the whole set of a provider, and one class."""

from __future__ import annotations

from cellrig.http.placement.schemas.parts import (
    CLASS_NAME,
    GENERATION,
    POSITIVE,
    Definition,
    body,
    closed,
    keyed,
)
from cellrig.placement.types import MAX_AMOUNT

#: The greatest ratio that the field's databases hold (a single-precision float).
_GREATEST_RATIO = 3.40282e38

_FIELDS: Definition = {
    "reserved": {"type": "integer", "minimum": 0, "maximum": MAX_AMOUNT},
    "min_unit": POSITIVE,
    "max_unit": POSITIVE,
    "step_size": POSITIVE,
    "allocation_ratio": {"type": "number", "maximum": _GREATEST_RATIO},
}
_TOTAL: Definition = {"total": POSITIVE}
_GENERATION: Definition = {"resource_provider_generation": GENERATION}

#: The whole set, also a part of a reshape.
WHOLE_SET: Definition = closed(
    {**_GENERATION, "inventories": keyed(CLASS_NAME, closed(_TOTAL, _FIELDS))}
)

SET = {(1, 0): body(WHOLE_SET)}
UPDATE_ONE = {(1, 0): body(closed({**_GENERATION, **_TOTAL}, _FIELDS))}
ADD_ONE = {
    (1, 0): body(
        closed(
            {"resource_class": {"type": "string", "pattern": CLASS_NAME}, **_TOTAL},
            {**_GENERATION, **_FIELDS},
        )
    )
}
