"""Databases that the rigs of one process hand on, so that not each of them must make tables."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cellrig.db.schema import Schema
from cellrig.db.server import Server
from cellrig.db.storage import UnusableDatabase


class Stock:
    """Databases on a server that no rig has now.

    Args:
        reach: takes the server into use; returns it, and what gives it back.
    """

    def __init__(self, reach: Callable[[], tuple[Server, Callable[[], None]]]) -> None:
        self._reach = reach
        self._lock = threading.Lock()
        self._free: dict[Schema, list[str]] = {}
        self._held: tuple[Server, Callable[[], None]] | None = None
        self._closed = False

    def take(self, schema: Schema) -> str | None:
        """Return the space of a database that is as if it were new; None where there is none."""
        with self._lock:
            free = self._free.get(schema)
            space = free.pop() if free else None
        if space is None:
            return None
        server = self._server()
        try:
            server.empty(space, schema)
        except UnusableDatabase:
            # Somebody has changed its tables, or taken it away.
            server.drop(space)
            return None
        return space

    def put(self, space: str, schema: Schema) -> bool:
        """Keep a database that its rig does not need any more.

        Returns:
            Whether it is kept; it is not where the stock is closed: nobody would drop it.
        """
        with self._lock:
            if self._closed:
                return False
            self._free.setdefault(schema, []).append(space)
        self._server()
        return True

    def close(self) -> None:
        """Drop all, give the server back, and keep nothing from now on."""
        with self._lock:
            free, self._free = self._free, {}
            self._closed = True
        if self._held is None:
            return
        server, give_back = self._held
        self._held = None
        try:
            for spaces in free.values():
                for space in spaces:
                    server.drop(space)
        finally:
            give_back()

    def _server(self) -> Server:
        """Return the server, which nobody closes while there is a database here."""
        with self._lock:
            if self._held is None:
                self._held = self._reach()
            return self._held[0]
