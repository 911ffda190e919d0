"""Links to what block storage has, and to the next page of a list."""

from __future__ import annotations

from urllib.parse import urlencode

from cellrig.http.volume.service import VolumeCall, context_of

Link = dict[str, str]


def links(call: VolumeCall, *path: str) -> list[Link]:
    """Return both links of a resource: with the API's version, and without."""
    project_id = context_of(call).project_id
    return [
        {"rel": "self", "href": href(call, "v3", project_id, *path)},
        {"rel": "bookmark", "href": href(call, project_id, *path)},
    ]


def href(call: VolumeCall, *path: str) -> str:
    """Return the URL of a path."""
    return "/".join((f"{call.origin}{call.base}", *path))


def next_page(call: VolumeCall, path: str, last: str) -> list[Link]:
    """Return the link to the page that begins after `last`, asked for as this one was."""
    query = [(key, value) for key, value in call.query if key not in ("marker", "offset")]
    url = href(call, "v3", context_of(call).project_id, path)
    return [{"rel": "next", "href": f"{url}?{urlencode([*query, ('marker', last)])}"}]
