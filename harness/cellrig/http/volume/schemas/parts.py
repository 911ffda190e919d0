"""What the schemas of the block storage face are put together from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cellrig.http.checking import Schema
from cellrig.http.compute.schemas.parts import TRUTH, Definition, Version, body, closed, wrapped
from cellrig.http.uuids import is_dashed_uuid

__all__ = [
    "FIRST",
    "ID",
    "ID_OR_NULL",
    "KEYS",
    "METADATA",
    "NAME",
    "SPECS",
    "TEXT",
    "TEXT_OR_NULL",
    "TRUTH",
    "Definition",
    "Version",
    "any_query",
    "body",
    "closed",
    "inside",
    "query",
    "wrapped",
]

FIRST: Version = (3, 0)

_NO_NUL = r"^[^\x00]*$"
TEXT: Definition = {"type": "string", "maxLength": 255, "pattern": _NO_NUL}
TEXT_OR_NULL: Definition = {"type": ["string", "null"], "maxLength": 255, "pattern": _NO_NUL}
NAME: Definition = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[^\x00]*[^\s\x00][^\x00]*$",
}
ID: Definition = {"type": "string", "format": "uuid"}
ID_OR_NULL: Definition = {"type": ["string", "null"], "format": "uuid"}
METADATA: Definition = {
    "type": "object",
    "propertyNames": {"pattern": r"^[^\x00/]{1,255}$"},
    "additionalProperties": {"type": "string", "maxLength": 255, "pattern": _NO_NUL},
}
SPECS: Definition = {
    "type": "object",
    "propertyNames": {"pattern": r"^[a-zA-Z0-9\-_:. ]{1,255}$"},
    "additionalProperties": TEXT,
}
KEYS: Definition = {"type": "array", "items": NAME}


def inside(name: str, properties: Mapping[str, Any], required: Iterable[str] = ()) -> Schema:
    """Return the schema of a body whose one member `name` has these properties and no others."""
    return body(wrapped(name, closed(properties, required)))


def query(*names: str) -> dict[Version, Schema]:
    """Return the schema of a query with these parameters; others are not looked at."""
    definition = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in names},
        "additionalProperties": True,
    }
    refusal = "Invalid input for query parameters"
    return {FIRST: Schema(definition, refusal=refusal, is_uuid=is_dashed_uuid)}


def any_query(*filters: str) -> dict[Version, Schema]:
    """Return the schema of a list's query: a page of what the filters leave."""
    return query(
        *filters,
        *("limit", "marker", "offset", "sort", "sort_key", "sort_dir", "all_tenants"),
        "with_count",
    )
