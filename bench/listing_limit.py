"""The limit of lists over many cells: the database's own driver, and a merge of what it brings."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Callable
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from bench.peers.listing_side import PAGE
from cellrig import Rig
from cellrig.db.database import Database
from cellrig.model import CELL0

RAW = (
    "SELECT created_at, uuid, name FROM instances WHERE deleted = 0 AND hidden = 0 "
    "ORDER BY created_at DESC, uuid DESC LIMIT {limit}"
)
RAW_NEXT = (
    "SELECT created_at, uuid, name FROM instances WHERE deleted = 0 AND hidden = 0 "
    "AND created_at <= {at} AND (created_at < {at} OR uuid < {uuid}) "
    "ORDER BY created_at DESC, uuid DESC LIMIT {limit}"
)
#: What reads rows of one cell by the database's own driver.
Raw = Callable[[str, dict[str, object]], list[tuple[float, str, str]]]


def raw_cells(rig: Rig) -> list[Raw]:
    """Return what reads each cell by the driver alone, over a connection of its own."""
    names = (CELL0, *(cell.name for cell in rig.topology.cells))
    where = rig.topology.database
    if where is not None and where.startswith("postgresql:"):
        return [_on_server(connection_to(rig.databases[name])) for name in names]
    return [_in_sqlite(rig.databases[name].dump(), where, name) for name in names]


def _in_sqlite(image: bytes, directory: str | None, name: str) -> Raw:
    if directory is None:
        connection = sqlite3.connect(":memory:")
        connection.deserialize(image)
    else:  # the rig's own file is for the rig alone
        path = Path(directory) / f"{name}.sqlite"
        path.write_bytes(image)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # as the rig has its own
    return lambda text, values: connection.execute(RAW_SQLITE[text], values).fetchall()


def connection_to(database: Database) -> Any:
    """Return a connection of PostgreSQL's driver, made as the rig makes them, besides its own."""
    opened: Any = database._open
    return opened._connections._connect(opened._home)._connection


def _on_server(connection: Any) -> Raw:
    # Numbers come as they are, not as text, and nothing is planned that is prepared already.
    return lambda text, values: connection.execute(
        RAW_POSTGRESQL[text], values, prepare=True, binary=True
    ).fetchall()


_NAMES = ("limit", "at", "uuid")
RAW_SQLITE = {text: text.format(**{n: f":{n}" for n in _NAMES}) for text in (RAW, RAW_NEXT)}
RAW_POSTGRESQL = {text: text.format(**{n: f"%({n})s" for n in _NAMES}) for text in (RAW, RAW_NEXT)}


def raw_page(
    cells: list[Raw], after: tuple[float, str] | None = None
) -> list[tuple[float, str, str]]:
    """Return a page of raw rows."""
    answers = [
        ask(RAW, {"limit": PAGE})
        if after is None
        else ask(RAW_NEXT, {"at": after[0], "uuid": after[1], "limit": PAGE})
        for ask in cells
    ]
    merged = heapq.merge(*answers, key=itemgetter(0, 1), reverse=True)
    return list(islice(merged, PAGE))


def raw_walk(cells: list[Raw]) -> int:
    """Read all pages of raw rows; return how many rows there were."""
    total, page = 0, raw_page(cells)
    while page:
        total += len(page)
        page = raw_page(cells, page[-1][:2])
    return total
