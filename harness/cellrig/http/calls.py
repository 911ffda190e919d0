"""One request as handlers see it, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from cellrig.http.auth import Caller
from cellrig.http.versions import Version

S = TypeVar("S")

Query = list[tuple[str, str]]


class Call(msgspec.Struct, Generic[S], frozen=True):
    """A request that has been checked.

    Args:
        service: what the face translates to.
        version: the microversion to answer in.
        caller: who asks; None where no token is needed.
        parameters: the named segments of the path.
        query: the query string's pairs, in their order.
        body: what came, decoded from JSON; None where the route takes no body.
        base: path of the face's root, without a slash at the end; links begin with it.
        new_uuid: makes a uuid that nobody has yet.
    """

    service: S
    version: Version
    caller: Caller | None
    parameters: dict[str, str]
    query: Query
    body: Any
    base: str
    new_uuid: Callable[[], str]

    def single(self, name: str) -> str | None:
        """Return the value of a query parameter that counts once: the last one given."""
        return dict(self.query).get(name)

    def every(self, name: str) -> list[str]:
        """Return all values of a query parameter that may be repeated."""
        return [value for key, value in self.query if key == name]


class Answer(msgspec.Struct, frozen=True):
    """What a handler answers.

    Args:
        status: the HTTP status.
        body: what is encoded as JSON; None for no body.
        location: path of what was made, beginning with `Call.base`.
    """

    status: int = 200
    body: Any = None
    location: str | None = None
