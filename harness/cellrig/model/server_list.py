"""Lists of servers over many cells, and what is shown of those whose cell does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from cellrig.errors import CellUnavailable

S = TypeVar("S")


class MissingCells(StrEnum):
    """What a listing does about cells that do not answer."""

    #: Leave their servers out; the list names the cells.
    SKIP = "skip"
    #: Show what the mappings tell of their servers (microversion 2.69).
    RECORDS = "records"
    #: Raise what is wrong with the first of them.
    FAIL = "fail"


class BriefServer(msgspec.Struct, frozen=True, gc=False):
    """A server as a list without details shows it."""

    id: str
    name: str


class UnknownServer(msgspec.Struct, frozen=True):
    """A server of a cell that does not answer: what its mapping tells (microversion 2.69).

    Args:
        id: its uuid.
        project_id, user_id: whose it is.
        cell: the cell that does not answer.
        created_at: when it was asked for, seconds since the epoch.
    """

    id: str
    project_id: str
    user_id: str
    cell: str
    created_at: float

    @property
    def status(self) -> str:
        """UNKNOWN: only its cell could tell."""
        return "UNKNOWN"


class ServerList(msgspec.Struct, Generic[S], frozen=True):
    """Servers of all cells, and the cells that could not tell theirs.

    Args:
        servers: in the order that was asked for.
        missing: cell name to why it did not answer.
        unknown: servers of those cells, where they were asked for.
    """

    servers: tuple[S, ...]
    missing: dict[str, CellUnavailable]
    unknown: tuple[UnknownServer, ...] = ()

    def __iter__(self) -> Iterator[S]:
        return iter(self.servers)

    def __len__(self) -> int:
        return len(self.servers)

    def __getitem__(self, index: int) -> S:
        return self.servers[index]
