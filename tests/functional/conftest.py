"""What functional tests share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

import pytest
from move_cases import Stages

from cellrig import Rig


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "at_every_seam(operation, actions, *services): one case for each passage"
    )


@pytest.fixture(scope="session")
def stages() -> Iterator[Stages]:
    """Lend the rigs in which moves are tried; all are stopped at the end."""
    stages = Stages()
    yield stages
    stages.close()


@pytest.fixture
def rows() -> Callable[[Rig, str, str], list[tuple[object, ...]]]:
    """Read all rows of a table of one of a rig's databases, past everything that reads it."""

    def read(rig: Rig, database: str, table: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(":memory:")
        try:
            connection.deserialize(rig.databases[database].dump())
            (name,) = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE ?",
                (f"%{table}",),
            ).fetchone()
            return connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
        finally:
            connection.close()

    return read
