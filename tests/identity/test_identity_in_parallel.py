"""Suites make projects and users of their own, one for each test class, all at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.http.front_door import front_door
from cellrig.http.session import FaceSession
from cellrig.http.sign_in import by_token
from cellrig.identity.accounts import Account, open_account

_THREADS = 8
_ROUNDS = 3
_DOMAIN = {"id": "default"}


class Suite:
    """An administrator who makes accounts, by HTTP alone."""

    def __init__(self, rig: Rig) -> None:
        admin = Account(user="admin", project="admin", password="x", role="admin")  # noqa: S106
        open_account(rig.identity, admin)
        self._door = front_door(rig, by_token(rig.identity))
        self.session_of_admin = self.session("")
        self.session_of_admin.headers["X-Auth-Token"] = self.sign_in(
            "admin", "x", {"name": "admin"}
        )
        roles = self.session_of_admin.get("/identity/v3/roles").json()["roles"]
        self.roles = {each["name"]: each["id"] for each in roles}

    def session(self, token: str) -> FaceSession:
        return FaceSession(self._door, "http://rig", token=token)

    def sign_in(self, name: str, password: str, project: dict[str, str] | None) -> str:
        user = {"name": name, "domain": _DOMAIN, "password": password}
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
        if project is not None:
            auth["scope"] = {"project": {"domain": _DOMAIN, **project}}
        # Nobody who signs in has a token yet.
        answer = self.session("").post("/identity/v3/auth/tokens", json={"auth": auth})
        assert answer.status_code == 201, answer.text
        return str(answer.headers["X-Subject-Token"])

    def _make(self, path: str, kind: str, **more: Any) -> str:
        body = {kind: more}
        answer = self.session_of_admin.post(f"/identity/v3/{path}", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()[kind]["id"])

    def live_through(self, number: int) -> int:
        """Make a project and a user, work as the user, and take both away again."""
        name = f"class-{number}"
        project = self._make("projects", "project", name=name)
        user = self._make("users", "user", name=name, password=name)
        grant = f"/identity/v3/projects/{project}/users/{user}/roles/{self.roles['member']}"
        assert self.session_of_admin.put(grant).status_code == 204
        token = self.sign_in(name, name, {"id": project})
        own = self.session(token)
        assert own.get("/identity/v3/users").status_code == 403
        made = own.post("/compute/v2.1/os-keypairs", json={"keypair": {"name": "own"}})
        assert made.json()["keypair"]["user_id"] == user
        group = {"server_group": {"name": "own", "policies": ["affinity"]}}
        assert own.post("/compute/v2.1/os-server-groups", json=group).status_code == 200
        (listed,) = own.get("/compute/v2.1/os-server-groups").json()["server_groups"]
        assert own.delete(f"/compute/v2.1/os-server-groups/{listed['id']}").status_code == 204
        for path in (f"users/{user}", f"projects/{project}"):
            assert self.session_of_admin.delete(f"/identity/v3/{path}").status_code == 204
        return own.get("/compute/v2.1/servers").status_code


def test_accounts_come_and_go_on_eight_threads() -> None:
    with Rig(Topology(cells=[Cell("here", hosts=1)]), live=True) as rig:
        suite = Suite(rig)
        with ThreadPoolExecutor(_THREADS) as pool:
            told = list(pool.map(suite.live_through, range(_THREADS * _ROUNDS)))
        assert told == [401] * len(told)
        assert [user.name for user in rig.identity.users.all()] == ["admin"]


def test_one_name_is_given_once_whoever_asks_first() -> None:
    with Rig(Topology(cells=[Cell("here", hosts=1)]), live=True) as rig:
        suite = Suite(rig)

        def ask(_number: int) -> int:
            body = {"project": {"name": "the only one"}}
            path = "/identity/v3/projects"
            return suite.session_of_admin.post(path, json=body).status_code

        with ThreadPoolExecutor(_THREADS) as pool:
            told = sorted(pool.map(ask, range(_THREADS)))
        assert told == [201] + [409] * (_THREADS - 1)


@pytest.mark.parametrize("scope", [None, {"system": {"all": True}}, {"domain": _DOMAIN}])
def test_a_token_without_a_project_works_with_identity_alone(rig: Rig, scope: Any) -> None:
    suite = Suite(rig)
    admin = rig.identity.users.find(domain_id="default", name="admin")
    assert admin is not None
    session = suite.session_of_admin
    role = suite.roles["admin"]
    for place in ("system", "domains/default"):
        path = f"/identity/v3/{place}/users/{admin.id}/roles/{role}"
        assert session.put(path).status_code == 204
    user = {"name": "admin", "domain": _DOMAIN, "password": "x"}
    auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    auth["scope"] = "unscoped" if scope is None else scope
    answer = suite.session("").post("/identity/v3/auth/tokens", json={"auth": auth})
    assert answer.status_code == 201, answer.text
    token = answer.json()["token"]
    assert "project" not in token
    assert ("roles" in token) == ("catalog" in token) == (scope is not None)
    own = suite.session(answer.headers["X-Subject-Token"])
    assert own.get("/identity/v3/auth/projects").status_code == 200
    assert own.get("/identity/v3/users").status_code == (403 if scope is None else 200)
    assert own.get("/compute/v2.1/servers").status_code == 403
    for path, key, words in (
        ("auth/domains", "domains", ["default"]),
        ("auth/system", "system", [{"all": True}]),
    ):
        told = own.get(f"/identity/v3/{path}").json()[key]
        assert [each.get("id", each) for each in told] == words


def test_a_role_gets_another_name_unless_every_cloud_has_it(rig: Rig) -> None:
    session = rig.session("identity")
    role = session.post("/v3/roles", json={"role": {"name": "auditor"}}).json()["role"]
    path = f"/v3/roles/{role['id']}"
    told = session.patch(path, json={"role": {"name": "checker"}})
    assert (told.status_code, told.json()["role"]["name"]) == (200, "checker")
    reader = session.get("/v3/roles?name=reader").json()["roles"][0]["id"]
    for target, name, status in ((path, "admin", 409), (f"/v3/roles/{reader}", "other", 403)):
        assert session.patch(target, json={"role": {"name": name}}).status_code == status
