"""Limits, markers and the other values that queries have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from cellrig.http.compute.service import ComputeCall
from cellrig.http.errors import Refusal

T = TypeVar("T")

#: The most that one page has (Nova's ``max_limit``).
MAX_LIMIT = 1000

#: The last second of the year 9999.
_END_OF_TIME = 253402300799.0

_TRUE = ("1", "t", "true", "on", "y", "yes")
_FALSE = ("0", "f", "false", "off", "n", "no")


def limit_of(call: ComputeCall) -> int:
    """Return how many a page has at most.

    Raises:
        Refusal: 400 for what is no number from 0 on.
    """
    return min(number_of(call, "limit", MAX_LIMIT), MAX_LIMIT)


def number_of(call: ComputeCall, name: str, default: int) -> int:
    """Return a number from 0 on of the query.

    Raises:
        Refusal: 400 for another value.
    """
    given = call.single(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise Refusal(400, f"{name} takes a number from 0 on; it was given {given!r}")
    return int(given)


def page(call: ComputeCall, found: Sequence[T], id_of: Callable[[T], str]) -> Sequence[T]:
    """Return a page of what is in memory as a whole.

    Raises:
        Refusal: 400 for a marker that is not there, or a limit that is none.
    """
    marker = call.single("marker")
    first = 0
    if marker is not None:
        ids = [id_of(each) for each in found]
        if marker not in ids:
            raise Refusal(400, f"Marker {marker} could not be found.")
        first = ids.index(marker) + 1
    return found[first : first + limit_of(call)]


def is_full(call: ComputeCall, shown: Sequence[object]) -> bool:
    """Whether a page has as many as were asked for, so that there may be another."""
    return len(shown) > 0 and len(shown) == limit_of(call)


def truth_of(name: str, given: str) -> bool:
    """Return a truth value of a query, as oslo.utils reads it.

    Raises:
        Refusal: 400 for a word that is none.
    """
    word = given.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Refusal(400, f"{name} takes true or false; it was given {given!r}")


def seconds_of(name: str, given: str | None) -> float | None:
    """Return a time of a query, as seconds since the epoch; one without a zone is UTC.

    Times before the epoch are taken for it: nothing has happened then.

    Raises:
        Refusal: 400 for what is no time in ISO 8601.
    """
    if given is None:
        return None
    try:
        # A plus in a query that nobody has quoted has become a space.
        time = datetime.fromisoformat(given.strip().replace(" ", "+" if "T" in given else "T"))
    except ValueError as error:
        raise Refusal(400, f"{name} takes a time in ISO 8601; it was given {given!r}") from error
    seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    return min(max(seconds, 0.0), _END_OF_TIME)
