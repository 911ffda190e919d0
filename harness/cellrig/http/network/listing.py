"""Lists as the Networking API has them: filters, fields, order and pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.network.service import NetworkCall

View = dict[str, Any]

_NO_FILTERS = frozenset(
    {"fields", "sort_key", "sort_dir", "limit", "marker", "page_reverse", "verbose"}
)
#: What a query asks of tags: whether all or any are there, and whether that is what is wanted.
_TAGGED = {
    "tags": (all, True),
    "tags-any": (any, True),
    "not-tags": (all, False),
    "not-tags-any": (any, False),
}
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


def listed(call: NetworkCall, name: str, found: Sequence[View]) -> Answer:
    """Return a page of what was found.

    Raises:
        Refusal: 400 for a query that cannot be, 404 for a marker that is not in the list.
    """
    chosen = [view for view in found if _is_wanted(call, view)]
    _sort(call, chosen)
    limit = _limit(call)
    page, has_more = _page(call, chosen, limit)
    body: dict[str, Any] = {name: [shown(call, view) for view in page]}
    if has_more:
        query = [(key, value) for key, value in call.query if key != "marker"]
        query.append(("marker", str(page[-1]["id"])))
        path = f"{call.origin}{call.base}/v2.0/{name.replace('_', '-')}"
        body[f"{name}_links"] = [{"rel": "next", "href": f"{path}?{urlencode(query)}"}]
    return Answer(body=body)


def shown(call: NetworkCall, view: View) -> View:
    """Return the fields of something that the query asks for; all where it asks for none."""
    fields = [each for each in call.every("fields") if each]
    return {key: view[key] for key in fields if key in view} if fields else view


def _is_wanted(call: NetworkCall, view: View) -> bool:
    """Whether something has every field that is asked for; one of several values is enough.

    What is asked by a field that there is not does not count, as in a deployment that does not
    validate filters.
    """
    for name in {key for key, _value in call.query if key not in _NO_FILTERS}:
        values = [value for value in call.every(name) if value]
        if name in _TAGGED:
            how, is_wanted = _TAGGED[name]
            asked = [tag for value in values for tag in value.split(",")]
            if asked and how(tag in view.get("tags", ()) for tag in asked) != is_wanted:
                return False
        elif name in view and values and not any(_fits(view[name], value) for value in values):
            return False
    return True


def _fits(value: Any, asked: str) -> bool:
    if isinstance(value, bool):
        return asked.lower() in (_TRUE if value else _FALSE)
    if isinstance(value, list):
        return any(_has(each, asked) for each in value)
    return str("" if value is None else value) == asked


def _has(item: Any, asked: str) -> bool:
    """Whether an entry of a list is asked for: by itself, or as ``key=value``."""
    if isinstance(item, dict):
        key, _, wanted = asked.partition("=")
        if key == "ip_address_substr":
            return wanted in str(item.get("ip_address"))
        return str(item.get(key)) == wanted
    return str(item) == asked


def _sort(call: NetworkCall, views: list[View]) -> None:
    keys, directions = call.every("sort_key"), call.every("sort_dir")
    if len(directions) > len(keys):
        raise Refusal(400, "the number of sort_keys and sort_dirs must be same")
    for direction in directions:
        if direction not in ("asc", "desc"):
            raise Refusal(400, f"sort_dir {direction!r}: it takes asc or desc")
    directions += ["asc"] * (len(keys) - len(directions))
    for key, direction in reversed(list(zip(keys, directions, strict=True))):
        if views and key not in views[0]:
            raise Refusal(400, f"{key!r} is invalid attribute for sort_key")
        views.sort(key=_sortable(key), reverse=direction == "desc")


def _sortable(key: str) -> Callable[[View], tuple[bool, bool, float, str]]:
    def value(view: View) -> tuple[bool, bool, float, str]:
        found = view[key]
        number = float(found) if isinstance(found, int) else 0.0
        return (found is not None, isinstance(found, int), number, str(found))

    return value


def _limit(call: NetworkCall) -> int | None:
    """Return how many a page has; None for all."""
    given = call.single("limit")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Refusal(400, f"limit {given!r}: it takes a whole number from 0 on")
    return int(given) or None


def _page(call: NetworkCall, views: list[View], limit: int | None) -> tuple[list[View], bool]:
    marker = call.single("marker")
    start = 0
    if marker:
        places = [at for at, view in enumerate(views) if view["id"] == marker]
        if not places:
            raise Refusal(404, f"marker {marker} could not be found")
        start = places[0] + 1
    if limit is None:
        return views[start:], False
    return views[start : start + limit], len(views) > start + limit
