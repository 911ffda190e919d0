"""``rig.servers.iterate()``: a walk through all servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

from cellrig.client.requests import Caller
from cellrig.compute.api import ServerLists, ServerQuery, ServerWalk
from cellrig.errors import CellUnavailable
from cellrig.model import Server

#: Servers that one request of a walk brings (the field's max_limit).
PAGE = 1000


class ServerIterator:
    """All servers, read as they are needed: in memory is one page, however many there are.

    Args:
        call: who asks.
        lists: of the compute API.
        query: which servers, and in which order.
    """

    def __init__(self, call: Caller, lists: ServerLists, query: ServerQuery) -> None:
        self._call = call
        self._walk: ServerWalk[Server] = call(lambda c: lists.walk(c, query), "list servers")
        self._servers = self._all()

    @property
    def missing(self) -> Mapping[str, CellUnavailable]:
        """The cells that have not answered so far: name to why."""
        return self._walk.missing

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Server:
        return next(self._servers)

    def _all(self) -> Iterator[Server]:
        while page := self._call(lambda _context: self._walk.take(PAGE), "list servers"):
            yield from page
            page.clear()  # who has brought it may be kept for a while
