"""What clients say of images: attributes and properties of bodies, and patches of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellrig.http.errors import Refusal
from cellrig.http.image.schemas import ATTRIBUTE, SETTABLE, TOLD
from cellrig.image import ImageChanges, StoredImage

#: What the service calls differently.
_NAMES = {"os_hidden": "hidden"}

_READ_ONLY = frozenset({*TOLD, "id"})
#: What the names of properties begin with that services alone may set.
_RESERVED = "os_glance_"


def check_settable(names: Sequence[str]) -> None:
    """Refuse (403) what only the service says of an image."""
    for name in names:
        if name in _READ_ONLY:
            raise Refusal(403, f"Attribute '{name}' is read-only.")
        if name.startswith(_RESERVED):
            raise Refusal(403, f"Attribute '{name}' is reserved.")


def attributes_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of an image, in the service's words; properties are among it."""
    found = {
        _NAMES.get(name, name): _value(name, value)
        for name, value in given.items()
        if name in SETTABLE
    }
    found["properties"] = {
        name: value for name, value in given.items() if name not in SETTABLE and name != "id"
    }
    return found


def _value(name: str, value: Any) -> Any:
    if name == "tags":
        return tuple(sorted(set(value)))
    return "" if value is None else value


def patched(image: StoredImage, operations: Sequence[Mapping[str, Any]]) -> ImageChanges:
    """Return what a patch (RFC 6902, of one level, or its draft 4) changes in an image.

    Raises:
        Refusal: 400 for a path or value that does not fit, 403 for what cannot be set or removed,
            409 for a property that is replaced or removed and is not there.
    """
    properties = dict(image.properties)
    tags = list(image.tags)
    changed: dict[str, Any] = {}
    for operation in operations:
        verb, path = _verb_and_path(operation)
        name, *below = [_unescaped(part) for part in path[1:].split("/")]
        if verb != "remove" and "value" not in operation:
            raise Refusal(400, f"the operation {verb} of {name!r} needs a value")
        check_settable([name])
        if name == "tags" and len(below) == 1:
            _patch_tags(tags, verb, below[0], operation.get("value"))
            changed["tags"] = tags
        elif below:
            raise Refusal(400, f"{path!r} is no attribute of an image")
        elif name not in SETTABLE:
            _patch_property(properties, verb, name, operation.get("value"))
        elif verb == "remove":
            raise Refusal(403, f"Property {name} may not be removed.")
        else:
            ATTRIBUTE.check({name: operation["value"]})
            changed[name] = operation["value"]
            tags = list(changed.get("tags", tags))
    return ImageChanges(**{**attributes_of(changed), "properties": properties})


def _verb_and_path(operation: Mapping[str, Any]) -> tuple[str, str]:
    """Return what an operation does, and to what; the draft has the path under the verb."""
    if "op" in operation:
        return operation["op"], operation["path"]
    verb = next(verb for verb in ("add", "replace", "remove") if verb in operation)
    return verb, operation[verb]


def _patch_property(properties: dict[str, str], verb: str, name: str, value: Any) -> None:
    if verb != "add" and name not in properties:
        raise Refusal(409, f"Property {name} does not exist.")
    if verb == "remove":
        del properties[name]
        return
    ATTRIBUTE.check({name: value})
    properties[name] = value


def _patch_tags(tags: list[str], verb: str, place: str, value: Any) -> None:
    """Change one of an image's tags, by its number."""
    if verb != "remove":
        ATTRIBUTE.check({"tags": [value]})
    if place == "-" and verb == "add":
        tags.append(value)
        return
    number = int(place) if place.isascii() and place.isdigit() and len(place) < 4 else -1
    if not 0 <= number < len(tags) + (verb == "add"):
        raise Refusal(400, f"{place!r} is not the number of a tag")
    if verb == "add":
        tags.insert(number, value)
    elif verb == "replace":
        tags[number] = value
    else:
        del tags[number]


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
