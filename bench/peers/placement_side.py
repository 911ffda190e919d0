"""One side of the comparison of placement services: a cloud, and a WSGI application that is timed.

`bench.placement` talks to it: a verb and its argument as JSON a line on stdin, the result a line on
stdout. Only the standard library is used, because the peer has an interpreter of its own.
"""

import hashlib
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TextIO
from uuid import UUID

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

PUBLIC, STORAGE = "CUSTOM_PHYSNET_PUBLIC", "CUSTOM_PHYSNET_STORAGE"
_HOST = {"VCPU": 64, "MEMORY_MB": 262144, "DISK_GB": 4000}
_CARD = {"SRIOV_NET_VF": 8}


class Planned(NamedTuple):
    """One provider: `parent` is a uuid; of each class in `totals` it has so much."""

    uuid: str
    name: str
    parent: str | None
    totals: dict[str, int]
    traits: tuple[str, ...]


def uuid_of(host: int, place: int) -> str:
    """Return the uuid of a provider: 0 is the host, 1 and 2 its NUMA nodes, 3 to 6 its cards."""
    return str(UUID(int=(host + 1) << 8 | place, version=4))


def tree(host: int) -> Iterator[Planned]:
    """Yield the 7 providers of a host, parents first; each node has a card on each network."""
    root = uuid_of(host, 0)
    yield Planned(root, f"host-{host}", None, _HOST, ())
    for node in (1, 2):
        yield Planned(uuid_of(host, node), f"host-{host}-numa{node}", root, {}, ())
    for card in range(4):
        parent, network = uuid_of(host, 1 + card // 2), (PUBLIC, STORAGE)[card % 2]
        yield Planned(uuid_of(host, 3 + card), f"host-{host}-card{card}", parent, _CARD, (network,))


def serve(verbs: Mapping[str, Callable[[Any], Any]], stdout: TextIO) -> None:
    """Answer the lines on stdin until it ends."""
    for line in sys.stdin:
        verb, argument = json.loads(line)
        print(json.dumps(verbs[verb](argument)), file=stdout, flush=True)


def asking(application: Application) -> Callable[[Any], Any]:
    """Return the verb ``ask``: puts requests to an application, one after the other.

    A request is ``[method, path and query, body or null, whether a digest is wanted]``; what comes
    back is ``[seconds, seconds of processor, status, bytes, digest or null]``.
    """
    return lambda requests: [_timed(application, *each) for each in requests]


def ask(application: Application, method: str, target: str, body: bytes) -> tuple[int, bytes]:
    """Put one request to an application; return its status and body."""
    path, _, query = target.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "bench.test",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "bench.test",
        "HTTP_ACCEPT": "application/json",
        "HTTP_X_AUTH_TOKEN": "admin",
        "HTTP_OPENSTACK_API_VERSION": "placement 1.36",
        "CONTENT_TYPE": "application/json" if body else "",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    told: list[str] = []

    def start_response(status: str, _headers: object, _error: object = None) -> None:
        told.append(status)

    answer = application(environ, start_response)
    try:
        content = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    return int(told[-1].partition(" ")[0]), content


def _timed(
    application: Application, method: str, target: str, body: object, digest: bool
) -> list[Any]:
    data = b"" if body is None else json.dumps(body).encode()
    wall, cpu = time.perf_counter(), time.process_time()
    status, content = ask(application, method, target, data)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if status >= 300:
        print(f"{method} {target}: {status} {content[:500]!r}", file=sys.stderr)
    return [wall, cpu, status, len(content), _digest(content) if digest else None]


def _digest(content: bytes) -> str:
    """Return the same for answers that say the same, in whatever order."""
    value = json.loads(content)
    value["allocation_requests"].sort(key=lambda each: json.dumps(each, sort_keys=True))
    for summary in value["provider_summaries"].values():
        summary["traits"].sort()
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def keep_stdout_for_the_report() -> TextIO:
    """Send what anybody else writes to stdout to stderr; return the real stdout."""
    real = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return real
