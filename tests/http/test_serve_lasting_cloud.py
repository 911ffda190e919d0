"""``cellrig serve --database``: a cloud goes on where the process before was ended, or killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
import yaml

TOKEN = "control"  # noqa: S105
TOPOLOGY = "cells: [{name: here, hosts: 3}]\nnetworks: [{name: private, subnets: [10.0.0.0/24]}]\n"
PATIENCE = 60.0
HEADERS = {"OpenStack-API-Version": "compute 2.79"}


class Served:
    """A running cloud that lasts, as its administrator sees it."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self._clouds = home / "clouds.yaml"
        given = ("serve", "--topology", str(home / "cloud.yaml"), "--database", str(home / "kept"))
        files = ("--clouds-yaml", str(self._clouds), "--control", "--control-token", TOKEN)
        told = f"from cellrig.cli import main; main({[*given, *files, *arguments]!r})"
        self.process = subprocess.Popen(  # noqa: S603 - our own text
            [sys.executable, "-c", told], stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.url = str(msgspec.json.decode(self.process.stdout.readline())["url"])
        self.token = ""

    def password(self, user: str) -> str:
        name = "cellrig" if user == "admin" else f"cellrig-{user}"
        return str(yaml.safe_load(self._clouds.read_text())["clouds"][name]["auth"]["password"])

    def sign_in(self, user: str) -> str:
        who = {"name": user, "domain": {"id": "default"}, "password": self.password(user)}
        scope = {"project": {"name": user, "domain": {"id": "default"}}}
        identity = {"methods": ["password"], "password": {"user": who}}
        body = {"auth": {"identity": identity, "scope": scope}}
        answer = requests.post(f"{self.url}/identity/v3/auth/tokens", json=body, timeout=PATIENCE)
        answer.raise_for_status()
        self.token = answer.headers["X-Subject-Token"]
        return self.token

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        token = TOKEN if path.startswith("/rig/") else self.token
        return requests.request(
            method,
            self.url + path,
            json=body,
            headers={**HEADERS, "X-Auth-Token": token},
            timeout=PATIENCE,
        )

    def boot(self, name: str) -> str:
        (image,) = (each["id"] for each in self("GET", "/image/v2/images").json()["images"])
        body = {
            "server": {
                "name": name,
                "imageRef": image,
                "flavorRef": self("GET", "/compute/v2.1/flavors").json()["flavors"][0]["id"],
                "networks": "auto",
            }
        }
        answer = self("POST", "/compute/v2.1/servers", body)
        answer.raise_for_status()
        return str(answer.json()["server"]["id"])

    def server(self, server: str) -> dict[str, Any]:
        shown: dict[str, Any] = self("GET", f"/compute/v2.1/servers/{server}").json()["server"]
        return shown

    def active(self, name: str) -> str:
        server = self.boot(name)
        wait_until(lambda: self.server(server)["status"] == "ACTIVE")
        return server

    def hold(self, seam: str) -> Callable[[], bool]:
        """Keep the next call at a seam; return what tells whether it has come."""
        fault = {"do": "hold", "seam": seam, "times": 1}
        id_ = self("POST", "/rig/faults", {"fault": fault}).json()["fault"]["id"]
        return lambda: bool(self("GET", f"/rig/faults/{id_}").json()["fault"]["fired"])

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE)


