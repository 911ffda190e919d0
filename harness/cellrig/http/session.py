"""A `requests.Session` that asks a WSGI application in the same process, without a socket.

Nothing global is patched: the application is a transport adapter of one session.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from cellrig.errors import ExtraMissing
from cellrig.http.auth import ADMINISTRATOR, TOKEN_HEADER

try:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPHeaderDict, HTTPResponse
except ModuleNotFoundError as error:
    raise ExtraMissing("a session of a rig", error.name, "http") from error

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class FaceSession(requests.Session):
    """A session in which one host exists, and that is the application.

    Every request carries the token; give ``headers={"X-Auth-Token": ...}`` to be somebody else,
    with None to have no token. A URL that begins with a slash is below `base_url`.

    Args:
        application: answers the requests.
        base_url: where it is reached, for example ``http://placement.rig``; no slash at the end.
        token: of the caller; see `cellrig.http.auth`.
    """

    def __init__(
        self, application: Application, base_url: str, *, token: str = ADMINISTRATOR
    ) -> None:
        super().__init__()
        self.base_url = base_url
        self.trust_env = False  # no proxy and no .netrc stands between
        self.adapters.clear()  # any other address is refused, and never reaches a network
        self.mount(f"{base_url}/", WsgiAdapter(application))
        self.headers[TOKEN_HEADER] = token

    def request(  # type: ignore[override]
        self, method: str, url: str, *args: Any, **options: Any
    ) -> requests.Response:
        """Send a request; as in `requests.Session`."""
        full = f"{self.base_url}{url}" if url.startswith("/") else url
        return super().request(method, full, *args, **options)


class WsgiAdapter(HTTPAdapter):
    """Lets a WSGI application answer (PEP 3333)."""

    def __init__(self, application: Application) -> None:
        super().__init__()
        self._application = application

    def send(
        self, request: requests.PreparedRequest, *_options: Any, **_more: Any
    ) -> requests.Response:
        """Return the application's answer; what it raises is raised to the caller."""
        status = ""
        headers: list[tuple[str, str]] = []
        chunks: list[bytes] = []

        def start_response(
            told: str, fields: list[tuple[str, str]], _error: Any = None
        ) -> Callable[[bytes], None]:
            nonlocal status
            status = told
            headers[:] = fields
            return chunks.append

        answer = self._application(_environ(request), start_response)
        try:
            chunks.extend(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        code, _, reason = status.partition(" ")
        raw = HTTPResponse(
            body=io.BytesIO(b"".join(chunks)),
            headers=HTTPHeaderDict(headers),
            status=int(code),
            reason=reason,
            preload_content=False,
            request_method=request.method,
        )
        return self.build_response(request, raw)


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    url = urlsplit(str(request.url))
    body = _bytes(request.body)
    environ = {
        "REQUEST_METHOD": str(request.method),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path).decode("latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(url.port or (443 if url.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ |= _headers(request.headers)
    environ.pop("HTTP_TRANSFER_ENCODING", None)  # the body is whole: nothing comes in chunks
    environ["CONTENT_LENGTH"] = str(len(body)) if body or "CONTENT_LENGTH" in environ else ""
    return environ


def _headers(headers: Mapping[str, str | bytes]) -> dict[str, str]:
    told = {}
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        told[key] = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return told


def _bytes(body: Any) -> bytes:
    """Return a request's body, which may also be text, a file or come in parts."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    return b"".join(part.encode() if isinstance(part, str) else part for part in body)
