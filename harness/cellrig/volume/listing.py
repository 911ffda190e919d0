"""Choosing from what a project has: filters, an order, and one page of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from cellrig.errors import Invalid, NotFound


class _Named(Protocol):
    @property
    def id(self) -> str:
        """The id by which a page may begin."""


T = TypeVar("T", bound=_Named)


class ListQuery(msgspec.Struct, Generic[T], frozen=True):
    """What is asked for.

    Args:
        filters: each must be true of what is listed.
        order: keys, each with whether it descends; empty keeps the newest first.
        limit: how many at most.
        offset: how many are left out at the beginning.
        marker: id of the last one of the page before.
    """

    filters: Sequence[Callable[[T], bool]] = ()
    order: Sequence[tuple[str, bool]] = ()
    limit: int = 1000
    offset: int = 0
    marker: str | None = None


class Page(msgspec.Struct, Generic[T], frozen=True):
    """What was found: one page, and how many there are on all."""

    items: Sequence[T]
    count: int


def select_page(
    found: Iterable[T], query: ListQuery[T], keys: Mapping[str, Callable[[T], Any]]
) -> Page[T]:
    """Return a page.

    Args:
        found: everything, the newest first.
        query: what is asked for.
        keys: what a list can be ordered by.

    Raises:
        Invalid: an order by something else.
        NotFound: the marker is not among what was found.
    """
    chosen = [each for each in found if all(fits(each) for fits in query.filters)]
    for name, descends in reversed(query.order):
        if name not in keys:
            told = ", ".join(sorted(keys))
            raise Invalid(f"Sort key supplied is invalid: {name}; lists are sorted by: {told}")
        key = keys[name]
        chosen.sort(key=lambda each: _comparable(key(each)), reverse=descends)
    first = query.offset
    if query.marker is not None:
        ids = [each.id for each in chosen]
        if query.marker not in ids:
            raise NotFound("marker", query.marker)
        first += ids.index(query.marker) + 1
    return Page(chosen[first : first + query.limit], len(chosen))


def _comparable(value: Any) -> tuple[bool, Any]:
    """Let None come before everything else."""
    return (value is not None, "" if value is None else value)