def wait_until(is_so: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(0.05)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Return what serves the cloud of this test and waits until it is ready."""
    (tmp_path / "cloud.yaml").write_text(TOPOLOGY)
    started: list[Served] = []

    def start(*arguments: str) -> Served:
        started.append(Served(tmp_path, *arguments))
        return started[-1]

    yield start
    for served in started:
        served.process.kill()
        served.process.wait()
        assert served.process.stdout is not None
        served.process.stdout.close()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str]:
    """Start what must not start; return its exit status and what it says."""
    from cellrig.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["serve", *arguments])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return ended.value.code, err


def test_a_killed_cloud_goes_on_and_ends_what_was_under_way(
    serve: Callable[..., Served], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = serve("--password", "demo=secret")
    token = cloud.sign_in("admin")
    kept, moving, going = (cloud.active(name) for name in ("kept", "moving", "going"))
    source = cloud.server(moving)["OS-EXT-SRV-ATTR:host"]
    address = cloud.server(kept)["addresses"]
    volume = cloud("POST", "/volume/v3/volumes", {"volume": {"size": 1}}).json()["volume"]["id"]
    attachments = f"/compute/v2.1/servers/{kept}/os-volume_attachments"
    cloud("POST", attachments, {"volumeAttachment": {"volumeId": volume}}).raise_for_status()
    wait_until(lambda: status_of(cloud, volume) == "in-use")
    providers = names_of_providers(cloud)

    held = [cloud.hold("driver.spawn"), cloud.hold("driver.finish_migration")]
    half = cloud.boot("half-built")
    cloud("POST", f"/compute/v2.1/servers/{moving}/action", {"migrate": None}).raise_for_status()
    wait_until(lambda: all(is_held() for is_held in held))
    held.append(cloud.hold("driver.destroy"))
    cloud("DELETE", f"/compute/v2.1/servers/{going}").raise_for_status()
    wait_until(held[-1])
    before = cloud.password("admin")
    assert cloud.end(signal.SIGKILL) == -signal.SIGKILL

    cloud = serve()
    assert cloud.password("admin") == before
    assert cloud.password("demo") == "secret"
    cloud.token = token
    assert cloud("GET", "/rig/audit").json() == {"findings": []}
    assert cloud.server(kept)["status"] == "ACTIVE"
    assert cloud.server(kept)["addresses"] == address
    assert [each["volumeId"] for each in cloud("GET", attachments).json()["volumeAttachments"]] == [
        volume
    ]
    assert cloud.server(half)["status"] == "ERROR"
    assert cloud.server(moving)["status"] == "ACTIVE"
    assert cloud.server(moving)["OS-EXT-SRV-ATTR:host"] == source
    assert cloud("GET", f"/compute/v2.1/servers/{going}").status_code == 404
    assert names_of_providers(cloud) == providers
    reboot = {"reboot": {"type": "HARD"}}
    cloud("POST", f"/compute/v2.1/servers/{moving}/action", reboot).raise_for_status()
    wait_until(lambda: cloud.server(moving)["OS-EXT-STS:task_state"] is None)

    # A reset brings back this start, not the first one.
    cloud.sign_in("demo")
    new = cloud.active("new")
    assert cloud("POST", "/rig/reset").status_code == 204
    cloud.token = token
    assert cloud("GET", f"/compute/v2.1/servers/{new}").status_code == 404
    assert cloud.server(kept)["status"] == "ACTIVE"
    assert cloud("GET", "/rig/audit").json() == {"findings": []}

    here = ("--topology", str(tmp_path / "cloud.yaml"), "--database", str(tmp_path / "kept"))
    status, told = refused(capsys, *here)
    assert status == 1
    assert told.endswith("rig.sqlite cannot be used: another process has it open\n")
    assert cloud.server(kept)["status"] == "ACTIVE"
    assert cloud.end(signal.SIGTERM) == 0
    (tmp_path / "cloud.yaml").write_text(TOPOLOGY.replace("3", "2", 1))
    status, told = refused(capsys, *here)
    assert status == 2
    assert told.endswith("that is there: host 'here-host3' of cell 'here' is missing\n")


def status_of(cloud: Served, volume: str) -> str:
    return str(cloud("GET", f"/volume/v3/volumes/{volume}").json()["volume"]["status"])


def names_of_providers(cloud: Served) -> list[str]:
    providers = cloud("GET", "/placement/resource_providers").json()["resource_providers"]
    return sorted(each["name"] for each in providers)


def test_a_password_that_its_user_has_changed_is_not_guessed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from cellrig.cli.served_accounts import (
        accounts,
        check_known,
        keep_passwords,
        kept_passwords,
        open_accounts,
    )
    from cellrig.errors import Invalid
    from cellrig.rig import Rig

    with Rig() as rig:
        identity = rig.identity
        people = open_accounts(identity, accounts({}, {}), {})
        keep_passwords(tmp_path, people)
        assert open_accounts(identity, accounts({}, kept_passwords(tmp_path)), {}) == people
        user = identity.users.find(domain_id="default", name="demo")
        assert user is not None
        identity.set_password(user, "their own")
        people = open_accounts(identity, accounts({}, kept_passwords(tmp_path)), {})
        with pytest.raises(Invalid, match="demo has changed the password, .* --password demo="):
            check_known(people)
        given = {"demo": "another"}
        check_known(open_accounts(identity, accounts(given, kept_passwords(tmp_path)), given))


def test_a_cloud_on_a_server_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = refused(capsys, "--database", "postgresql://me:secret@127.0.0.1:1/db")
    assert status == 2
    assert "--state DIR" in told
    assert "secret" not in told
