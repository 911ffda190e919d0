"""HTTP/1.1 as the server speaks it, byte by byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from cellrig.http.serving import HttpServer

HOST = b"Host: rig\r\n"


class Echo:
    """Answers with the body, and with what its path asks for."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.closed = 0

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        fields = [("X-Path", path), ("X-Twice", environ.get("HTTP_X_TWICE", ""))]
        if path == "/wait":
            self.entered.set()
            self.gate.wait(30)
        if path == "/fails":
            raise RuntimeError("on purpose")
        if path == "/splits":
            fields.append(("X-Evil", "a\r\nX-More: b"))
        if path == "/unread":
            start_response("403 Forbidden", fields)
            return [b"no"]
        if path == "/parts":
            start_response("200 OK", fields)
            return self.parts()
        if path == "/empty":
            start_response("204 No Content", fields)
            return []
        body = environ["wsgi.input"].read()
        start_response("200 OK", fields)
        return [body]

    def parts(self) -> Iterator[bytes]:
        try:
            yield b"one"
            yield b""
            yield b"two"
        finally:
            self.closed += 1


class Talk:
    """A connection on which bytes are said and answers are read."""

    def __init__(self, server: HttpServer) -> None:
        url = urlsplit(server.url)
        self.socket = socket.create_connection((url.hostname, url.port), timeout=30)
        self._reader = self.socket.makefile("rb")

    def say(self, *said: bytes) -> None:
        self.socket.sendall(b"".join(said))

    def hear(self, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        status = int(self._reader.readline().split()[1])
        fields = {}
        while line := self._reader.readline().strip():
            name, _, value = line.decode().partition(":")
            fields[name.lower()] = value.strip()
        if method == "HEAD" or status in (100, 204):
            return status, fields, b""
        if "content-length" in fields:
            return status, fields, self._reader.read(int(fields["content-length"]))
        body = b""
        if "transfer-encoding" not in fields:
            return status, fields, self._reader.read()
        while size := int(self._reader.readline(), 16):
            body += self._reader.read(size)
            self._reader.readline()
        self._reader.readline()
        return status, fields, body

    def close(self) -> None:
        self._reader.close()
        self.socket.close()

    def is_over(self) -> bool:
        return self._reader.read(1) == b""


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def server(echo: Echo) -> Iterator[HttpServer]:
    with HttpServer(echo, "127.0.0.1", 0) as running:
        yield running
        echo.gate.set()


@pytest.fixture
def talk(server: HttpServer) -> Iterator[Talk]:
    talk = Talk(server)
    yield talk
    talk.close()


def test_a_connection_goes_on_and_requests_may_come_together(talk: Talk) -> None:
    for _ in range(2):
        talk.say(b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n", HOST, b"\r\nhi")
        status, fields, body = talk.hear()
        assert (status, fields["x-path"], body) == (200, "/a", b"hi")
        assert "connection" not in fields
    one = b"POST /%d HTTP/1.1\r\nContent-Length: 1\r\n\r\n%d"
    talk.say(*(one % (n, n) for n in range(3)))
    assert [talk.hear()[2] for _ in range(3)] == [b"0", b"1", b"2"]


def test_a_request_may_come_byte_by_byte(talk: Talk) -> None:
    for byte in b"POST /slow HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
        talk.say(bytes([byte]))
    assert talk.hear()[2] == b"abc"


def test_chunks_have_extensions_and_trailers(talk: Talk) -> None:
    talk.say(b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    talk.say(b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-End: 1\r\n\r\n")
    assert talk.hear()[2] == b"abc0123456789"
    talk.say(b"GET /next HTTP/1.1\r\n\r\n")
    assert talk.hear()[1]["x-path"] == "/next"


def test_a_long_body_is_announced_and_taken(talk: Talk) -> None:
    long = b"x" * 300_000
    talk.say(b"POST /l HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 300000\r\n\r\n")
    assert talk.hear()[0] == 100
    talk.say(long)
    assert talk.hear()[2] == long


def test_the_client_says_whether_the_connection_goes_on(server: HttpServer) -> None:
    for said, lasts in (
        (b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n", False),
        (b"GET /a HTTP/1.0\r\n\r\n", False),
        (b"GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", True),
    ):
        talk = Talk(server)
        talk.say(said)
        told = talk.hear()[1]["connection"]
        assert (told == "keep-alive") is lasts
        if lasts:
            talk.say(said)
            assert talk.hear()[0] == 200
        else:
            assert talk.is_over()
        talk.close()


def test_answers_of_unknown_length_come_in_chunks(talk: Talk, server: HttpServer) -> None:
    talk.say(b"GET /parts HTTP/1.1\r\n\r\n")
    _status, fields, body = talk.hear()
    assert (fields["transfer-encoding"], body) == ("chunked", b"onetwo")
    old = Talk(server)
    old.say(b"GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert old.hear()[2] == b"onetwo"
    old.close()


def test_what_has_no_body_has_no_length(talk: Talk) -> None:
    talk.say(b"HEAD /a HTTP/1.1\r\n\r\nGET /empty HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
    assert talk.hear("HEAD")[0] == 200
    status, fields, _body = talk.hear()
    assert status == 204
    assert "content-length" not in fields
    assert talk.hear()[1]["x-path"] == "/b"


def test_a_short_body_that_nobody_reads_keeps_the_connection_a_long_one_ends_it(
    talk: Talk,
) -> None:
    talk.say(b"POST /unread HTTP/1.1\r\nContent-Length: 4\r\n\r\n")
    assert talk.hear()[::2] == (403, b"no")
    talk.say(b"bodyGET /after HTTP/1.1\r\n\r\n")
    assert talk.hear()[1]["x-path"] == "/after"
    talk.say(b"POST /unread HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n", b"x" * 200_000)
    status, fields, _body = talk.hear()
    assert (status, fields["connection"]) == (403, "close")
    assert talk.is_over()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"GET / HTTP/1.1\nHost: rig\n\n\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\x00\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\n\r\n", 400),
        (b"GET nothing HTTP/1.1\r\n\r\n", 400),
        (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400),
        (b"GET /#a HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / FTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000 + b"\r\n\r\n", 413),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(talk: Talk, said: bytes, status: int) -> None:
    talk.say(said)
    told, fields, body = talk.hear()
    assert (told, fields["connection"], body[-1:]) == (status, "close", b"\n")
    assert talk.is_over()


def test_names_with_underscores_are_not_taken_for_others(talk: Talk) -> None:
    talk.say(
        b"GET / HTTP/1.1\r\nX_Twice: evil\r\n\r\nGET / HTTP/1.1\r\nX-Twice: a\r\nX-twice: b\r\n\r\n"
    )
    assert talk.hear()[1]["x-twice"] == ""
    assert talk.hear()[1]["x-twice"] == "a, b"


def test_paths_are_unquoted_but_for_slashes(talk: Talk) -> None:
    talk.say(b"GET /a%20b%2Fc?d%20e HTTP/1.1\r\n\r\n")
    assert talk.hear()[1]["x-path"] == "/a b%2Fc"


def test_an_application_that_fails_costs_one_connection(
    talk: Talk, server: HttpServer, capfd: pytest.CaptureFixture[str]
) -> None:
    talk.say(b"GET /fails HTTP/1.1\r\n\r\n")
    assert talk.hear()[0] == 500
    assert talk.is_over()
    assert "on purpose" in capfd.readouterr().err
    other = Talk(server)
    other.say(b"GET /splits HTTP/1.1\r\n\r\n")
    assert other.is_over()
    assert "more than one line" in capfd.readouterr().err
    other.close()


def test_a_request_that_waits_holds_up_no_other(talk: Talk, server: HttpServer, echo: Echo) -> None:
    held = [Talk(server) for _ in range(12)]
    for each in held:
        each.say(b"GET /wait HTTP/1.1\r\n\r\n")
    assert echo.entered.wait(30)
    talk.say(b"GET /a HTTP/1.1\r\n\r\n")
    assert talk.hear()[1]["x-path"] == "/a"
    echo.gate.set()
    for each in held:
        assert each.hear()[0] == 200
        each.say(b"GET /again HTTP/1.1\r\n\r\n")
        assert each.hear()[1]["x-path"] == "/again"
        each.close()


def test_more_clients_than_connections_are_all_answered(server: HttpServer) -> None:
    talks = [Talk(server) for _ in range(600)]
    for each in talks:
        each.say(b"GET /a HTTP/1.1\r\n\r\n")
    for each in talks:
        assert each.hear()[0] == 200
        each.close()


def test_a_stop_lets_an_answer_be_sent(echo: Echo) -> None:
    with HttpServer(echo, "127.0.0.1", 0) as server:
        idle, talk = Talk(server), Talk(server)
        talk.say(b"GET /wait HTTP/1.1\r\n\r\n")
        assert echo.entered.wait(30)
        threading.Timer(0.2, echo.gate.set).start()
    assert talk.hear()[1]["connection"] == "close"
    assert talk.is_over()
    assert idle.is_over()
    talk.close()
    idle.close()
