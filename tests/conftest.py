"""What all tests share: with ``--cellrig-database=URL`` everything is on that database.

The option itself reaches rigs of the fixtures. Here it reaches those that a test builds by hand,
and single databases. With ``CELLRIG_UNSORTED`` in the environment SQLite gives what no statement
sorts the other way round, so that a test fails where an order is taken for granted: a server may
give such rows in any.
"""

from __future__ import annotations

import gc
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from cellrig.db import places, sqlite
from cellrig.db.images import stamp_in
from cellrig.db.schemas import SCHEMAS
from cellrig.db.storage import OpenDatabase
from cellrig_pytest.options import SETTINGS


class SingleDatabases:
    """Where databases are that belong to no rig, until a test ends."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._place: places.Place | None = None
        self._open: list[OpenDatabase] = []

    def open(self, image: bytes) -> OpenDatabase:
        if self._place is None:
            self._place = places.place_of(self._url)
        schema = SCHEMAS[str(stamp_in(image).version).rpartition("_")[0]]
        self._open.append(
            self._place.storage(f"{schema.kind}{len(self._open)}", schema).open(image)
        )
        return self._open[-1]

    def close(self) -> None:
        for each in self._open:
            each.close()
        if self._place is not None:
            self._place.close()


@pytest.fixture(autouse=True)
def _on_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    url = request.config.stash[SETTINGS].database
    if url is None:
        yield
        return
    place_of = places.place_of
    single = SingleDatabases(url)
    monkeypatch.setattr("cellrig.rig.place_of", lambda database: place_of(database or url))
    monkeypatch.setattr("cellrig.db.database.InMemory", lambda: single)
    yield
    single.close()


@pytest.fixture(autouse=True, scope="session")
def _unsorted() -> Iterator[None]:
    connect = sqlite._connect

    def connect_unsorted(target: str, timeout: float = 5.0) -> sqlite3.Connection:
        connection = connect(target, timeout)
        connection.execute("PRAGMA reverse_unordered_selects = ON")
        return connection

    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("CELLRIG_UNSORTED"):
            patch.setattr(sqlite, "_connect", connect_unsorted)
        yield


@pytest.hookimpl
def pytest_collection_finish() -> None:
    """Let Python look for no garbage among thousands of tests: a tenth of their time goes there."""
    gc.collect()
    gc.freeze()


# -- counting cases --------------------------------------------------------------------------------

#: Marks tests whose number the summary tells.
_COUNTED = "counted"


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line(
        "markers", "counted(what, times=1): the summary tells how many cases of this were run"
    )


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Note in each counted test what it is a case of, where its report takes it from."""
    for item in items:
        mark = item.get_closest_marker(_COUNTED)
        if mark is not None:
            (what,) = mark.args
            item.user_properties.append((_COUNTED, (what, mark.kwargs.get("times", 1))))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many cases were run, whether they passed or not."""
    counts: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, value in report.user_properties:
                if name == _COUNTED:
                    what, times = value
                    counts[what] += times
    if counts:
        terminalreporter.section("cases")
        for what, count in sorted(counts.items()):
            terminalreporter.line(f"{count} {what}")
        terminalreporter.line(f"{counts.total()} in all")
