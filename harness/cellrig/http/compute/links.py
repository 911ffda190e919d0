"""Links to what compute has, and to the next page of a list."""

from __future__ import annotations

from urllib.parse import urlencode

from cellrig.http.compute.service import ComputeCall

Link = dict[str, str]


def links(call: ComputeCall, *path: str) -> list[Link]:
    """Return both links of a resource: with the API's version, and without."""
    return [
        {"rel": "self", "href": href(call, "v2.1", *path)},
        bookmark(call, *path),
    ]


def bookmark(call: ComputeCall, *path: str) -> Link:
    """Return the link of a resource without the API's version."""
    return {"rel": "bookmark", "href": href(call, *path)}


def href(call: ComputeCall, *path: str) -> str:
    """Return the URL of a path."""
    return "/".join((f"{call.origin}{call.base}", *path))


def next_page(call: ComputeCall, path: str, last: str) -> list[Link]:
    """Return the link to the page that begins after `last`, asked for as this one was."""
    query = [(key, value) for key, value in call.query if key != "marker"]
    return [
        {
            "rel": "next",
            "href": f"{href(call, 'v2.1', path)}?{urlencode([*query, ('marker', last)])}",
        }
    ]
