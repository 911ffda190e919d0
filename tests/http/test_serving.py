"""Served over a socket, and asked in process without one."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import requests

from cellrig import Cell, Rig, Topology
from cellrig.errors import NotFound
from cellrig.http.serving import CannotServe, HttpServer
from cellrig.http.session import FaceSession

LATEST = {"X-Auth-Token": "admin", "OpenStack-API-Version": "placement 1.39"}


class Served:
    """A running ``cellrig serve``; its first line has been read."""

    def __init__(self, process: subprocess.Popen[bytes], line: bytes) -> None:
        self.process = process
        self.line = line
        self.url = str(msgspec.json.decode(line)["url"])

    def __call__(
        self, method: str, path: str, body: Any = None, **headers: str | None
    ) -> requests.Response:
        told = LATEST | {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, f"{self.url}{path}", json=body, headers=told, timeout=30)

    def end(self, number: int) -> tuple[int, bytes, bytes]:
        """Send a signal; return the exit status and what was written since."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


def command(*arguments: str) -> list[str]:
    told = f"from cellrig.cli import main; main({['serve', *arguments]!r})"
    return [sys.executable, "-c", told]


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Return what starts ``cellrig serve`` with arguments and waits until it is ready."""
    started = []

    def start(*arguments: str) -> Served:
        process = subprocess.Popen(  # noqa: S603 - our own text
            command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        return Served(process, process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.communicate()


def names(answer: requests.Response) -> list[str]:
    return [each["name"] for each in answer.json()["resource_providers"]]


def test_placement_alone_is_served_reset_and_stopped(serve: Callable[..., Served]) -> None:
    served = serve("--service", "placement")
    ready = {"ready": True, "url": served.url, "pid": served.process.pid}
    assert msgspec.json.decode(served.line) == ready
    assert served.url.startswith("http://127.0.0.1:")
    created = served("POST", "/resource_providers", {"name": "host"})
    assert created.json()["links"][0]["href"] == f"/resource_providers/{created.json()['uuid']}"
    assert names(served("GET", "/resource_providers")) == ["host"]
    assert served("POST", "/rig/reset").status_code == 204
    assert names(served("GET", "/resource_providers")) == []
    assert served("POST", "/resource_providers", {"name": "host"}).status_code == 200
    assert served("GET", "/rig/reset").status_code == 405
    assert served.end(signal.SIGTERM) == (0, b"", b"")


def test_a_reset_is_for_administrators(serve: Callable[..., Served]) -> None:
    served = serve("--service", "placement")
    served("POST", "/resource_providers", {"name": "host"})
    nobody = served("POST", "/rig/reset", X_Auth_Token=None)
    somebody = served("POST", "/rig/reset", X_Auth_Token="somebody")  # noqa: S106
    assert (nobody.status_code, somebody.status_code) == (401, 403)
    assert "X-Auth-Token" in nobody.json()["errors"][0]["detail"]
    assert "somebody" in somebody.json()["errors"][0]["detail"]
    assert names(served("GET", "/resource_providers")) == ["host"]


def test_a_port_in_use_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(  # noqa: S603 - our own text
            command("--service", "placement", "--port", port),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    told = f"cellrig: cannot serve on 127.0.0.1:{port}: Address already in use\n"
    assert done.stderr == told


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    from cellrig.cli import main

    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    assert "Example: cellrig serve --clouds-yaml" in capsys.readouterr().out


def shown(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with what was asked."""
    told = {name: value for name, value in environ.items() if isinstance(value, str)}
    size = int(environ.get("CONTENT_LENGTH") or 0)
    told["body"] = environ["wsgi.input"].read(size).decode()
    start_response("200 OK", [("Content-Type", "application/json"), ("X-Twice", "a")])
    return [msgspec.json.encode(told)]


def test_a_stopped_server_leaves_no_thread_and_no_port() -> None:
    before = set(threading.enumerate())
    with HttpServer(shown, "127.0.0.1", 0) as server, requests.Session() as session:
        assert session.get(f"{server.url}/a", timeout=30).json()["PATH_INFO"] == "/a"
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(CannotServe, match=f"127.0.0.1:{port}: Address already in use"):
            HttpServer(shown, "127.0.0.1", port)
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=30)


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(CannotServe, match=r"192\.0\.2\.1:0: "):
        HttpServer(shown, "192.0.2.1", 0)


# -- in process ----------------------------------------------------------------------------------


_COMPARED = (
    *("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"),
    *("CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_X_AUTH_TOKEN", "HTTP_USER_AGENT", "body"),
)


def test_a_request_reaches_the_application_as_over_a_socket() -> None:
    def asked(session: requests.Session, root: str) -> dict[str, Any]:
        session.headers["User-Agent"] = "test"
        answer = session.post(
            f"{root}/a%20b/%C3%BC",
            params=[("q", "1"), ("q", "ü&")],
            json={"x": 1},
            headers={"X-Auth-Token": "someone"},
            timeout=30,
        )
        assert (answer.status_code, answer.reason, answer.headers["x-twice"]) == (200, "OK", "a")
        told: dict[str, Any] = answer.json()
        kept: tuple[str, ...] = (
            "PATH_INFO",
            "QUERY_STRING",
            "REQUEST_METHOD",
            "SCRIPT_NAME",
            "CONTENT_TYPE",
        )
        kept += ("CONTENT_LENGTH", "HTTP_X_AUTH_TOKEN", "HTTP_USER_AGENT", "body")
        return {name: told[name] for name in kept}

    with HttpServer(shown, "127.0.0.1", 0) as server, requests.Session() as session:
        over_a_socket = asked(session, server.url)
    assert asked(FaceSession(shown, "http://face.rig"), "") == over_a_socket


def test_a_rig_is_asked_without_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(*_args: Any, **_more: Any) -> Any:
        raise AssertionError("a socket was opened")

    with Rig(Topology(cells=[Cell("cell1", 2)])) as rig:
        monkeypatch.setattr(socket, "socket", no_socket)
        session = rig.session("placement")
        assert names(session.get("/resource_providers")) == list(rig.host_names)
        found = session.get("http://placement.rig/resource_providers?name=cell1-host2")
        assert names(found) == ["cell1-host2"]
        made = session.post("/resource_providers", json={"name": "new"})
        assert made.headers["Location"].startswith("http://placement.rig/resource_providers/")
        assert session.delete(made.headers["Location"]).status_code == 204
        assert session.get("/usages", headers={"X-Auth-Token": None}).status_code == 401
        with pytest.raises(requests.exceptions.InvalidSchema):
            session.get("http://elsewhere.example/")


def test_a_face_that_a_rig_does_not_have_is_told() -> None:
    with Rig() as rig, pytest.raises(NotFound, match=r"weather .there are: .*placement"):
        rig.session("weather")


def test_a_missing_extra_is_named() -> None:
    told = (
        "import sys; sys.modules['requests'] = None\n"
        "from cellrig import Rig\n"
        "from cellrig.errors import ExtraMissing\n"
        "try:\n    Rig().start().session('placement')\n"
        "except ExtraMissing as error:\n    print(error)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True
    )
    assert "requests" in done.stdout
    assert done.stdout.endswith(
        "install Cellrig with its extra 'http' (pip install 'cellrig[http]')\n"
    )
