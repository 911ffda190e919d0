"""A WSGI application behind a socket; how is in `cellrig.http.wire`."""

from __future__ import annotations

import socket
import sys
from types import TracebackType
from typing import Any, Self

from cellrig.errors import CellrigError
from cellrig.http.wire.answers import Application
from cellrig.http.wire.connection import Connection
from cellrig.http.wire.crew import Crew

_BACKLOG = 128
#: Seconds that requests have to end when the server stops.
_SHUTDOWN = 5.0


class CannotServe(CellrigError):
    """An address cannot be listened on.

    Args: host, port, why not.
    """

    template = "cannot serve on {0}:{1}: {2}"


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
        try:
            listener = _listening(host, port)
        except OSError as error:
            raise CannotServe(host, port, error.strerror or error) from error
        real = listener.getsockname()[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{real}"
        common: dict[str, Any] = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(real),
            "SERVER_SOFTWARE": "cellrig",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.input_terminated": True,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

        def connect(accepted: socket.socket, address: Any) -> Connection:
            client = {"REMOTE_ADDR": str(address[0]), "REMOTE_PORT": str(address[1])}
            return Connection(accepted, application, common | client, crew.goes_on)

        crew = self._crew = Crew(listener, connect)
        crew.start()

    def wait(self) -> None:
        """Wait until the server ends; a signal handler that raises ends the wait."""
        self._crew.wait()

    def stop(self) -> None:
        """Let what is being answered come to its end, then close everything."""
        self._crew.stop(_SHUTDOWN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens, on the first address of a host that can be had."""
    refusal = OSError(f"there is no address of {host}")
    for family, kind, proto, _name, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        listener = socket.socket(family, kind, proto)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            refusal = error
        else:
            return listener
    raise refusal
