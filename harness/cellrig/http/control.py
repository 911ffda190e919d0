"""``POST /rig/reset``: back to the start state, for whoever tests against a served rig."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cellrig.db.database import Database

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

RESET_PATH = "/rig/reset"


class StartState:
    """What databases were at one moment, and the way back to it.

    Args:
        databases: by name. Their images are taken now.
    """

    def __init__(self, databases: Mapping[str, Database]) -> None:
        self._starts = [(database, database.dump()) for database in databases.values()]

    def restore(self) -> None:
        """Let every database be what it was, and accept connections."""
        for database, image in self._starts:
            database.load(image)
            database.bring_back()


def with_control(application: Application, reset: Callable[[], None]) -> Application:
    """Return `application` with the reset in front of it.

    Args:
        application: answers everything else.
        reset: what ``POST /rig/reset`` calls before it answers 204.
    """

    def controlled(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != RESET_PATH:
            return application(environ, start_response)
        if environ["REQUEST_METHOD"] != "POST":
            start_response("405 Method Not Allowed", [("Allow", "POST"), ("Content-Length", "0")])
            return []
        reset()
        start_response("204 No Content", [])
        return []

    return controlled
