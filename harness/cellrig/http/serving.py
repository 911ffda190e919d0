"""A WSGI application behind a socket.

The server is cheroot: threads, connections that are kept open, and a stop that ends both.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from cellrig.errors import CellrigError, ExtraMissing

try:
    from cheroot.wsgi import Server
except ModuleNotFoundError as error:
    raise ExtraMissing("serving", error.name, "http") from error

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_THREADS = 10
_BACKLOG = 128
#: Seconds that requests have to end when the server stops.
_SHUTDOWN = 5
#: The most bytes that the headers of a request have, its path and query among them.
_MAX_HEADERS = 64 * 1024


class CannotServe(CellrigError):
    """An address cannot be listened on.

    Args: host, port, why not.
    """

    template = "cannot serve on {0}:{1}: {2}"


class _Server(Server):
    """Tells why no socket could be bound, and closes the one that could not."""

    refusal: OSError | None = None

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:  # noqa: A002
        try:
            bound: socket.socket = super().bind(family, type, proto)
        except OSError as error:
            self.refusal = error
            raise
        return bound

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        try:
            socket_.bind(bind_addr)
        except OSError:
            socket_.close()
            raise
        return socket_


class HttpServer:
    """Serves one application from construction to `stop`; a context manager that stops.

    Args:
        application: called from several threads.
        host: name or address to listen on.
        port: 0 for one that is free.

    Attributes:
        url: the server's root, without a slash at the end.

    Raises:
        CannotServe: the port is in use, or is not ours to use, or there is no such host.
    """

    def __init__(self, application: Application, host: str, port: int) -> None:
        self._server = _Server(
            (host, port),
            application,
            numthreads=_THREADS,
            request_queue_size=_BACKLOG,
            shutdown_timeout=_SHUTDOWN,
        )
        self._server.max_request_header_size = _MAX_HEADERS
        try:
            self._server.prepare()
        except OSError as error:
            reason = self._server.refusal or error
            raise CannotServe(host, port, reason.strerror or reason) from error
        real = self._server.bind_addr[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{real}"
        self._thread = threading.Thread(target=self._server.serve, name="cellrig http")
        self._thread.start()

    def wait(self) -> None:
        """Wait until the server ends; a signal handler that raises ends the wait."""
        self._thread.join()

    def stop(self) -> None:
        """Let what is being answered come to its end, then close everything."""
        self._server.stop()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
