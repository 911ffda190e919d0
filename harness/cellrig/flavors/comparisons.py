"""The small language in which extra specs compare: ``>= 4``, ``s!= ssd``, ``<or> a <or> b``."""

from __future__ import annotations

import operator
from collections.abc import Callable

from cellrig.errors import Invalid

#: As numbers. The field's ``=`` means "at least" (Compute schedulers, "Aggregate extra specs").
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_TEXTUAL: dict[str, Callable[[str, str], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s>=": operator.ge,
    "s>": operator.gt,
    "s<=": operator.le,
    "s<": operator.lt,
}
_OR, _IN, _ALL_IN = "<or>", "<in>", "<all-in>"


def check_comparison(key: str, wanted: str) -> None:
    """Refuse an extra spec whose value is no comparison.

    Raises:
        Invalid: an operator without an operand, or a number's operator with something else.
    """
    operation, operand = _split(wanted)
    if operation is None:
        return
    if not operand:
        raise Invalid(f"extra spec {key!r} is {wanted!r}: {operation} takes a value after it")
    if operation in _NUMERIC and _number(operand) is None:
        raise Invalid(f"extra spec {key!r} is {wanted!r}: {operation} takes a number after it")


def satisfies(value: str, wanted: str) -> bool:
    """Whether `value` is as the extra spec `wanted` says; without an operator, the same text."""
    operation, operand = _split(wanted)
    if operation is None:
        return value == wanted
    if operation in _NUMERIC:
        have, want = _number(value), _number(operand)
        return have is not None and want is not None and _NUMERIC[operation](have, want)
    if operation in _TEXTUAL:
        return _TEXTUAL[operation](value, operand)
    if operation == _OR:
        return value in [each.strip() for each in operand.split(_OR)]
    if operation == _IN:
        return operand in value
    return all(each in value for each in operand.split())


def _split(wanted: str) -> tuple[str | None, str]:
    first, _space, rest = wanted.strip().partition(" ")
    known = first in _NUMERIC or first in _TEXTUAL or first in (_OR, _IN, _ALL_IN)
    return (first, rest.strip()) if known else (None, wanted)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # a word where a number was wanted: it compares as false
        return None
