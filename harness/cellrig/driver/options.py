"""Options of a driver: from what a topology says to the driver's own frozen struct."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, Protocol

import msgspec

from cellrig.driver.errors import InvalidDriverOption
from cellrig.driver.interface import ComputeDriver
from cellrig.driver.option_types import type_at, type_text


class OptionInfo(msgspec.Struct, frozen=True):
    """One option, for people.

    Args:
        name: what it is called.
        type: what it takes.
        default: its value when nothing is said, as text.
    """

    name: str
    type: str
    default: str


@lru_cache(maxsize=64)
def _fields(options: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.name: field for field in msgspec.structs.fields(options)}


class TakesOptions(Protocol):
    """What is built with options: a driver of hosts, or one of volume backends."""

    Options: ClassVar[type[msgspec.Struct]]


def parse_options(
    name: str, driver: type[TakesOptions], given: Mapping[str, Any]
) -> msgspec.Struct:
    """Return the driver's typed options.

    Args:
        name: the driver's name, for the error.
        driver: a class whose options have been checked.
        given: option name to value, of JSON types.

    Raises:
        InvalidDriverOption: an option is unknown or takes something else; the first such one.
    """
    fields = _fields(driver.Options)
    values = {}
    for option, value in given.items():
        field = fields.get(option)
        if field is None:
            known = ", ".join(fields) or "there are none"
            takes = f"nothing: the options are {known}"
            raise InvalidDriverOption(name, option, repr(value), takes)
        try:
            values[option] = msgspec.convert(value, field.type)
        except msgspec.ValidationError as error:
            path, told = _told(str(error))
            raise _refusal(name, given, option + path, type_at(field.type, path), told) from error
    try:
        return driver.Options(**values)
    except ValueError as error:
        # What a struct's own __post_init__ refuses: options that do not fit each other.
        option, _colon, told = str(error).partition(": ")
        raise InvalidDriverOption(
            name, option, repr(_value_at(given, option)), told or str(error)
        ) from error


def describe_options(driver: type[ComputeDriver]) -> tuple[OptionInfo, ...]:
    """Describe all options of a driver class."""
    default = driver.Options()
    return tuple(
        OptionInfo(field.name, type_text(field.type), repr(getattr(default, field.name)))
        for field in msgspec.structs.fields(driver.Options)
    )


def _told(message: str) -> tuple[str, str]:
    """Split msgspec's message: where in the option, and what was wrong there."""
    match = re.fullmatch(r"(.*?)(?: - at `\$(.*)`)?", message)
    return (match[2] or "", match[1]) if match is not None else ("", message)


def _refusal(
    name: str, given: Mapping[str, Any], where: str, type_: Any, told: str
) -> InvalidDriverOption:
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", told)
    if unknown is not None:
        where = f"{where}.{unknown[1]}"
        takes = f"nothing of that name: it is {type_text(type_)}"
    else:
        # What a struct's own __post_init__ refuses comes in its own words.
        own_words = not told.startswith(("Expected", "Invalid", "Object"))
        takes = told if own_words else type_text(type_)
    return InvalidDriverOption(name, where, repr(_value_at(given, where)), takes)


def _value_at(given: Mapping[str, Any], where: str) -> Any:
    """Look up ``sriov[0].vfs`` in what was given; what is not there is shown as None."""
    value: Any = given
    for step in re.findall(r"[^.\[\]]+", where):
        try:
            value = value[int(step)] if isinstance(value, list | tuple) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return value
    return value
