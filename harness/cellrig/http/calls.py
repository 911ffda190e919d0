"""One request as handlers see it, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
        body: what came, decoded from JSON; None where the route takes no body; a stream where it
            takes data.
        base: path of the face's root, without a slash at the end; links begin with it.
        origin: scheme, host and port by which the client has reached us.
        headers: the request's, by their names in capitals.
        new_uuid: makes a uuid that nobody has yet.
        request_id: as the answer carries it.
    """

    service: S
    version: Version
    caller: Caller | None
    parameters: dict[str, str]
    query: Query
    body: Any
    base: str
    new_uuid: Callable[[], str]
    origin: str = ""
    headers: Mapping[str, str] = {}
    request_id: str = ""

    def single(self, name: str) -> str | None:
        """Return the value of a query parameter that counts once: the last one given."""
        return dict(self.query).get(name)

    def first(self, name: str) -> str | None:
        """Return the value of a query parameter of which all but the first are ignored."""
        return next(iter(self.every(name)), None)

    def every(self, name: str) -> list[str]:
        """Return all values of a query parameter that may be repeated."""
        return [value for key, value in self.query if key == name]


class Answer(msgspec.Struct, frozen=True):
    """What a handler answers.

    Args:
        status: the HTTP status.
        body: what is encoded as JSON; bytes are JSON already; None for no body.
        location: path of what was made, beginning with `Call.base`.
        updated_at: when what is answered was written last, in seconds since the epoch; None for
            this moment.
        headers: further ones.
        media_type: of the body.
        stream: what is sent instead of a body, as it comes; it is closed where it has a `close`.
        length: bytes of the stream.
    """

    status: int = 200
    body: Any = None
    location: str | None = None
    updated_at: float | None = None
    headers: dict[str, str] = {}
    media_type: str = "application/json"
    stream: Iterable[bytes] | None = None
    length: int = 0
