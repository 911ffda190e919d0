"""Aggregates and traits of a provider, the list of traits."""

from __future__ import annotations

from cellrig.http.placement.schemas.parts import GENERATION, UUID, Definition, body, closed, query

_AGGREGATES: Definition = {"type": "array", "items": UUID, "uniqueItems": True}

SET_AGGREGATES = {
    (1, 1): body(_AGGREGATES),
    (1, 19): body(closed({"aggregates": _AGGREGATES, "resource_provider_generation": GENERATION})),
}

SET_TRAITS = {
    (1, 6): body(
        closed(
            {
                "traits": {"type": "array", "items": {"type": "string"}},
                "resource_provider_generation": GENERATION,
            }
        )
    )
}

LIST_TRAITS = {
    (1, 6): query(closed({}, {"name": {"type": "string"}, "associated": {"type": "string"}}))
}
