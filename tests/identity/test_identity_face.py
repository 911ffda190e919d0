"""The Identity API v3 as clients use it: signing in, and making projects and users of their own."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from cellrig import Rig
from cellrig.identity.service import TOKEN_LIFE


class Keystone:
    """A client of the identity face of one rig, with a project and a user in it."""

    def __init__(self, rig: Rig) -> None:
        self.session: requests.Session = rig.session("identity")
        self.project = self.post("projects", project={"name": "demo"})["project"]
        self.user = self.post("users", user={"name": "ann", "password": "secret"})["user"]
        self.roles = {role["name"]: role["id"] for role in self.get("roles")["roles"]}
        self.grant("member")

    def grant(self, role: str) -> int:
        path = f"/v3/projects/{self.project['id']}/users/{self.user['id']}/roles"
        return self.session.put(f"{path}/{self.roles[role]}").status_code

    def revoke(self, role: str) -> int:
        path = f"/v3/projects/{self.project['id']}/users/{self.user['id']}/roles"
        return self.session.delete(f"{path}/{self.roles[role]}").status_code

    def get(self, path: str, token: str = "admin") -> Any:  # noqa: S107 - a user
        answer = self.session.get(f"/v3/{path}", headers={"X-Auth-Token": token})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        answer = self.session.post(f"/v3/{path}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def sign_in(self, methods: dict[str, Any], scope: Any = None) -> requests.Response:
        auth: dict[str, Any] = {"identity": {"methods": list(methods), **methods}}
        if scope is not None:
            auth["scope"] = scope
        return self.session.post("/v3/auth/tokens", json={"auth": auth})

    def password(
        self,
        password: str = "secret",  # noqa: S107 - the test user's
        scope: Any = None,
    ) -> requests.Response:
        user = {"name": "ann", "domain": {"id": "default"}, "password": password}
        return self.sign_in({"password": {"user": user}}, scope)

    def in_project(self) -> requests.Response:
        return self.password(scope={"project": {"id": self.project["id"]}})

    def status(self, token: str, path: str = "auth/projects") -> int:
        return self.session.get(f"/v3/{path}", headers={"X-Auth-Token": token}).status_code


@pytest.fixture
def keystone(rig: Rig) -> Keystone:
    return Keystone(rig)


def secret_of(answer: requests.Response) -> str:
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Subject-Token"]


def test_a_password_gives_a_token_with_roles_and_a_catalog(keystone: Keystone) -> None:
    answer = keystone.in_project()
    token = answer.json()["token"]
    assert secret_of(answer)
    assert token["user"]["name"] == "ann"
    assert token["project"]["name"] == "demo"
    assert token["methods"] == ["password"]
    assert {role["name"] for role in token["roles"]} == {"member", "reader"}
    types = {each["type"] for each in token["catalog"]}
    assert {"identity", "compute", "placement", "block-storage", "image", "network"} <= types
    urls = {
        endpoint["url"]
        for each in token["catalog"]
        if each["type"] == "block-storage"
        for endpoint in each["endpoints"]
    }
    assert urls == {f"http://identity.rig/volume/v3/{keystone.project['id']}"}


def test_a_project_is_named_by_its_name_and_domain_too(keystone: Keystone) -> None:
    scope = {"project": {"name": "demo", "domain": {"name": "Default"}}}
    assert (
        keystone.password(scope=scope).json()["token"]["project"]["id"] == (keystone.project["id"])
    )


@pytest.mark.parametrize("password", ["", "Secret", "secret "])
def test_a_wrong_password_is_told_without_a_reason(keystone: Keystone, password: str) -> None:
    answer = keystone.password(password)
    unknown = {"name": "nobody", "domain": {"id": "default"}, "password": password}
    stranger = keystone.sign_in({"password": {"user": unknown}})
    assert answer.status_code == stranger.status_code == 401
    assert answer.json() == stranger.json()
    assert answer.json()["error"]["code"] == 401


def test_a_user_without_a_role_does_not_get_into_a_project(keystone: Keystone) -> None:
    other = keystone.post("projects", project={"name": "other"})["project"]
    assert keystone.password(scope={"project": {"id": other["id"]}}).status_code == 401


def test_a_token_without_a_scope_has_no_roles(keystone: Keystone) -> None:
    token = keystone.password().json()["token"]
    assert "project" not in token
    assert "roles" not in token
    assert "catalog" not in token


def test_the_default_project_is_the_scope_where_none_is_asked_for(keystone: Keystone) -> None:
    path = f"/v3/users/{keystone.user['id']}"
    change = {"user": {"default_project_id": keystone.project["id"]}}
    assert keystone.session.patch(path, json=change).status_code == 200
    assert keystone.password().json()["token"]["project"]["name"] == "demo"
    assert "project" not in keystone.password(scope="unscoped").json()["token"]


def test_a_token_gives_another_one_that_holds_no_longer(keystone: Keystone, rig: Rig) -> None:
    first = keystone.password()
    rig.advance(TOKEN_LIFE / 2)
    scope = {"project": {"id": keystone.project["id"]}}
    second = keystone.sign_in({"token": {"id": secret_of(first)}}, scope)
    assert second.json()["token"]["expires_at"] == first.json()["token"]["expires_at"]
    assert second.json()["token"]["project"]["name"] == "demo"


def test_tokens_expire_on_the_rigs_clock(keystone: Keystone, rig: Rig) -> None:
    token = secret_of(keystone.in_project())
    rig.advance(TOKEN_LIFE - 1)
    assert keystone.status(token) == 200
    rig.advance(2)
    # In the same process a word that is no token is taken for a user's name; so it is asked for.
    shown = keystone.session.get("/v3/auth/tokens", headers={"X-Subject-Token": token})
    assert shown.status_code == 404


def test_a_token_is_shown_and_ended(keystone: Keystone) -> None:
    token = secret_of(keystone.in_project())
    subject = {"X-Subject-Token": token}
    shown = keystone.session.get("/v3/auth/tokens", headers=subject)
    assert shown.json()["token"]["user"]["name"] == "ann"
    assert shown.headers["X-Subject-Token"] == token
    assert keystone.session.delete("/v3/auth/tokens", headers=subject).status_code == 204
    assert keystone.session.get("/v3/auth/tokens", headers=subject).status_code == 404


@pytest.mark.parametrize("end", ["role", "password", "disabled", "deleted"])
def test_what_ends_a_users_tokens(keystone: Keystone, end: str) -> None:
    token = secret_of(keystone.in_project())
    path = f"/v3/users/{keystone.user['id']}"
    if end == "role":
        assert keystone.revoke("member") == 204
    elif end == "deleted":
        assert keystone.session.delete(path).status_code == 204
    else:
        change = {"password": "other"} if end == "password" else {"enabled": False}
        assert keystone.session.patch(path, json={"user": change}).status_code == 200
    subject = {"X-Subject-Token": token}
    assert keystone.session.get("/v3/auth/tokens", headers=subject).status_code == 404


def test_plain_users_see_themselves_and_nobody_else(keystone: Keystone) -> None:
    token = secret_of(keystone.in_project())
    assert keystone.status(token, "users") == 403
    assert keystone.status(token, f"users/{keystone.user['id']}") == 200
    assert keystone.status(token, f"projects/{keystone.project['id']}") == 200
    other = keystone.post("projects", project={"name": "other"})["project"]
    assert keystone.status(token, f"projects/{other['id']}") == 403
    assert [p["name"] for p in keystone.get("auth/projects", token)["projects"]] == ["demo"]


def test_an_administrator_has_the_roles_that_admin_implies(keystone: Keystone) -> None:
    assert keystone.grant("admin") == 204
    answer = keystone.in_project()
    roles = {role["name"] for role in answer.json()["token"]["roles"]}
    assert roles == {"admin", "manager", "member", "reader"}
    assert keystone.status(secret_of(answer), "users") == 200


def test_names_are_unique_in_their_domain(keystone: Keystone) -> None:
    again = keystone.session.post("/v3/projects", json={"project": {"name": "demo"}})
    assert again.status_code == 409
    assert "'demo'" in again.json()["error"]["message"]
    domain = keystone.post("domains", domain={"name": "elsewhere"})["domain"]
    body = {"project": {"name": "demo", "domain_id": domain["id"]}}
    assert keystone.session.post("/v3/projects", json=body).status_code == 201


def test_things_are_found_by_name(keystone: Keystone) -> None:
    assert [u["id"] for u in keystone.get("users?name=ann")["users"]] == [keystone.user["id"]]
    assert keystone.get("users?name=bob")["users"] == []
    assert [d["id"] for d in keystone.get("domains?name=Default")["domains"]] == ["default"]
    assert keystone.session.get("/v3/users/ann").status_code == 404


def test_a_role_that_every_cloud_has_stays(keystone: Keystone) -> None:
    assert keystone.session.delete(f"/v3/roles/{keystone.roles['reader']}").status_code == 403
    role = keystone.post("roles", role={"name": "auditor"})["role"]
    assert keystone.session.delete(f"/v3/roles/{role['id']}").status_code == 204


def test_application_credentials_sign_in_for_their_user(keystone: Keystone) -> None:
    token = secret_of(keystone.in_project())
    path = f"/v3/users/{keystone.user['id']}/application_credentials"
    body = {"application_credential": {"name": "robot", "roles": [{"name": "reader"}]}}
    headers = {"X-Auth-Token": token}
    made = keystone.session.post(path, json=body, headers=headers)
    assert made.status_code == 201
    credential = made.json()["application_credential"]
    assert "secret" not in keystone.session.get(path, headers=headers).text
    by_id = {"id": credential["id"], "secret": credential["secret"]}
    answer = keystone.sign_in({"application_credential": by_id})
    assert answer.json()["token"]["project"]["name"] == "demo"
    assert [role["name"] for role in answer.json()["token"]["roles"]] == ["reader"]
    wrong = keystone.sign_in({"application_credential": {**by_id, "secret": "no"}})
    assert wrong.status_code == 401
    assert keystone.session.delete(f"{path}/{credential['id']}", headers=headers).status_code == 204
    assert keystone.sign_in({"application_credential": by_id}).status_code == 401


def test_application_credentials_are_their_users_alone(keystone: Keystone) -> None:
    path = f"/v3/users/{keystone.user['id']}/application_credentials"
    assert keystone.session.get(path).status_code == 403


def test_deleting_a_project_takes_its_roles_along(keystone: Keystone) -> None:
    path = f"/v3/projects/{keystone.project['id']}"
    assert keystone.session.delete(path).status_code == 204
    assert keystone.get(f"role_assignments?user.id={keystone.user['id']}")["role_assignments"] == []


def test_role_assignments_are_listed_with_names(keystone: Keystone) -> None:
    found = keystone.get("role_assignments?include_names")["role_assignments"]
    assert [(e["user"]["name"], e["role"]["name"], e["scope"]["project"]["name"]) for e in found]


def test_a_domain_must_be_disabled_before_it_goes(keystone: Keystone) -> None:
    domain = keystone.post("domains", domain={"name": "gone"})["domain"]
    keystone.post("users", user={"name": "bob", "domain_id": domain["id"]})
    path = f"/v3/domains/{domain['id']}"
    assert keystone.session.delete(path).status_code == 403
    change = {"domain": {"enabled": False}}
    assert keystone.session.patch(path, json=change).status_code == 200
    assert keystone.session.delete(path).status_code == 204
    assert keystone.get("users?name=bob")["users"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"auth": {}},
        {"auth": {"identity": {"methods": []}}},
        {"auth": {"identity": {"methods": ["password"]}}},
        {"auth": {"identity": {"methods": ["magic"], "magic": {}}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": 1}}}}},
    ],
)
def test_a_body_that_does_not_fit_is_400(keystone: Keystone, body: dict[str, Any]) -> None:
    answer = keystone.session.post("/v3/auth/tokens", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["title"] == "Bad Request"


def test_the_versions_need_no_token(keystone: Keystone) -> None:
    for path, status in (("/", 300), ("/v3", 200), ("/v3/", 200)):
        answer = keystone.session.get(path, headers={"X-Auth-Token": ""})
        assert answer.status_code == status


def test_no_secret_is_kept_as_it_is(keystone: Keystone, rig: Rig) -> None:
    token = secret_of(keystone.in_project())
    image = rig.databases["identity"].dump()
    assert b'"secret"' not in image
    assert token.encode() not in image


def test_a_snapshot_keeps_who_has_signed_in(keystone: Keystone, rig: Rig) -> None:
    token = secret_of(keystone.in_project())
    snapshot = rig.snapshot()
    keystone.session.delete("/v3/auth/tokens", headers={"X-Subject-Token": token})
    rig.restore(snapshot)
    shown = keystone.session.get("/v3/auth/tokens", headers={"X-Subject-Token": token})
    assert shown.status_code == 200
