"""Threads that answer connections, of which one leads at a time.

The leader waits for requests and answers each itself, so that none is handed from thread to
thread, and threads do not fight for the interpreter. Only when a request keeps it for long,
because it waits for something or is large, another thread leads from there on; who has lost the
lead finishes the request and waits to lead again.
"""

from __future__ import annotations

import errno
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from cellrig.http.wire.connection import Connection

#: Seconds that the leader has for one request.
_TURN = 0.01
#: So many turns without a request let the one who looks at the leader rest.
_QUIET_TURNS = 100
#: The most threads: so many requests can wait for something at the same time.
_MOST_THREADS = 64
#: The most connections; more wait until others end.
_MOST_CONNECTIONS = 512
#: The process, or the machine, has no descriptors or no memory left for one more.
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
#: Seconds after which a connection is closed that nobody uses.
_IDLE = 75.0

Connect = Callable[[socket.socket, Any], Connection]


class Crew:
    """Serves a socket from `start` to `stop`.

    Args:
        listener: listens, and does not block.
        connect: makes a connection of an accepted socket and the client's address.
    """

    def __init__(self, listener: socket.socket, connect: Connect) -> None:
        self._listener = listener
        self._connect = connect
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._leader: threading.Thread | None = None
        self._waiting = 0
        self._connections: set[Connection] = set()
        self._ended = threading.Event()
        # What the leader does, for the one who looks on.
        self._busy: Connection | None = None
        self._begun = 0
        self._alarm = threading.Event()
        self._sleeps = False
        self._lookout = threading.Thread(target=self._look_out, name="cellrig http lookout")
        self._lookout.daemon = True
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._swept_at = time.monotonic()
        self._accepts = True

    def start(self) -> None:
        """Begin to answer."""
        with self._changed:
            self._add_thread()
        self._lookout.start()

    def wait(self) -> None:
        """Wait until `stop`."""
        self._ended.wait()

    def stop(self, patience: float) -> None:
        """Take no more requests; close everything.

        Args:
            patience: seconds that requests have to end. The connections of others are broken off.
        """
        with self._changed:
            self._ended.set()
            self._changed.notify_all()
        self._alarm.set()
        self._rope.send(b"!")
        until = time.monotonic() + patience
        for thread in (*self._threads, self._lookout):
            thread.join(max(0.0, until - time.monotonic()))
        for connection in self._connections.copy():
            connection.break_off()
        for thread in self._threads:
            thread.join(max(0.1, until - time.monotonic()))
        self._selector.close()
        for connection in self._connections.copy():
            connection.close()
        for each in (self._listener, self._bell, self._rope):
            each.close()

    def goes_on(self) -> bool:
        """Whether requests are still taken."""
        return not self._ended.is_set()

    # -- the threads that answer -----------------------------------------------------------------

    def _add_thread(self) -> None:
        name = f"cellrig http {len(self._threads) + 1}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        me = threading.current_thread()
        while self._take_lead(me):
            while self._leader is me and not self._ended.is_set():
                self._answer_ready(me)

    def _take_lead(self, me: threading.Thread) -> bool:
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._leader is None or self._ended.is_set())
            self._waiting -= 1
            self._leader = me
            return not self._ended.is_set()

    def _answer_ready(self, me: threading.Thread) -> None:
        """Wait for connections on which something has come; answer one after the other."""
        for key, _events in self._selector.select(_IDLE if self._connections else None):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is not self._bell and not self._answer(me, key.data):
                return  # what else is ready, the next leader will see
        self._sweep()

    def _answer(self, me: threading.Thread, connection: Connection) -> bool:
        """Answer one connection; return whether this thread still leads."""
        self._begun += 1
        self._busy = connection
        if self._sleeps:
            self._alarm.set()
        lasts = connection.answer()
        with self._changed:
            if self._ended.is_set():  # whoever stops us closes the selector
                self._close(connection)
                return False
            if self._leader is me:
                self._busy = None
                if not lasts:
                    self._selector.unregister(connection)
                    self._close(connection)
                return True
            if not lasts:
                self._close(connection)
            else:
                self._selector.register(connection, selectors.EVENT_READ, connection)
            return False

    # -- connections -----------------------------------------------------------------------------

    def _accept(self) -> None:
        try:
            accepted, address = self._listener.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                with self._changed:
                    self._stop_accepting()
            return  # else the client has gone again
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = self._connect(accepted, address)
        with self._changed:
            self._connections.add(connection)
            self._selector.register(connection, selectors.EVENT_READ, connection)
            if len(self._connections) >= _MOST_CONNECTIONS:
                self._stop_accepting()

    def _stop_accepting(self) -> None:
        """Let others wait until a connection ends; the lock is held."""
        if self._accepts and self._connections:
            self._selector.unregister(self._listener)
            self._accepts = False

    def _close(self, connection: Connection) -> None:
        """Close a connection that the selector does not know any more; the lock is held."""
        connection.close()
        self._connections.discard(connection)
        if not self._accepts and not self._ended.is_set():
            self._selector.register(self._listener, selectors.EVENT_READ)
            self._accepts = True

    def _sweep(self) -> None:
        """Close the connections that nobody uses."""
        now = time.monotonic()
        if now - self._swept_at < _IDLE / 2:
            return
        self._swept_at = now
        with self._changed:
            known = [key.data for key in list(self._selector.get_map().values()) if key.data]
            for connection in known:
                if now - connection.used_at >= _IDLE:
                    self._selector.unregister(connection)
                    self._close(connection)

    # -- the one who looks on --------------------------------------------------------------------

    def _look_out(self) -> None:
        """Let another thread lead whenever a request keeps the leader for longer than a turn."""
        seen, quiet = 0, 0
        while not self._ended.wait(_TURN):
            begun, quiet = self._begun, quiet + 1
            if begun != seen:
                seen, quiet = begun, 0
            elif self._busy is not None:
                self._relieve(begun)
            elif quiet >= _QUIET_TURNS:
                self._sleep_until_needed()

    def _sleep_until_needed(self) -> None:
        self._alarm.clear()
        self._sleeps = True
        # A leader that became busy before it could see that has not set the alarm.
        if self._busy is None:
            self._alarm.wait()
        self._sleeps = False

    def _relieve(self, begun: int) -> None:
        """Take the lead away, if the leader is still where it was seen."""
        with self._changed:
            busy = self._busy
            if busy is None or self._begun != begun:
                return
            self._busy = None
            self._selector.unregister(busy)
            self._leader = None
            if self._waiting:
                self._changed.notify()
            elif len(self._threads) < _MOST_THREADS:
                self._add_thread()
