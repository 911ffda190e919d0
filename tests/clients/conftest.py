"""A cloud for the field's own clients: behind a port, and in this process without a socket."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import requests
from cloud_of_clients import PASSWORD, USERS, Cloud

from cellrig import Rig
from cellrig.cli.served_cloud import add_second_image, served_topology
from cellrig.http.front_door import front_door
from cellrig.http.rig_session import RIG_URL
from cellrig.http.session import WsgiAdapter
from cellrig.http.sign_in import by_token
from cellrig.identity.accounts import Account, open_account


@pytest.fixture(scope="session")
def _served_url() -> Iterator[str]:
    passwords = [part for user in USERS for part in ("--password", f"{user}={PASSWORD}")]
    told = f"from cellrig.cli import main; main({['serve', *passwords]!r})"
    process = subprocess.Popen(  # noqa: S603 - our own text
        [sys.executable, "-c", told], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    url = str(msgspec.json.decode(process.stdout.readline())["url"])
    for user in USERS:  # all tests have one cloud, and each of them some servers
        project = Cloud(url).connection(user).current_project_id
        limits = {"instances": -1, "cores": -1, "ram": -1}
        Cloud(url).connection().compute.update_quota_set(project, **limits)
    yield url
    process.terminate()
    process.communicate(timeout=30)


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A rig in this process, to which every session's requests for its address go."""
    with Rig(served_topology()) as rig:
        add_second_image(rig)
        for user in USERS:
            role = "admin" if user == "admin" else "member"
            account = Account(user=user, project=user, role=role, password=PASSWORD)
            open_account(rig.identity, account)
        adapter = WsgiAdapter(front_door(rig, by_token(rig.identity)))
        usual = requests.Session.get_adapter

        def get_adapter(session: requests.Session, url: str) -> Any:
            return adapter if url.startswith(f"{RIG_URL}/") else usual(session, url)

        monkeypatch.setattr(requests.Session, "get_adapter", get_adapter)
        yield RIG_URL


@pytest.fixture(params=["over HTTP", "in process"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    name = "_served_url" if request.param == "over HTTP" else "_here"
    return Cloud(request.getfixturevalue(name))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let clients warn of what they themselves do."""
    mark = pytest.mark.filterwarnings("ignore")
    for item in items:
        if "/clients/" in str(item.path):
            item.add_marker(mark)
