"""What the schemas of the compute face are put together from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cellrig.http.checking import Schema
from cellrig.http.errors import Refusal
from cellrig.http.uuids import is_dashed_uuid, is_uuid

Definition = dict[str, Any]
Version = tuple[int, int]

FIRST: Version = (2, 1)

#: A name has something in it that is no space, and none at either end.
NAME: Definition = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[^\s\x00-\x1f]([^\x00-\x1f]*[^\s\x00-\x1f])?$",
}
TEXT: Definition = {"type": "string", "maxLength": 255, "pattern": r"^[^\x00]*$"}
TEXT_OR_NULL: Definition = {
    "type": ["string", "null"],
    "maxLength": 255,
    "pattern": r"^[^\x00]*$",
}
UUID: Definition = {"type": "string", "format": "uuid"}
HOST: Definition = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[a-zA-Z0-9._-]+$",
}
TRUTH: Definition = {
    "enum": [
        *(True, False, 0, 1),
        *("True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "T", "t", "Y", "y"),
        *("False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no"),
        *("F", "f", "N", "n"),
    ]
}
METADATA: Definition = {
    "type": "object",
    "propertyNames": {"pattern": r"^[a-zA-Z0-9\-_:. ]{1,255}$"},
    "additionalProperties": {"type": "string", "maxLength": 255},
}
TAG: Definition = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[^,/]*$"}
TAGS: Definition = {"type": "array", "items": TAG, "maxItems": 50}
DISK_CONFIG: Definition = {"enum": ["AUTO", "MANUAL"]}
NOTHING: Definition = {"type": "null"}

_TRUE = (True, 1, "true", "1", "on", "yes", "t", "y")


def number(least: int, most: int = 0x7FFFFFFF) -> Definition:
    """Return the schema of a whole number, which may also come as digits."""
    return {
        "anyOf": [
            {"type": "integer", "minimum": least, "maximum": most},
            {"type": "string", "pattern": r"^-?[0-9]{1,10}$"},
        ]
    }


def whole(given: int | str, name: str, least: int, most: int = 0x7FFFFFFF) -> int:
    """Return what `number` has let through.

    Raises:
        Refusal: 400 where digits are a number that is too small or too large.
    """
    value = int(given)
    if not least <= value <= most:
        raise Refusal(400, f"{name} takes a number from {least} to {most}; it was given {given!r}")
    return value


def true(given: bool | int | str) -> bool:
    """Return what `TRUTH` has let through."""
    return (given.lower() if isinstance(given, str) else given) in _TRUE


def closed(properties: Mapping[str, Any], required: Iterable[str] = (), **more: Any) -> Definition:
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


def body(definition: Mapping[str, Any]) -> Schema:
    """Return a schema for bodies."""
    return Schema(definition, refusal="Invalid input", is_uuid=is_uuid)


def wrapped(name: str, definition: Definition) -> Definition:
    """Return the schema of an object whose one member is `name`."""
    return closed({name: definition}, [name])


def stepped(
    name: str,
    properties: Mapping[str, Any],
    required: Iterable[str] = (),
    changes: Mapping[Version, Mapping[str, Definition | None]] | None = None,
    later: Mapping[Version, Iterable[str]] | None = None,
    **more: Any,
) -> dict[Version, Schema]:
    """Return the schemas, by microversion, of a body whose one member `name` grows.

    Args:
        name: of the member.
        properties: of 2.1.
        required: those that must be there, in all microversions that have them.
        changes: by microversion what properties are added or changed; None takes one away.
        later: by microversion, what must be there from then on.
        more: further keywords of the member's schema.
    """
    known = dict(properties)
    needed = list(required)
    found = {FIRST: body(wrapped(name, closed(known, [n for n in needed if n in known], **more)))}
    for since, changed in (changes or {}).items():
        for each, definition in changed.items():
            if definition is None:
                known.pop(each, None)
            else:
                known[each] = definition
        needed += (later or {}).get(since, ())
        inner = closed(known, [n for n in needed if n in known], **more)
        found[since] = body(wrapped(name, inner))
    return found


def query(
    *names: str,
    strict: Version | None = (2, 75),
    more: Mapping[Version, Iterable[str]] | None = None,
) -> dict[Version, Schema]:
    """Return the schemas of a query, by microversion.

    Args:
        names: the parameters that 2.1 knows.
        strict: from when on others are refused; None for never.
        more: by microversion, the parameters that it adds.
    """
    known = list(names)
    steps = dict(more or {})
    found: dict[Version, Schema] = {}
    for since in sorted({FIRST, *steps, *([strict] if strict else [])}):
        known += steps.get(since, ())
        definition = {
            "type": "object",
            "properties": {name: {"type": "string"} for name in known},
            "additionalProperties": strict is None or since < strict,
        }
        found[since] = Schema(
            definition, refusal="Invalid input for query parameters", is_uuid=is_dashed_uuid
        )
    return found
