"""Libvirt's event loop: one in a process, run by a thread of ours while a driver listens.

That there is one is libvirt's design. It is kept for as long as somebody uses it, and its thread
ends with the last user.
"""

from __future__ import annotations

import threading
from typing import Any


class EventLoop:
    """Counts its users; the first starts the thread and the last ends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._library: Any = None
        self._alarm: int | None = None

    def enter(self, library: Any) -> None:
        """Use the loop. To be called before a connection is opened that wants events.

        Args:
            library: the module `libvirt`.
        """
        with self._lock:
            self._users += 1
            if self._thread is not None:
                return
            if self._alarm is None:
                library.virEventRegisterDefaultImpl()
                self._library = library
                self._alarm = library.virEventAddTimeout(-1, self._silence, None)
            # Of each thread its own: one that is ending must not hear of the next one's start.
            self._ending = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._ending,), name="libvirt's event loop", daemon=True
            )
            self._thread.start()

    def leave(self) -> None:
        """Stop using the loop."""
        with self._lock:
            self._users -= 1
            if self._users:
                return
            thread, self._thread = self._thread, None
            self._ending.set()
            self._wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self, ending: threading.Event) -> None:
        while not ending.is_set():
            self._library.virEventRunDefaultImpl()
        # A connection that was closed is given back in the rounds after that.
        for _round in range(2):
            self._wake()
            self._library.virEventRunDefaultImpl()

    def _wake(self) -> None:
        self._library.virEventUpdateTimeout(self._alarm, 0)

    def _silence(self, alarm: int, _nothing: object) -> None:
        self._library.virEventUpdateTimeout(alarm, -1)


#: The process's.
EVENT_LOOP = EventLoop()
