"""One connection of a client: requests come in, answers go out, one after the other."""

from __future__ import annotations

import io
import select
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from cellrig.http.wire.answers import Application, Exchange
from cellrig.http.wire.bodies import Body, ChunkedBody, Incoming, LongBody
from cellrig.http.wire.errors import ClientGone, NotHttp
from cellrig.http.wire.heads import MAX_HEAD, Head, read_head
from cellrig.runtime import TaskKilled

#: Seconds that a client may take to send more of a body, or to take more of an answer.
PATIENCE = 10.0
#: Seconds for which more is taken from a client that was refused, so that it reads why.
_FAREWELL = 2.0
#: The most bytes of a body that nobody wanted that are read for the connection to go on.
_MOST_UNWANTED = 64 * 1024
_AT_ONCE = 64 * 1024
_EMPTY_LINE = b"\r\n\r\n"
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """A client's connection.

    Args:
        socket_: does not block.
        application: answers.
        environ: of WSGI, what all requests of the connection have in common.
        goes_on: whether the server still takes requests.

    Attributes:
        used_at: when it was last used, by the monotonic clock.
    """

    __slots__ = ("_application", "_environ", "_goes_on", "_incoming", "_socket", "used_at")

    def __init__(
        self,
        socket_: socket.socket,
        application: Application,
        environ: dict[str, Any],
        goes_on: Callable[[], bool],
    ) -> None:
        self._socket = socket_
        self._application = application
        self._environ = environ
        self._goes_on = goes_on
        self._incoming = Incoming(self._receive)
        self.used_at = time.monotonic()

    def fileno(self) -> int:
        """Return the number by which the system knows the connection."""
        return self._socket.fileno()

    def break_off(self) -> None:
        """Let whoever waits for the client learn that there is nothing to wait for."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the client was faster

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def answer(self) -> bool:
        """Take what has come and answer each request in it; return whether the connection lasts.

        A head of which only a part has come waits for the rest without anybody's waiting.
        """
        try:
            more = self._socket.recv(_AT_ONCE)
            self._incoming.data += more
            return self._answer_all() and bool(more)
        except BlockingIOError:
            return True
        except NotHttp as error:
            self._refuse(error)
        except (OSError, TaskKilled):
            pass  # the client has broken it off; or the rig has ended, and with it all its tasks
        return False

    def _answer_all(self) -> bool:
        data = self._incoming.data
        while data and (block := self._block()) is not None:
            if not self._answer_one(block):
                return False
            self.used_at = time.monotonic()
        return True

    def _block(self) -> bytes | None:
        """Return the bytes of a head; None while not all of it is there."""
        data = self._incoming.data
        if data.startswith(b"\r\n"):  # some send it after a body
            del data[:2]
        end = data.find(_EMPTY_LINE, 0, MAX_HEAD)
        if end >= 0:
            block = bytes(data[:end])
            del data[: end + len(_EMPTY_LINE)]
            return block
        if len(data) < MAX_HEAD:
            return None
        if b"\r\n" not in data[:MAX_HEAD]:
            raise NotHttp(414, f"the head of a request has at most {MAX_HEAD} bytes")
        raise NotHttp(413, f"the head of a request has at most {MAX_HEAD} bytes")

    def _answer_one(self, block: bytes) -> bool:
        environ = self._environ.copy()
        head = read_head(block, environ)
        body = self._body(head, environ)
        exchange = Exchange(head, self._send, lambda: self._goes_on() and _is_short(body))
        try:
            exchange.run(self._application)
        except (ClientGone, TaskKilled):
            raise
        except Exception:  # noqa: BLE001 - whatever it is, other connections go on
            traceback.print_exc(file=sys.stderr)
            if not exchange.has_begun:
                self._send(_plain("500 Internal Server Error", "the application has failed"))
            return False
        if body is not None and not body.is_over:
            if exchange.keeps:
                body.readall()
            else:
                self._part()
        return exchange.keeps

    def _body(self, head: Head, environ: dict[str, Any]) -> Body | None:
        """Let an application read the body; return it where not all of it has come yet."""
        data, length = self._incoming.data, head.length
        if length is not None and length <= len(data):
            environ["wsgi.input"] = io.BytesIO(data[:length])
            del data[:length]
            return None
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self._send(_GO_ON)
        body = ChunkedBody(self._incoming) if length is None else LongBody(self._incoming, length)
        environ["wsgi.input"] = io.BufferedReader(body)
        return body

    def _refuse(self, error: NotHttp) -> None:
        try:
            self._send(_plain(error.status, str(error)))
        except ClientGone:
            return  # it does not want to know
        self._part()

    def _part(self) -> None:
        """Send no more; take what comes until the client has read the answer, and closes.

        A connection that is closed with something left to read takes back what was sent.
        """
        until = time.monotonic() + _FAREWELL
        try:
            self._socket.shutdown(socket.SHUT_WR)
            while (left := until - time.monotonic()) > 0 and self._is_ready(select.POLLIN, left):
                if not self._socket.recv(_AT_ONCE):
                    return
        except OSError:
            return  # the client has broken it off

    def _receive(self) -> bytes:
        while True:
            try:
                return self._socket.recv(_AT_ONCE)
            except BlockingIOError:
                self._wait(select.POLLIN)
            except OSError as error:
                raise ClientGone(*error.args) from error

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                self._wait(select.POLLOUT)
            except OSError as error:
                raise ClientGone(*error.args) from error

    def _wait(self, events: int) -> None:
        if not self._is_ready(events, PATIENCE):
            raise ClientGone(f"the client has done nothing for {PATIENCE:g} s")

    def _is_ready(self, events: int, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._socket, events)
        return bool(poll.poll(seconds * 1000))


def _is_short(body: Body | None) -> bool:
    """Whether what is left of a body is little enough to be read for the next request's sake."""
    return body is None or body.is_over or (body.left is not None and body.left <= _MOST_UNWANTED)


def _plain(status: str, told: str) -> bytes:
    body = f"{told}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
