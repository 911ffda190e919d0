"""Pieces that the schemas of several nouns are made of, and the two kinds of schema."""

from __future__ import annotations

from typing import Any

from cellrig.http.checking import Schema
from cellrig.http.uuids import is_dashed_uuid, is_uuid
from cellrig.placement.types import MAX_AMOUNT

Definition = dict[str, Any]

UUID: Definition = {"type": "string", "format": "uuid"}
GENERATION: Definition = {"type": "integer"}
POSITIVE: Definition = {"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT}

#: Keys of objects that are by provider or consumer.
UUID_KEY = "^[0-9a-fA-F-]{36}$"
CLASS_NAME = "^[A-Z0-9_]+$"
CUSTOM_NAME = "^CUSTOM_[A-Z0-9_]+$"
LONGEST_NAME = 255


def closed(required: Definition, optional: Definition | None = None) -> Definition:
    """Return the schema of an object that has all of `required` and may have `optional`."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def keyed(pattern: str, values: Definition, *, least: int = 0) -> Definition:
    """Return the schema of an object of `values` whose keys match `pattern`."""
    found: Definition = {
        "type": "object",
        "patternProperties": {pattern: values},
        "additionalProperties": False,
    }
    return {**found, "minProperties": least} if least else found


def body(definition: Definition) -> Schema:
    """Return the schema of a request's body."""
    return Schema(definition, refusal="JSON does not validate", is_uuid=is_uuid)


def query(definition: Definition) -> Schema:
    """Return the schema of a query string, seen as an object of strings."""
    return Schema(definition, refusal="Invalid query string parameters", is_uuid=is_dashed_uuid)
