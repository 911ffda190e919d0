"""What a rig has come to, as one value: equal for two rigs in which the same would happen next.

Uuids are told by the order in which they first appear, and of times only whether they are so long
ago that periodic work makes something of it: two cases that end alike have drawn other uuids at
other times.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterator
from functools import cache

from sqlalchemy import Table, select

from cellrig import Rig
from cellrig.compute.recovery import ABANDONED_AFTER
from cellrig.db.cell_tables import CELL_SCHEMA
from cellrig.db.database import Database, Row, Statement
from cellrig.db.schemas import SCHEMAS
from cellrig.snapshot import Snapshot

_UUID = rb"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"
#: A time of the virtual clock, which begins in February 2018.
_TIME = rb"15[12]\d{7}(?:\.\d+)?"
_VARIABLE = re.compile(rb"(?P<uuid>" + _UUID + rb")|(?P<time>" + _TIME + rb")")

#: Columns that tell people why; nobody decides by them.
_WORDS = frozenset({"details", "message", "traceback"})

#: Parts of the cloud that remember things outside of databases.
_SERVICES = ("cellrig.compute.", "cellrig.conductor.", "cellrig.scheduler.", "cellrig.volume.")


def end_state(rig: Rig, beginning: Snapshot) -> bytes:
    """Return what the databases, hypervisors, queues and services of a rig say, as a digest.

    Args:
        rig: which.
        beginning: what it once was; of databases that are still so nothing more is told.
    """
    words = b"\n".join(_parts(rig, beginning))
    now = rig.runtime.now()
    uuids: dict[bytes, bytes] = {}

    def told(found: re.Match[bytes]) -> bytes:
        uuid = found["uuid"]
        if uuid is None:
            age = now - float(found["time"])
            return b"long ago" if age >= ABANDONED_AFTER else b"lately"
        return uuids.setdefault(uuid.replace(b"-", b""), b"uuid %d" % len(uuids))

    return hashlib.sha256(_VARIABLE.sub(told, words)).digest()


def _parts(rig: Rig, beginning: Snapshot) -> Iterator[bytes]:
    for name, database in rig.databases.items():
        image = database.dump()
        if image != beginning.databases[name]:
            yield name.encode()
            yield from _rows(database)
    for host, driver in rig.cloud.drivers.items():
        yield host.encode()
        yield driver.checkpoint()  # type: ignore[attr-defined]
    yield rig.fabric.checkpoint()
    yield repr(rig.cloud.bus.queued()).encode()
    yield repr(
        [label for label, process in rig.cloud.processes.items() if process.crashed]
    ).encode()
    yield repr(sorted(_memories(rig))).encode()


def _rows(database: Database) -> Iterator[bytes]:
    """Read all that a database holds, in the order in which it was written, where it tells it."""
    with database.reading() as transaction:
        for table in SCHEMAS.get(database.name, CELL_SCHEMA).tables:
            words = [place for place, column in enumerate(table.columns) if column.name in _WORDS]
            rows = transaction.all(_all_of(table))
            told = [_without(words, row) for row in rows] if words else rows
            yield repr((table.name, told)).encode()


@cache
def _all_of(table: Table) -> Statement:
    return Statement(select(table))


def _without(words: list[int], row: Row) -> list[object]:
    kept = list(row)
    for place in words:
        kept[place] = kept[place] is not None
    return kept


def _memories(rig: Rig) -> Iterator[str]:
    """Tell what services keep for themselves: whom they have in hand, what they wait for."""
    seen: set[int] = set()
    waiting = deque((topic, server.target) for topic, server in rig.cloud.bus._servers.items())
    while waiting:
        path, thing = waiting.popleft()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        for name in getattr(thing, "__struct_fields__", None) or thing.__dict__:
            value = getattr(thing, name)
            if isinstance(value, (set, dict, deque, list)):
                if value:
                    yield f"{path}.{name}: {sorted(map(str, value))}"
            elif type(value).__module__.startswith(_SERVICES) and not callable(value):
                waiting.append((f"{path}.{name}", value))
