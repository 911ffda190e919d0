"""The table that a face is made of: one route for each method of each path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec

from cellrig.http.auth import Caller
from cellrig.http.calls import Answer, Call, Query
from cellrig.http.checking import Schema

S = TypeVar("S")

Policy = Callable[[Caller, Query], bool]
Schemas = Mapping[tuple[int, int], Schema | None]


def administrators(caller: Caller, _query: Query) -> bool:
    """Allow administrators alone."""
    return caller.is_admin


def anybody(_caller: Caller, _query: Query) -> bool:
    """Allow everybody who has a token; what they may see is decided by the service."""
    return True


class Route(msgspec.Struct, Generic[S], frozen=True):
    """One method of one path.

    Args:
        method: in capitals.
        path: below the face's root; segments in braces are parameters.
        handler: answers the calls. Its docstring describes the operation to clients.
        statuses: what it answers when it succeeds.
        since: the microversion that it came with.
        until: the last microversion that has it; None where it has not gone.
        before: the status where the microversion is lower: 404, or 405 if the path was there.
        body, query: the schema of each by the microversion that it came with; without one the
            body is not read, the query is not looked at.
        takes: the media type of the body; one that is not JSON is handed over as it comes.
        takes_too: further media types of it.
        policy: who may call it; None for everybody, even without a token.
        gives: the media type of what it answers when it succeeds.
        is_dated: whether answers carry ``Last-Modified`` where the microversion has it.
    """

    method: str
    path: str
    handler: Callable[[Call[S]], Answer]
    statuses: tuple[int, ...]
    since: tuple[int, int] = (1, 0)
    before: int = 404
    body: Schemas = {}
    query: Schemas = {}
    takes: str = "application/json"
    takes_too: tuple[str, ...] = ()
    policy: Policy | None = administrators
    is_dated: bool = False
    until: tuple[int, int] | None = None
    gives: str = "application/json"

    def exists_in(self, version: tuple[int, int]) -> bool:
        """Whether a microversion has it."""
        return self.since <= version and (self.until is None or version <= self.until)
