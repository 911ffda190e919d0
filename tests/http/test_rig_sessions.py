"""``rig.session`` and ``rig.connection``: the field's clients in the rig's own process."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import pytest
import requests
from cinderclient import client as cinder
from keystoneauth1 import session as keystone
from novaclient import client as nova

from cellrig import Rig
from cellrig.errors import NotFound

# openstacksdk warns of what it does itself.
pytestmark = pytest.mark.filterwarnings(r"ignore:::openstack\..*")


@pytest.fixture(autouse=True)
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_more: Any) -> Any:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_a_session_is_one_of_keystoneauth_and_asked_like_one_of_requests() -> None:
    with Rig() as rig:
        rig.servers.create(name="here")
        session = rig.session("compute")
        assert isinstance(session, keystone.Session)
        assert isinstance(session, requests.Session)
        names = [each["name"] for each in session.get("/v2.1/servers").json()["servers"]]
        assert names == ["here"]
        assert session.request("GET", "/v2.1/servers/nobody").status_code == 404
        assert session.get("/v2.1/servers", headers={"X-Auth-Token": None}).status_code == 401
        assert [each.name for each in nova.Client("2.1", session=session).servers.list()] == names
        assert session.get_project_id() == "admin"


def test_one_session_serves_the_clients_of_several_services() -> None:
    with Rig() as rig:
        rig.volumes.create(name="kept")
        session = rig.session("volume")
        volumes = cinder.Client("3.59", session=session).volumes.list()
        assert [volume.name for volume in volumes] == ["kept"]
        assert nova.Client("2.60", session=session).flavors.list()


def test_a_connection_is_an_administrators_or_somebody_elses() -> None:
    with Rig() as rig:
        mine, theirs = rig.connection(), rig.connection("alice", "team")
        rig.as_user("alice", "team").servers.create(name="hers")
        assert list(mine.compute.servers()) == []
        assert [server.name for server in theirs.compute.servers()] == ["hers"]
        everybodys = mine.compute.servers(all_projects=True)
        assert [server.name for server in everybodys] == ["hers"]
        assert (theirs.current_user_id, theirs.current_project_id) == ("alice", "team")


def test_a_connection_outlives_its_token() -> None:
    with Rig() as rig:
        connection = rig.connection()
        rig.servers.create(name="here")
        for _hour in range(3):
            assert [server.name for server in connection.compute.servers()] == ["here"]
            rig.advance(3601)


def test_a_role_that_is_not_there_is_told_when_somebody_signs_in() -> None:
    with Rig() as rig:
        connection = rig.connection("alice", role="queen")
        with pytest.raises(NotFound, match="role 'queen' does not exist"):
            list(connection.compute.servers())


@pytest.mark.parametrize(
    ("package", "statement", "extra"),
    [
        ("openstack.connection", "rig.connection()", "clients"),
        ("keystoneauth1", "rig.session('compute')", "http"),
    ],
)
def test_a_missing_extra_is_named(package: str, statement: str, extra: str) -> None:
    told = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from cellrig import Rig\n"
        "from cellrig.errors import ExtraMissing\n"
        f"with Rig() as rig:\n    try:\n        {statement}\n"
        "    except ExtraMissing as error:\n        print(error)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True
    )
    assert f"pip install 'cellrig[{extra}]'" in done.stdout
