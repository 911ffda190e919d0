"""Lists of images: which ones, in what order, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cellrig.context import RequestContext
from cellrig.errors import Invalid, MarkerNotFound
from cellrig.image.policy import is_own
from cellrig.image.types import ImageMember, MemberStatus, StoredImage, Visibility

#: What lists can be sorted by.
SORT_KEYS = (
    *("name", "status", "container_format", "disk_format", "size", "id"),
    *("created_at", "updated_at", "visibility", "owner", "min_disk", "min_ram"),
)

#: Compares an image's time with the one that was asked for.
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "gt": lambda has, asked: has > asked,
    "gte": lambda has, asked: has >= asked,
    "eq": lambda has, asked: has == asked,
    "neq": lambda has, asked: has != asked,
    "lt": lambda has, asked: has < asked,
    "lte": lambda has, asked: has <= asked,
}


class TimeFilter(msgspec.Struct, frozen=True):
    """When an image was made or written.

    Args:
        field: ``created_at`` or ``updated_at``.
        comparison: ``gt``, ``gte``, ``eq``, ``neq``, ``lt`` or ``lte``.
        seconds: since the epoch. The field's times are whole seconds, and so they are compared.
    """

    field: str
    comparison: str
    seconds: float

    def takes(self, image: StoredImage) -> bool:
        """Whether an image fits."""
        has = float(int(getattr(image, self.field)))
        return _COMPARISONS[self.comparison](has, self.seconds)


class ImageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be in a list.

    Args:
        words: name of an attribute to the values of which an image has one.
        properties: those that an image has.
        tags: all of those that an image has.
        visibility: a `Visibility`; ``all`` for those that the caller sees; None for the same
            without community images and those that the caller's project has not accepted.
        member_status: of shared images, what the project says of them; ``all`` for anything.
        hidden: hidden images, or the others.
        protected: None for both.
        size_min, size_max: bytes.
        times: all of those that an image fits.
        sort: attributes of `SORT_KEYS`, each with ``asc`` or ``desc``.
        marker: id of the last image of the page before.
        limit: the most of a page; None for all.
    """

    words: Mapping[str, Sequence[str]] = {}
    properties: Mapping[str, str] = {}
    tags: Sequence[str] = ()
    visibility: str | None = None
    member_status: str = MemberStatus.ACCEPTED.value
    hidden: bool = False
    protected: bool | None = None
    size_min: int | None = None
    size_max: int | None = None
    times: Sequence[TimeFilter] = ()
    sort: Sequence[tuple[str, str]] = ()
    marker: str | None = None
    limit: int | None = None

    def check(self) -> None:
        """Raise `Invalid` where a list can not be sorted so."""
        for key, direction in self.sort:
            if key not in SORT_KEYS:
                taken = ", ".join(SORT_KEYS)
                raise Invalid(f"images are not sorted by {key!r}; taken are: {taken}")
            if direction not in ("asc", "desc"):
                raise Invalid(f"images are sorted asc or desc, not {direction!r}")


def page_of(
    context: RequestContext,
    query: ImageQuery,
    seen: Iterable[tuple[StoredImage, ImageMember | None]],
) -> list[StoredImage]:
    """Return a page of the images that the caller sees.

    Raises:
        MarkerNotFound: the list has no such image.
    """
    found = [
        image
        for image, member in seen
        if _is_listed(context, query, image, member) and _fits(query, image)
    ]
    found = _sorted(found, query.sort)
    if query.marker is not None:
        ids = [image.id for image in found]
        if query.marker not in ids:
            raise MarkerNotFound(query.marker)
        found = found[ids.index(query.marker) + 1 :]
    return found if query.limit is None else found[: query.limit]


def _is_listed(
    context: RequestContext, query: ImageQuery, image: StoredImage, member: ImageMember | None
) -> bool:
    asked, own = query.visibility, is_own(context, image)
    if asked not in (None, "all", image.visibility):
        return False
    if image.visibility == Visibility.COMMUNITY:
        return asked is not None or own
    if image.visibility != Visibility.SHARED or own:
        return True
    if member is None:
        return context.is_admin
    return query.member_status in ("all", member.status)


def _fits(query: ImageQuery, image: StoredImage) -> bool:
    return (
        image.hidden == query.hidden
        and query.protected in (None, image.protected)
        and (query.size_min is None or image.size >= query.size_min)
        and (query.size_max is None or image.size <= query.size_max)
        and all(str(getattr(image, name)) in values for name, values in query.words.items())
        and query.properties.items() <= image.properties.items()
        and set(query.tags) <= set(image.tags)
        and all(time.takes(image) for time in query.times)
    )


def _sorted(images: list[StoredImage], sort: Sequence[tuple[str, str]]) -> list[StoredImage]:
    """Sort by the last key first: what is equal then stays in the order that it has."""
    asked = [*sort, ("created_at", "desc"), ("id", "desc")]
    for key, direction in reversed(asked):
        images = sorted(images, key=_value(key), reverse=direction == "desc")
    return images


def _value(key: str) -> Callable[[StoredImage], Any]:
    return lambda image: getattr(image, key)
