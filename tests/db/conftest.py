"""Servers for the tests of what is particular to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from database_servers import KINDS, NoServer, server
from query_plans import Planner, server_planner, sqlite_plan


@pytest.fixture(scope="session")
def find_server() -> Iterator[Callable[[str], str]]:
    """Return the URL of a server of a kind; skip, and say why, where there is none."""
    known: dict[str, str] = {}
    missing: dict[str, NoServer] = {}
    with ExitStack() as stack:

        def find(kind: str) -> str:
            if kind not in known and kind not in missing:
                try:
                    known[kind] = stack.enter_context(server(kind))
                except NoServer as error:
                    missing[kind] = error
            if kind in missing:
                pytest.skip(f"no tests on {kind}: {missing[kind]}")
            return known[kind]

        yield find


@pytest.fixture(params=KINDS)
def server_url(request: pytest.FixtureRequest, find_server: Callable[[str], str]) -> str:
    """The URL of a server of each kind."""
    return find_server(request.param)


@pytest.fixture(scope="session")
def planners(find_server: Callable[[str], str]) -> Iterator[Callable[[str], Planner]]:
    """What tells the plans of a kind of database; skips where there is no server."""
    known: dict[str, Planner] = {"sqlite": sqlite_plan}
    with ExitStack() as stack:

        def find(kind: str) -> Planner:
            if kind not in known:
                known[kind] = stack.enter_context(server_planner(find_server(kind)))
            return known[kind]

        yield find
