"""``cellrig serve``: a cloud on a port, and how clients are told to sign in."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import openstack
import pytest
import requests
import yaml

pytestmark = pytest.mark.filterwarnings(r"ignore:::openstack\..*")


class Cloud:
    """A running ``cellrig serve``, with the files that it has written."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.openrc, self.clouds_yaml = directory / "openrc", directory / "clouds.yaml"
        files = ("--openrc", str(self.openrc), "--clouds-yaml", str(self.clouds_yaml))
        told = f"from cellrig.cli import main; main({['serve', *files, *arguments]!r})"
        self.process = subprocess.Popen(  # noqa: S603 - our own text
            [sys.executable, "-c", told], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.url = str(msgspec.json.decode(self.process.stdout.readline())["url"])

    def connect(self, name: str) -> openstack.connection.Connection:
        """Sign in as one of the clouds of clouds.yaml."""
        loader = openstack.config.OpenStackConfig(config_files=[str(self.clouds_yaml)])
        return openstack.connection.Connection(config=loader.get_one(name))

    def end(self) -> tuple[int, bytes, bytes]:
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Cloud]]:
    started = []

    def start(*arguments: str) -> Cloud:
        started.append(Cloud(tmp_path, *arguments))
        return started[-1]

    yield start
    for cloud in started:
        cloud.process.kill()
        cloud.process.communicate()


def test_a_cloud_is_served_to_who_signs_in_as_its_files_say(serve: Callable[..., Cloud]) -> None:
    cloud = serve()
    for path in (cloud.openrc, cloud.clouds_yaml):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    admin, demo = cloud.connect("cellrig"), cloud.connect("cellrig-demo")
    assert len(list(admin.compute.hypervisors())) == 6
    assert {flavor.name for flavor in demo.compute.flavors()} >= {"m1.tiny", "m1.small"}
    with pytest.raises(openstack.exceptions.ForbiddenException):
        list(demo.compute.hypervisors())
    cards = {"CUSTOM_PHYSNET_PUBLIC"}
    wired = [
        provider.name
        for provider in admin.placement.resource_providers()
        if cards <= traits_of(admin, provider.id)
    ]
    assert [name.split("_")[0] for name in wired] == ["cell1-host1", "cell2-host1"]
    assert cloud.end() == (0, b"", b"")


def traits_of(connection: Any, provider: str) -> set[str]:
    headers = {"OpenStack-API-Version": "placement 1.6"}
    path = f"/resource_providers/{provider}/traits"
    return set(connection.placement.get(path, headers=headers).json()["traits"])


def test_openrc_signs_a_shell_in_as_whom_it_wants(serve: Callable[..., Cloud]) -> None:
    cloud = serve("--password", "admin=it's a secret")
    told = {}
    for user in ("admin", "demo"):
        done = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", f'CELLRIG_USER={user}; . "$0"; env', str(cloud.openrc)],
            capture_output=True,
            text=True,
            check=True,
        )
        lines = (line.partition("=") for line in done.stdout.splitlines())
        told[user] = {name: value for name, _, value in lines if name.startswith("OS_")}
    assert told["admin"]["OS_PASSWORD"] == "it's a secret"  # noqa: S105
    assert told["demo"]["OS_PASSWORD"] not in ("", told["admin"]["OS_PASSWORD"])
    assert told["demo"]["OS_AUTH_URL"] == f"{cloud.url}/identity/v3"
    clouds = yaml.safe_load(cloud.clouds_yaml.read_text())["clouds"]
    assert clouds["cellrig-demo"]["auth"]["password"] == told["demo"]["OS_PASSWORD"]


def test_a_name_is_no_token_at_a_served_cloud(serve: Callable[..., Cloud]) -> None:
    cloud = serve("--control")
    for path in ("/placement/resource_providers", "/compute/v2.1/servers", "/rig/clock"):
        headers = {"X-Auth-Token": "admin"}
        assert requests.get(cloud.url + path, headers=headers, timeout=30).status_code == 401


def test_without_control_there_is_no_control(serve: Callable[..., Cloud], tmp_path: Path) -> None:
    topology = tmp_path / "cloud.yaml"
    topology.write_text("cells: [{name: here, hosts: 2}]")
    cloud = serve("--topology", str(topology))
    assert requests.get(f"{cloud.url}/rig/clock", timeout=30).status_code == 404
    assert len(list(cloud.connect("cellrig").compute.hypervisors())) == 2


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (
            ["--control", "--host", "0.0.0.0"],  # noqa: S104
            2,
            "--control on 0.0.0.0, which others can reach, takes a --control-token",
        ),
        (["--control-token", "x"], 2, "not there without --control"),
        (["--password", "bob=x"], 2, "there are: admin, demo, alt_demo"),
        (["--password", "admin"], 2, "--password takes USER=PASSWORD"),
        (["--openrc", "/nowhere/openrc"], 1, "cannot write /nowhere/openrc: No such file"),
        (["--service", "placement", "--openrc", "x"], 2, "it takes no --openrc"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    arguments: list[str], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from cellrig.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["serve", *arguments])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (status, "")
    assert err.startswith("cellrig: ")
    assert told in err
    assert len(err.splitlines()) == 1
