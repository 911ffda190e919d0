"""What nobody should send to any face: each answer is one of 4xx, has a body, and comes quickly."""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.http.front_door import front_door
from cellrig.http.request_bodies import MAX_BODY
from cellrig.http.rig.doors import with_control
from cellrig.http.serving import HttpServer
from cellrig.http.sign_in import by_token_or_name

TOKEN = "admin"  # noqa: S105 - in the same process a name is a token

#: Something of each face that takes JSON, and that nobody is harmed by.
WRITES = {
    "compute": ("POST", "/compute/v2.1/os-keypairs"),
    "identity": ("POST", "/identity/v3/projects"),
    "image": ("POST", "/image/v2/images"),
    "network": ("POST", "/network/v2.0/networks"),
    "placement": ("POST", "/placement/resource_providers"),
    "volume": ("POST", "/volume/v3/volumes"),
    "rig": ("POST", "/rig/clock/advance"),
}
READS = {
    "compute": "/compute/v2.1/servers",
    "identity": "/identity/v3/users",
    "image": "/image/v2/images",
    "network": "/network/v2.0/ports",
    "placement": "/placement/resource_providers",
    "volume": "/volume/v3/volumes",
    "rig": "/rig/services",
}
#: Where a name or an id follows.
MEMBERS = {**READS, "placement": "/placement/traits", "rig": "/rig/snapshots"}

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Told(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Door:
    """A whole cloud with its control face, asked as a WSGI server would ask it."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, method: str, target: str, data: bytes = b"", **headers: str | None) -> Told:
        """Send one request whose target is not put in order by any client."""
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "rig",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "rig",
            "HTTP_X_AUTH_TOKEN": TOKEN,
            "CONTENT_LENGTH": str(len(data)),
            "CONTENT_TYPE": "application/json",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(data),
            "wsgi.errors": io.StringIO(),
        }
        for name, value in headers.items():
            environ.pop(name, None)
            environ |= {} if value is None else {name: value}
        started: list[Any] = []

        def start_response(status: str, fields: list[tuple[str, str]], _e: Any = None) -> None:
            started[:] = [int(status[:3]), {name.lower(): value for name, value in fields}]

        answer = self.application(environ, start_response)
        try:
            body = b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        return Told(started[0], started[1], body)


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with Rig(Topology(cells=[Cell("here", hosts=1)]), audit=False) as rig:
        cloud = front_door(rig, by_token_or_name(rig.identity))
        yield Door(with_control(rig, cloud, TOKEN))


def refused(told: Told, *allowed: int) -> None:
    assert 400 <= told.status < 500, told
    assert told.status in allowed or not allowed, told
    assert told.body.startswith(b"{"), told
    assert len(told.body) < 10_000


_DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "half": b'{"keypair": {"name": ',
    "more than one": b"{}{}",
    "no text": b"\xff\xfe\x00",
    "half a character": b'{"name": "\\ud800"}',
    "not a number": b'{"name": NaN}',
    "an endless number": b'{"seconds": 1e999}',
    "a huge number": b'{"seconds": ' + b"9" * 5000 + b"}",
    "deep arrays": b"[" * 100_000,
    "deep objects": _DEEP,
    "an array": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "true": b"true",
    "a number": b"0",
    "nothing in it": b"{}",
    "another thing": b'{"nonsense": {}}',
}


@pytest.mark.parametrize("kind", _BODIES)
@pytest.mark.parametrize("face", WRITES)
def test_bodies_that_do_not_fit(door: Door, face: str, kind: str) -> None:
    if face == "image" and kind == "nothing in it":
        return  # an image needs nothing
    refused(door(*WRITES[face], _BODIES[kind]), 400)


_ODD: tuple[bytes, ...] = (
    *(b"null", b"true", b"-1", b"1e30", b"10000000000000000000000", b"[]", b"{}", b'""'),
    *(b'"\\u0000"', b'"\\ud800"', b'"\xc3\xa9\xf0\x9f\x92\xa3\xe2\x80\xae"', b'["x"]'),
    b'"' + b"x" * 70_000 + b'"',
)
_FIELDS = {
    "compute": ("keypair", ("name", "type", "public_key", "user_id")),
    "identity": ("project", ("name", "domain_id", "enabled", "description")),
    "image": (None, ("name", "id", "visibility", "min_disk", "tags", "disk_format", "owner")),
    "network": ("network", ("name", "shared", "mtu", "admin_state_up", "project_id")),
    "placement": (None, ("name", "uuid", "parent_provider_uuid")),
    "volume": ("volume", ("size", "name", "imageRef", "metadata", "volume_type")),
    "rig": (None, ("seconds",)),
}


@pytest.mark.parametrize("face", WRITES)
def test_values_that_do_not_fit_end_in_no_server_error(door: Door, face: str) -> None:
    around, fields = _FIELDS[face]
    for field in fields:
        for value in _ODD:
            body = b'{"%s": %s}' % (field.encode(), value)
            if around is not None:
                body = b'{"%s": %s}' % (around.encode(), body)
            told = door(*WRITES[face], body)
            assert told.status < 500, (field, value[:40], told)


@pytest.mark.parametrize("face", WRITES)
def test_a_body_of_10_mb_is_too_large_and_is_not_read(door: Door, face: str) -> None:
    stream = io.BytesIO(b" " * 10_000_000)
    large: dict[str, Any] = {"CONTENT_LENGTH": "10000000", "wsgi.input": stream}
    refused(door(*WRITES[face], **large), 413)
    assert stream.tell() == 0
    refused(door(*WRITES[face], b" " * MAX_BODY), 400)


@pytest.mark.parametrize("face", WRITES)
def test_a_body_in_chunks_is_read_as_far_as_it_may_go(door: Door, face: str) -> None:
    chunks: dict[str, Any] = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": None}
    refused(door(*WRITES[face], b"[]", **chunks), 400)
    refused(door(*WRITES[face], b" " * (MAX_BODY + 2), **chunks), 413)


@pytest.mark.parametrize("face", WRITES)
def test_lengths_and_content_types_that_are_none(door: Door, face: str) -> None:
    for length in ("-1", "x", "1e3"):
        refused(door(*WRITES[face], b"{}", CONTENT_LENGTH=length), 400)
    for kind in ("text/plain", "application/xml", "multipart/form-data", "\x7f", "application/"):
        refused(door(*WRITES[face], b"{}", CONTENT_TYPE=kind), 415)
    refused(door(*WRITES[face], b"{}", CONTENT_TYPE=None), 400, 415)
    refused(door("GET", READS[face], b"", CONTENT_LENGTH="", HTTP_ACCEPT="image/png"), 406)


_SEGMENTS = (
    *("..%2f..%2f..%2fetc%2fpasswd", "%2e%2e", "%00", "%20", "%ff%fe", "%F0%9F%92%A3", "%"),
    *("'%20OR%201=1--", "%0d%0aX-Evil:%201", "{server_id}", "%7b0%7d", "x" * 6000, "*", ";a=b"),
)


@pytest.mark.parametrize("face", READS)
def test_paths_with_tricks(door: Door, face: str) -> None:
    base = MEMBERS[face]
    for segment in _SEGMENTS:
        for method in ("GET", "DELETE"):
            told = door(method, f"{base}/{segment}", b"", CONTENT_LENGTH="")
            refused(told)
            assert "x-evil" not in told.headers
    root = READS[face].split("/")[1]
    for path in (
        f"/{root}/../{root}",
        f"/{root}/%2e%2e/identity/v3/users",
        f"/{root}/nonsense",
        f"{base}//",
        f"{base}/../..",
        f"/{root}//v2.1//servers",
        f"/{root}" + "/x" * 3000,
    ):
        refused(door("GET", path, b"", CONTENT_LENGTH=""))


@pytest.mark.parametrize("path", ["", "/", "//", "/../compute", "/nonsense", "/%2fcompute", "/."])
def test_what_is_behind_no_face(door: Door, path: str) -> None:
    refused(door("GET", path, b"", CONTENT_LENGTH=""), 404)


_QUERIES = (
    *("%", "%zz=1", "limit=%00", "limit=" + "9" * 5000, "limit=-1", "limit=x", "marker=%ff"),
    *("=", "&&&", "a=b&" * 2000, "sort_key=%27", "sort_key=__class__", "sort_dir=up"),
    *("name=(", "name=%5B", "name=" + "(a%2B)" * 30 + "$", "changes-since=x", "a%00b=c"),
    *("resources=VCPU:", "member_of=in:", "in_tree=x", "fields=%00", "created_at=gt:x"),
    *("ip=(", "status=%00", "user_id=%00", "all_tenants=x", "id=in:%22"),
)


@pytest.mark.parametrize("face", READS)
def test_queries_that_make_no_sense_end_in_no_server_error(door: Door, face: str) -> None:
    for query in _QUERIES:
        told = door("GET", f"{READS[face]}?{query}", b"", CONTENT_LENGTH="")
        assert told.status < 500, (query[:60], told)


@pytest.mark.parametrize("face", READS)
def test_methods_that_there_are_not(door: Door, face: str) -> None:
    for method in ("TRACE", "PATCH", "CONNECT", "BREW", "get", "PROPFIND", "\u00e9"):
        refused(door(method, READS[face], b"", CONTENT_LENGTH=""))


@pytest.mark.parametrize("face", ["compute", "placement", "volume"])
def test_microversions_that_there_are_not(door: Door, face: str) -> None:
    # Microversions of another service are not meant for this one.
    name = "volume" if face == "volume" else face
    for version, status in (
        *(("99.99", 406), ("0.1", 406), ("2." + "9" * 400, 406), ("x", 400)),
        *(("2", 400), ("2.1.1", 400), ("-2.1", 406), ("2.\u0661", 400), ("latest latest", 400)),
    ):
        told = f"{name} {version}".encode().decode("latin-1")
        answer = door("GET", READS[face], b"", CONTENT_LENGTH="", HTTP_OPENSTACK_API_VERSION=told)
        refused(answer, status)


@pytest.mark.parametrize("token", ["", "\x00", "x" * 1000, "\xff", "' OR 1=1", "a:b:c"])
@pytest.mark.parametrize("face", ["identity", "rig"])
def test_tokens_that_are_none_open_nothing(door: Door, face: str, token: str) -> None:
    answer = door("GET", READS[face], b"", CONTENT_LENGTH="", HTTP_X_AUTH_TOKEN=token)
    refused(answer, 401, 403)


# -- through a server ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served() -> Iterator[HttpServer]:
    with (
        Rig(Topology(cells=[Cell("here", hosts=1)]), live=True, audit=False) as rig,
        HttpServer(front_door(rig, by_token_or_name(rig.identity)), "127.0.0.1", 0) as server,
    ):
        yield server


def spoken(server: HttpServer, said: bytes) -> bytes:
    """Say some bytes to the server and return the first line of what it answers."""
    url = urlsplit(server.url)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(said)
        return connection.makefile("rb").readline()


def test_the_server_refuses_what_is_no_http(served: HttpServer) -> None:
    host = b"Host: rig\r\nX-Auth-Token: admin\r\nContent-Type: application/json\r\n"
    path = WRITES["compute"][1].encode()
    for said, status in (
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"GET /compute/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + host + b"\r\n", b"404"),
        (b"GET " + path + b"?" + b"a" * 100_000 + b" HTTP/1.1\r\n" + host + b"\r\n", b"414"),
        (b"POST " + path + b" HTTP/1.1\r\n" + host + b"Content-Length: 10000000\r\n\r\n", b"413"),
        (b"POST " + path + b" HTTP/1.1\r\n" + host + b"Content-Length: x\r\n\r\n", b"400"),
        (
            b"POST " + path + b" HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n"
            b"zz\r\nnothing\r\n0\r\n\r\n",
            b"400",
        ),
        (
            b"POST " + path + b" HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n"
            b"2\r\n{}\r\n0\r\n\r\n",
            b"400",
        ),
    ):
        assert status in spoken(served, said), (said[:80], status)


def test_the_server_goes_on_after_all_this(served: HttpServer) -> None:
    url = urlsplit(served.url)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
    connection.request("GET", READS["compute"], headers={"X-Auth-Token": TOKEN})
    assert connection.getresponse().status == 200
    connection.close()
