"""``cellrig serve --database``: what clients have written is there when the service is again."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

HEADERS = {"X-Auth-Token": "admin", "OpenStack-API-Version": "placement 1.39"}
HOST = "00000000-0000-4000-8000-000000000001"


def uuid_of(number: int) -> str:
    return f"00000000-0000-4000-9000-{number:012d}"


def command(*arguments: str) -> list[str]:
    told = f"from cellrig.cli import main; main({['serve', *arguments]!r})"
    return [sys.executable, "-c", told]


def refused(*arguments: str) -> tuple[int, str]:
    """Run what must not start; return its exit status and what it says."""
    done = subprocess.run(  # noqa: S603 - our own text
        command(*arguments), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.returncode, done.stderr


class Service:
    """A running placement service."""

    def __init__(self, place: str) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own text
            command("--service", "placement", "--database", place), stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.url = msgspec.json.decode(self.process.stdout.readline())["url"]

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(method, f"{self.url}{path}", json=body, headers=HEADERS, timeout=30)

    def fill(self, total: int) -> None:
        """Create a host that has processors."""
        self("POST", "/resource_providers", {"name": "host", "uuid": HOST}).raise_for_status()
        body = {
            "resource_provider_generation": 0,
            "inventories": {"VCPU": {"total": total}},
        }
        self("PUT", f"/resource_providers/{HOST}/inventories", body).raise_for_status()

    def claim(self, number: int) -> int:
        """Claim one processor for a consumer; return the status."""
        body = {
            "allocations": {HOST: {"resources": {"VCPU": 1}}},
            "project_id": "project",
            "user_id": "user",
            "consumer_generation": None,
            "consumer_type": "INSTANCE",
        }
        return self("PUT", f"/allocations/{uuid_of(number)}", body).status_code

    def used(self) -> int:
        usages = self("GET", f"/resource_providers/{HOST}/usages").json()["usages"]
        return int(usages["VCPU"])

    def held(self, number: int) -> Any:
        return self("GET", f"/allocations/{uuid_of(number)}").json()["allocations"]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@pytest.fixture
def serve() -> Iterator[Callable[[str], Service]]:
    """Return what starts a service on a database and waits until it is ready."""
    started: list[Service] = []

    def start(place: str) -> Service:
        started.append(Service(place))
        return started[-1]

    yield start
    for service in started:
        service.process.kill()
        service.process.wait()
        assert service.process.stdout is not None
        service.process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_claimed_is_held_after_a_new_start(
    serve: Callable[[str], Service], tmp_path: Path, number: int
) -> None:
    place = tmp_path / "not" / "yet"
    service = serve(str(place))
    service.fill(2)
    assert service.claim(1) == 204
    assert service.end(number) == (0 if number == signal.SIGTERM else -number)
    service = serve(f"sqlite:///{place}")
    assert service.held(1)[HOST]["resources"] == {"VCPU": 1}
    assert (service.claim(2), service.claim(3)) == (204, 409)
    found = service("GET", "/allocation_candidates?resources=VCPU:1").json()
    assert found["allocation_requests"] == []


def test_what_was_answered_outlives_a_kill_in_the_middle_of_claims(
    serve: Callable[[str], Service], tmp_path: Path
) -> None:
    service = serve(str(tmp_path))
    service.fill(100_000)
    granted: list[int] = []
    enough = threading.Event()

    def claim(first: int) -> None:
        for number in range(first, first + 20_000):
            try:
                status = service.claim(number)
            except requests.RequestException:
                return
            assert status in {204, 409}  # 409: another was faster
            if status == 204:
                granted.append(number)
            if len(granted) >= 40:
                enough.set()

    clients = [threading.Thread(target=claim, args=(each * 20_000,)) for each in range(2)]
    for client in clients:
        client.start()
    assert enough.wait(timeout=60)
    service.end(signal.SIGKILL)
    for client in clients:
        client.join()
    service = serve(str(tmp_path))
    assert all(service.held(number) for number in granted)
    listed = service("GET", f"/resource_providers/{HOST}/allocations").json()["allocations"]
    assert service.used() == len(listed) >= len(granted)


def test_a_reset_empties_what_lasts(serve: Callable[[str], Service], tmp_path: Path) -> None:
    service = serve(str(tmp_path))
    service.fill(2)
    service.end(signal.SIGTERM)
    service = serve(str(tmp_path))
    assert service("POST", "/rig/reset").status_code == 204
    assert service("GET", "/resource_providers").json()["resource_providers"] == []
    service.end(signal.SIGKILL)
    service = serve(str(tmp_path))
    assert service("GET", "/resource_providers").json()["resource_providers"] == []
    service.fill(2)  # and it can be filled as if for the first time
    assert service.claim(1) == 204


def test_a_second_process_is_refused_and_disturbs_nothing(
    serve: Callable[[str], Service], tmp_path: Path
) -> None:
    service = serve(str(tmp_path))
    service.fill(2)
    status, told = refused("--service", "placement", "--database", str(tmp_path))
    assert status == 1
    assert told.endswith("placement.sqlite cannot be used: another process has it open\n")
    assert service.claim(1) == 204
    service.end(signal.SIGTERM)
    assert serve(str(tmp_path)).used() == 1


@pytest.mark.parametrize(
    "url", ["oracle://me:secret@host/db", "mariadb:me:secret://", "sqlite:///"]
)
def test_another_kind_of_database_is_refused_with_what_is_taken(url: str) -> None:
    status, told = refused("--service", "placement", "--database", url)
    assert status == 2
    assert "directory" in told
    assert "secret" not in told


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra: postgresql)")
    url = "postgresql://me:secret@127.0.0.1:1/db"
    for arguments in (["--service", "placement"], ["--state", str(tmp_path)]):
        status, told = refused(*arguments, "--database", url)
        assert status == 1
        assert "refuses connections" in told
        assert "secret" not in told
