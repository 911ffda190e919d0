"""Lists of images: the query, and links from page to page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.image.face import ImageCall, context_of
from cellrig.http.image.views import image_view
from cellrig.image import ImageQuery, MemberStatus
from cellrig.image.listing import TimeFilter

T = TypeVar("T")

#: How many a page has where nobody says, and the most that it has.
DEFAULT_LIMIT = 25
MAX_LIMIT = 1000

#: Filters by one of several words: what the service calls the attribute.
_WORDS = {
    "id": "id",
    "name": "name",
    "status": "status",
    "disk_format": "disk_format",
    "container_format": "container_format",
    "owner": "owner",
    "checksum": "checksum",
    "os_hash_algo": "hash_algo",
    "os_hash_value": "hash_value",
    "min_disk": "min_disk",
    "min_ram": "min_ram",
    "size": "size",
}
#: Those that take ``in:`` and a list.
_SEVERAL = frozenset({"id", "name", "status", "disk_format", "container_format"})
_TIMES = ("created_at", "updated_at")
_OTHERS = frozenset(
    {
        *("limit", "marker", "sort", "sort_key", "sort_dir", "tag", "visibility"),
        *("member_status", "os_hidden", "protected", "size_min", "size_max"),
    }
)
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def list_images(call: ImageCall) -> Answer:
    """List the images that the caller sees, a page at a time."""
    query = _query(call)
    found = call.service.page(context_of(call), query)
    told = {
        "images": [image_view(image) for image in found],
        "schema": "/v2/schemas/images",
        "first": _link(call, None),
    }
    if found and len(found) == query.limit:
        told["next"] = _link(call, found[-1].id)
    return Answer(body=told)


def _link(call: ImageCall, marker: str | None) -> str:
    pairs = [(name, value) for name, value in call.query if name != "marker"]
    if marker is not None:
        pairs.append(("marker", marker))
    return "/v2/images" + (f"?{urlencode(pairs)}" if pairs else "")


def _query(call: ImageCall) -> ImageQuery:
    given = dict(call.query)
    visibility = given.get("visibility")
    if visibility not in (None, "all", "public", "private", "shared", "community"):
        raise Refusal(
            400, f"visibility takes public, private, shared, community or all, not {visibility!r}"
        )
    status = given.get("member_status", MemberStatus.ACCEPTED)
    if status not in (*MemberStatus, "all"):
        raise Refusal(400, f"member_status takes {', '.join(MemberStatus)} or all, not {status!r}")
    known = {*_WORDS, *_TIMES, *_OTHERS}
    return ImageQuery(
        words={
            _WORDS[name]: _words(name, value) for name, value in given.items() if name in _WORDS
        },
        properties={name: value for name, value in given.items() if name not in known},
        tags=call.every("tag"),
        visibility=visibility,
        member_status=status,
        hidden=bool(_parsed(given, "os_hidden", _truth)),
        protected=_parsed(given, "protected", _truth),
        size_min=_parsed(given, "size_min", _number),
        size_max=_parsed(given, "size_max", _number),
        times=[_time(name, value) for name, value in call.query if name in _TIMES],
        sort=_sort(call),
        marker=given.get("marker"),
        limit=_limit(given),
    )


def _parsed(given: dict[str, str], name: str, parse: Callable[[str, str], T]) -> T | None:
    return None if name not in given else parse(name, given[name])


def _limit(given: dict[str, str]) -> int:
    asked = _parsed(given, "limit", _number)
    return DEFAULT_LIMIT if asked is None else min(asked, MAX_LIMIT)


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise Refusal(400, f"{name} takes a number from 0 on; it was given {value!r}")
    return int(value)


def _truth(name: str, value: str) -> bool:
    if value.lower() not in _TRUTHS:
        raise Refusal(400, f"{name} takes true or false; it was given {value!r}")
    return _TRUTHS[value.lower()]


def _words(name: str, value: str) -> list[str]:
    if name not in _SEVERAL or not value.startswith("in:"):
        return [value]
    return [word for word in _split(value.removeprefix("in:")) if word]


def _split(text: str) -> list[str]:
    """Split at commas that are not in double quotes, which go."""
    words, quoted = [""], False
    for character in text:
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            words.append("")
        else:
            words[-1] += character
    if quoted:
        raise Refusal(400, f"a quote is not closed in {text!r}")
    return words


def _time(name: str, value: str) -> TimeFilter:
    comparison, colon, time = value.partition(":")
    if comparison not in ("gt", "gte", "eq", "neq", "lt", "lte") or not colon:
        comparison, time = "eq", value
    try:
        parsed = datetime.fromisoformat(time.strip())
    except ValueError as error:
        raise Refusal(400, f"{name} takes a time in ISO 8601; it was given {value!r}") from error
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return TimeFilter(name, comparison, float(int(aware.timestamp())))


def _sort(call: ImageCall) -> list[tuple[str, str]]:
    """Return the keys and directions of either form: ``sort``, or ``sort_key`` and ``sort_dir``."""
    keys, directions, both = call.every("sort_key"), call.every("sort_dir"), call.single("sort")
    if both is not None:
        if keys or directions:
            raise Refusal(400, "sort is not taken together with sort_key and sort_dir")
        pairs = [part.partition(":") for part in both.split(",") if part]
        return [(key.strip(), direction.strip() or "desc") for key, _colon, direction in pairs]
    if len(directions) > 1 and len(directions) != len(keys):
        raise Refusal(400, f"{len(directions)} sort_dir were given for {len(keys)} sort_key")
    if directions and not keys:
        keys = ["created_at"]
    given = directions * len(keys) if len(directions) == 1 else directions or ["desc"] * len(keys)
    return list(zip(keys, given, strict=True))
