"""What a case finds wrong, told in one sentence."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import zip_longest
from typing import Final

import msgspec


class Unmet(AssertionError):
    """The driver is not what the interface promises."""


class NotOffered(Exception):
    """The set-up does not offer what a case needs, so it stays unverified. Args: the reason."""


class Inapplicable(Exception):
    """What a case is about cannot happen to this driver, so it says nothing. Args: the reason."""


def check(holds: bool, sentence: str) -> None:
    """Raise `Unmet` with `sentence`, which says what is wrong, unless it holds."""
    if not holds:
        raise Unmet(sentence)


def equal(found: object, wanted: object, what: str) -> None:
    """Check that `what` is what it ought to be."""
    if found != wanted:
        where, left, right = first_difference(found, wanted)
        raise Unmet(f"{what}{where and f', at {where},'} is {left!r}; it ought to be {right!r}")


def contains(found: Collection[object], wanted: object, what: str) -> None:
    """Check that something is among others."""
    if wanted not in found:
        there = ", ".join(map(repr, found)) or "nothing"
        raise Unmet(f"{what}: {wanted!r} is not there; there is {there}")


class _Nothing:
    """What stands where a sequence has ended."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING: Final = _Nothing()


def first_difference(left: object, right: object, path: str = "") -> tuple[str, object, object]:
    """Return where two values differ first, and what stands there; they are not the same.

    Where one sequence goes on and the other has ended, `NOTHING` stands.
    """
    mine, yours = _parts(left), _parts(right)
    if mine is None or yours is None or type(left) is not type(right):
        return path, left, right
    for (key, value), (other_key, other) in zip_longest(
        mine.items(), yours.items(), fillvalue=(None, NOTHING)
    ):
        if key != other_key:
            if isinstance(left, Mapping):
                return path, left, right
            return f"{path}.{other_key if key is None else key}".lstrip("."), value, other
        if value != other:
            return first_difference(value, other, f"{path}.{key}".lstrip("."))
    return path, left, right


def _parts(value: object) -> Mapping[object, object] | None:
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    return None
