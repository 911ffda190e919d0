"""What an option takes, told as a person would, and found by the path of a nested one."""

from __future__ import annotations

import re
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

_PLAIN = {
    int: "a whole number",
    float: "a number",
    str: "a string",
    bool: "true or false",
    NoneType: "nothing",
}
_BOUNDS = {"ge": "of {} or more", "gt": "above {}", "le": "of {} or less", "lt": "below {}"}


def type_text(type_: Any) -> str:
    """Say what a value of this type is."""
    if get_origin(type_) is Annotated:
        base, *notes = get_args(type_)
        return " ".join([type_text(base), *(_note(note) for note in notes)]).strip()
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return f"an object with {', '.join(type_.__struct_fields__)}"
    return _PLAIN.get(type_) or _composed(type_)


def type_at(type_: Any, path: str) -> Any:
    """Return the type of what is at `path` within a value: ``[0].vfs`` of a list of objects.

    Where the path leads to nothing that is known, the type so far is returned.
    """
    for step in re.findall(r"\.\.\.|[^.\[\]]+", path):
        type_ = _without_none(get_args(type_)[0] if get_origin(type_) is Annotated else type_)
        if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
            fields = {field.encode_name: field.type for field in msgspec.structs.fields(type_)}
            if step not in fields:
                return type_
            type_ = fields[step]
        elif get_origin(type_) in (tuple, list, frozenset):
            type_ = get_args(type_)[0]
        elif get_origin(type_) is dict:
            type_ = get_args(type_)[1]
    return type_


def _composed(type_: Any) -> str:
    origin, inner = get_origin(type_), get_args(type_)
    if origin is Literal:
        return "one of " + ", ".join(repr(each) for each in inner)
    if origin in (Union, UnionType):
        return " or ".join(type_text(each) for each in inner)
    if origin in (tuple, list, frozenset):
        return f"a list, each {type_text(inner[0])}"
    if origin is dict:
        return f"an object, each value {type_text(inner[1])}"
    return str(getattr(type_, "__name__", type_))


def _note(note: Any) -> str:
    if not isinstance(note, msgspec.Meta):
        return ""
    bounds = [
        text.format(getattr(note, name))
        for name, text in _BOUNDS.items()
        if getattr(note, name) is not None
    ]
    if note.pattern is not None:
        bounds.append(f"like {note.examples[0]}" if note.examples else f"matching {note.pattern}")
    return " and ".join(bounds)


def _without_none(type_: Any) -> Any:
    if get_origin(type_) not in (Union, UnionType):
        return type_
    others = [each for each in get_args(type_) if each is not NoneType]
    return others[0] if len(others) == 1 else type_
