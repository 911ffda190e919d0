"""Limits, markers, orders and the other values that queries have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from cellrig.http.compute.paging import seconds_of, truth_of
from cellrig.http.errors import Refusal
from cellrig.http.volume.links import next_page
from cellrig.http.volume.service import VolumeCall
from cellrig.volume.listing import ListQuery, Page

T = TypeVar("T")

#: The most that one page has (Cinder's ``osapi_max_limit``).
MAX_LIMIT = 1000

#: What is no filter.
NO_FILTERS = frozenset(
    {"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "all_tenants", "with_count"}
)
_MOST = 0x7FFFFFFF


def list_query(call: VolumeCall, filters: Sequence[Callable[[T], bool]]) -> ListQuery[Any]:
    """Return what a list is asked for.

    Raises:
        Refusal: 400 for a number, a direction or an order that is none.
    """
    return ListQuery(
        filters=filters,
        order=order_of(call),
        limit=limit_of(call),
        offset=number_of(call, "offset", 0),
        marker=call.single("marker"),
    )


def limit_of(call: VolumeCall) -> int:
    """Return how many a page has at most."""
    return min(number_of(call, "limit", MAX_LIMIT), MAX_LIMIT)


def number_of(call: VolumeCall, name: str, default: int) -> int:
    """Return a number from 0 on of the query.

    Raises:
        Refusal: 400 for another value.
    """
    given = call.single(name)
    if given is None:
        return default
    if given.isascii() and given.isdigit() and len(given) < 11 and int(given) <= _MOST:
        return int(given)
    raise Refusal(400, f"{name} param must be an integer from 0 on; it was given {given!r}")


def flag_of(call: VolumeCall, name: str) -> bool:
    """Return a truth value of the query; False where it is not there."""
    given = call.single(name)
    return given is not None and truth_of(name, given)


def order_of(call: VolumeCall) -> list[tuple[str, bool]]:
    """Return keys and whether they descend: ``sort=key:asc`` or ``sort_key`` and ``sort_dir``."""
    sort = call.single("sort")
    if sort is None:
        pairs = [(call.single("sort_key"), call.single("sort_dir") or "desc")]
        if call.single("sort_key") is None:
            return []
    else:
        if call.single("sort_key") or call.single("sort_dir"):
            raise Refusal(400, "The sort_key and sort_dir parameters cannot be used with sort")
        pairs = []
        for each in filter(None, sort.split(",")):
            key, _, direction = each.strip().partition(":")
            pairs.append((key, direction or "desc"))
    for _key, direction in pairs:
        if direction not in ("asc", "desc"):
            raise Refusal(400, f"sort direction takes asc or desc; it was given {direction!r}")
    return [(str(key).strip(), direction == "desc") for key, direction in pairs]


def listed(
    call: VolumeCall, name: str, path: str, page: Page[Any], told: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the body of a list, with the link to the next page where there may be one."""
    body: dict[str, Any] = {name: told}
    if told and len(told) == limit_of(call):
        body[f"{name}_links"] = next_page(call, path, page.items[-1].id)
    if call.version >= (3, 45) and flag_of(call, "with_count"):
        body["count"] = page.count
    return body


_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "gt": lambda at, given: at > given,
    "gte": lambda at, given: at >= given,
    "lt": lambda at, given: at < given,
    "lte": lambda at, given: at <= given,
    "eq": lambda at, given: at == given,
    "neq": lambda at, given: at != given,
}


def time_filter(name: str, given: str) -> Callable[[float], bool]:
    """Return what tells whether a time is as asked for: ``gt:2018-02-28T00:00:00,lt:...`` (3.60).

    Raises:
        Refusal: 400 for a comparison or a time that is none.
    """
    asked = []
    for each in given.split(","):
        word, colon, time = each.partition(":")
        if word not in _COMPARISONS or not colon:
            word, time = "eq", each
        seconds = seconds_of(name, time)
        asked.append((_COMPARISONS[word], seconds or 0.0))
    return lambda at: all(compare(at, seconds) for compare, seconds in asked)
