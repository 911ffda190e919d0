"""The servers that a process uses: each once, however many rigs have their databases there."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from sqlalchemy.engine import URL

from cellrig.db.server import Server


class Shares:
    """Servers, with how many use them; the last one to give a server back closes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[tuple[int, URL], tuple[Server, int]] = {}

    def take(self, url: URL, make: Callable[[URL], Server]) -> tuple[Server, Callable[[], None]]:
        """Return a server, and what gives it back; more calls of that do nothing.

        Args:
            url: where it is.
            make: makes the server where nobody in this process uses it yet.
        """
        # A fork of the process must not speak on the connections of its parent.
        key = (os.getpid(), url)
        with self._lock:
            server, users = self._used.get(key) or (make(url), 0)
            self._used[key] = (server, users + 1)
        is_held = [True]

        def give_back() -> None:
            with self._lock:
                if not is_held:
                    return
                is_held.clear()
                _same, users = self._used[key]
                if users > 1:
                    self._used[key] = (server, users - 1)
                    return
                del self._used[key]
            server.close()

        return server, give_back


SHARES = Shares()
