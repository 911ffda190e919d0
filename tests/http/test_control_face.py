"""``/rig``: what suites in other languages do with a served rig."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from cellrig import Cell, Rig, Topology
from cellrig.cli.serve import is_loopback
from cellrig.http.front_door import front_door
from cellrig.http.rig.doors import with_control
from cellrig.http.session import FaceSession
from cellrig.http.sign_in import by_token
from cellrig.identity.accounts import Account, open_account

TOKEN = "only-for-control"  # noqa: S105 - of this test


class Remote:
    """A suite that only speaks HTTP."""

    def __init__(self, rig: Rig) -> None:
        for user, role in (("admin", "admin"), ("demo", "member")):
            open_account(rig.identity, Account(user=user, project=user, password="x", role=role))  # noqa: S106
        self._image = rig.images.list()[0].id
        door = front_door(rig, by_token(rig.identity))
        self._session = FaceSession(with_control(rig, door, TOKEN), "http://rig", token=TOKEN)

    def __call__(
        self, method: str, path: str, body: Any = None, token: str | None = TOKEN
    ) -> requests.Response:
        headers = {"X-Auth-Token": token}
        return self._session.request(method, path, json=body, headers=headers)

    def sign_in(self, user: str) -> str:
        domain = {"id": "default"}
        who = {"name": user, "password": "x", "domain": domain}
        auth = {
            "identity": {"methods": ["password"], "password": {"user": who}},
            "scope": {"project": {"name": user, "domain": domain}},
        }
        answer = self("POST", "/identity/v3/auth/tokens", {"auth": auth}, None)
        assert answer.status_code == 201
        return answer.headers["X-Subject-Token"]

    def boot(self, name: str) -> str:
        """Boot a server; return its status when it has come to an end."""
        token = self.sign_in("admin")
        flavor = self("GET", "/compute/v2.1/flavors", token=token).json()["flavors"][0]
        server = {"name": name, "flavorRef": flavor["id"], "imageRef": self._image}
        made = self("POST", "/compute/v2.1/servers", {"server": server}, token)
        assert made.status_code == 202, made.text
        self("GET", "/rig/audit")  # lets it come to its end
        path = f"/compute/v2.1/servers/{made.json()['server']['id']}"
        return str(self("GET", path, token=token).json()["server"]["status"])

    def servers(self) -> list[str]:
        token = self.sign_in("admin")
        found = self("GET", "/compute/v2.1/servers", token=token).json()["servers"]
        return [each["name"] for each in found]


@pytest.fixture(params=[False, True], ids=["virtual", "live"])
def remote(request: pytest.FixtureRequest) -> Iterator[Remote]:
    with Rig(Topology(cells=[Cell("here", 2)]), live=request.param, audit=False) as rig:
        yield Remote(rig)


def detail(answer: requests.Response) -> str:
    return str(answer.json()["errors"][0]["detail"])


def test_a_reset_brings_back_databases_and_hypervisors_and_ends_faults(remote: Remote) -> None:
    assert remote.boot("first") == "ACTIVE"
    remote("POST", "/rig/faults", {"fault": {"do": "fail", "seam": "driver.spawn"}})
    assert remote.boot("second") == "ERROR"
    assert remote("POST", "/rig/reset").status_code == 204
    assert remote.servers() == []
    assert remote("GET", "/rig/faults").json() == {"faults": []}
    assert remote("GET", "/rig/audit").json() == {"findings": []}
    assert remote.boot("third") == "ACTIVE"


def test_a_snapshot_is_gone_back_to_by_its_name(remote: Remote) -> None:
    remote.boot("kept")
    assert remote("PUT", "/rig/snapshots/one-server").status_code == 204
    remote.boot("lost")
    assert remote("POST", "/rig/snapshots/one-server/restore").status_code == 204
    assert remote.servers() == ["kept"]
    assert remote("GET", "/rig/snapshots").json() == {"snapshots": [{"name": "one-server"}]}
    assert remote("DELETE", "/rig/snapshots/one-server").status_code == 204
    gone = remote("POST", "/rig/snapshots/one-server/restore")
    assert (gone.status_code, detail(gone)) == (404, "snapshot 'one-server' does not exist")


def test_the_clock_is_advanced_and_tokens_expire_on_it(remote: Remote) -> None:
    token = remote.sign_in("admin")
    before = remote("GET", "/rig/clock").json()["clock"]["now"]
    after = remote("POST", "/rig/clock/advance", {"seconds": 3601}).json()["clock"]["now"]
    assert after - before >= 3601
    assert remote("GET", "/compute/v2.1/servers", token=token).status_code == 401


def test_a_fault_tells_how_often_it_has_fired(remote: Remote) -> None:
    fault = {"do": "fail", "seam": "driver.spawn", "times": 1}
    made = remote("POST", "/rig/faults", {"fault": fault})
    assert made.status_code == 201
    path = made.headers["Location"].removeprefix("http://rig")
    assert remote.boot("survives on another host") == "ACTIVE"
    shown = remote("GET", path).json()["fault"]
    assert (shown["fired"], shown["calls"]) == (1, ["driver.spawn #1"])
    assert remote("DELETE", path).status_code == 204
    assert remote("GET", path).status_code == 404


def test_a_fault_raises_an_error_by_its_name(remote: Remote) -> None:
    error = {"type": "GuestNotFound", "args": ["nobody"]}
    asked = {"do": "fail", "seam": "driver.spawn", "error": error}
    remote("POST", "/rig/faults", {"fault": asked})
    assert remote.boot("fails") == "ERROR"


def test_a_hold_keeps_a_call_until_it_is_released(remote: Remote) -> None:
    asked = {"do": "hold", "seam": "driver.spawn", "times": 1}
    made = remote("POST", "/rig/faults", {"fault": asked}).json()["fault"]
    assert made["released"] is False
    assert remote("POST", f"/rig/faults/{made['id']}/release").status_code == 204
    assert remote("GET", f"/rig/faults/{made['id']}").json()["fault"]["released"] is True
    assert remote.boot("goes on") == "ACTIVE"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"do": "fail", "seam": "driver.spwan"}, "driver.spawn"),
        ({"do": "delay", "seam": "driver.spawn"}, "'seconds' is a required property"),
        ({"do": "explode", "seam": "driver.spawn"}, "is not one of"),
        ({"do": "fail", "seam": "driver.spawn", "error": {"type": "NoHost"}}, "no error 'NoHost'"),
        ({"do": "hold", "seam": "driver.spawn", "error": {"type": "Conflict"}}, "takes no error"),
        ({"do": "fail", "seam": "driver.spawn", "host": "nowhere"}, "nowhere"),
        ({"do": "take_down_at", "seam": "driver.spawn", "database": "cell9"}, "cell9"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_one_sentence(
    remote: Remote, fault: dict[str, Any], told: str
) -> None:
    answer = remote("POST", "/rig/faults", {"fault": fault})
    assert answer.status_code == 400
    assert told in detail(answer)
    assert remote("GET", "/rig/faults").json() == {"faults": []}


def test_only_a_hold_is_released(remote: Remote) -> None:
    asked = {"do": "fail", "seam": "driver.spawn"}
    made = remote("POST", "/rig/faults", {"fault": asked}).json()["fault"]
    answer = remote("POST", f"/rig/faults/{made['id']}/release")
    assert (answer.status_code, "only a hold" in detail(answer)) == (400, True)


def test_services_crash_and_start_again(remote: Remote) -> None:
    path = "/rig/services/compute@here-host1"
    down = remote("POST", f"{path}/crash").json()["service"]
    assert down == {"name": "compute@here-host1", "running": False}
    assert down in remote("GET", "/rig/services").json()["services"]
    up = remote("POST", f"{path}/restart").json()["service"]
    assert up == {"name": "compute@here-host1", "running": True}
    assert remote("POST", "/rig/services/nobody/crash").status_code == 404


def test_a_database_goes_away_and_comes_back(remote: Remote) -> None:
    down = remote("POST", "/rig/databases/here/take-down", {"reason": "on fire"})
    assert down.json() == {"database": {"name": "here", "refuses": "on fire"}}
    up = remote("POST", "/rig/databases/here/bring-back")
    assert up.json() == {"database": {"name": "here", "refuses": None}}
    assert remote("POST", "/rig/databases/there/bring-back").status_code == 404


def test_topology_and_timeline_are_shown(remote: Remote) -> None:
    topology = remote("GET", "/rig/topology").json()["topology"]
    assert [cell["name"] for cell in topology["cells"]] == ["here"]
    remote.boot("seen")
    lines = remote("GET", "/rig/timeline?seam=driver.spawn&last=5").json()["timeline"]
    assert len([line for line in lines if "driver.spawn" in line]) == 1
    assert remote("GET", "/rig/timeline?last=none").status_code == 400


def test_administrators_and_the_control_token_open_it_and_nobody_else(remote: Remote) -> None:
    assert remote("GET", "/rig/clock", token=remote.sign_in("admin")).status_code == 200
    assert remote("GET", "/rig/clock", token=remote.sign_in("demo")).status_code == 403
    assert remote("GET", "/rig/clock", token="admin").status_code == 401  # noqa: S106
    assert remote("GET", "/rig/clock", token=None).status_code == 401
    assert remote("GET", "/compute/v2.1/servers", token=TOKEN).status_code == 401


@pytest.mark.parametrize(
    ("host", "only_here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("192.0.2.7", False),
        ("cloud.example.org", False),
    ],
)
def test_what_others_can_reach_is_known(host: str, only_here: bool) -> None:
    assert is_loopback(host) is only_here
