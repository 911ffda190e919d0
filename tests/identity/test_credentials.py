"""What users keep here for other services, and what they let applications ask for them."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig import Rig
from cellrig.http.front_door import front_door
from cellrig.http.session import FaceSession
from cellrig.http.sign_in import by_token

Identity = Any  # the fixture of conftest.py


class Owner:
    """A user with a role in a project, and their token."""

    def __init__(self, identity: Identity, name: str) -> None:
        self.project = identity.make("project", name=name)
        self.user = identity.user(name)
        path = f"projects/{self.project['id']}/users/{self.user['id']}/roles"
        self.role = f"{path}/{identity.roles['member']}"
        identity("PUT", self.role, expect=204)
        self.token = identity.token_of(self.user, self.project)
        self.path = f"users/{self.user['id']}"


@pytest.fixture
def ann(identity: Identity) -> Owner:
    return Owner(identity, "ann")


@pytest.fixture
def bob(identity: Identity) -> Owner:
    return Owner(identity, "bob")


def test_a_credential_is_kept_for_its_user(identity: Identity, ann: Owner, bob: Owner) -> None:
    given = {"type": "totp", "blob": "ABC", "user_id": ann.user["id"]}
    identity("POST", "credentials", {"credential": given}, token=bob.token, expect=403)
    answer = identity("POST", "credentials", {"credential": given}, token=ann.token, expect=201)
    made = answer.json()["credential"]
    assert (made["blob"], made["project_id"]) == ("ABC", None)
    path = f"credentials/{made['id']}"
    assert identity.ids("credentials", token=ann.token) == {made["id"]}
    assert identity.ids("credentials", token=bob.token) == set()
    assert identity.ids("credentials?type=totp") == {made["id"]}
    assert identity.ids("credentials?type=cert") == set()
    for method in ("GET", "DELETE"):
        identity(method, path, token=bob.token, expect=403)
    identity("PATCH", path, {"credential": {"blob": "DEF"}}, token=ann.token, expect=200)
    assert identity.get(path)["credential"]["blob"] == "DEF"
    identity("DELETE", path, token=ann.token, expect=204)
    identity("GET", path, expect=404)


def test_a_credential_goes_with_its_user(identity: Identity, ann: Owner) -> None:
    made = identity.make("credential", type="cert", blob="x", user_id=ann.user["id"])
    identity("DELETE", ann.path, expect=204)
    identity("GET", f"credentials/{made['id']}", expect=404)


def application(identity: Identity, owner: Owner, rules: Any, name: str = "robot") -> Any:
    body = {"application_credential": {"name": name, "access_rules": rules}}
    path = f"{owner.path}/application_credentials"
    answer = identity("POST", path, body, token=owner.token, expect=201)
    return answer.json()["application_credential"]


SERVERS = {"service": "compute", "method": "GET", "path": "/v2.1/servers"}


def test_access_rules_outlive_their_credential(identity: Identity, ann: Owner, bob: Owner) -> None:
    made = application(identity, ann, [SERVERS])
    (rule,) = made["access_rules"]
    assert SERVERS.items() <= rule.items()
    again = application(identity, ann, [SERVERS], "again")
    by_id = application(identity, ann, [{"id": rule["id"]}], "by id")
    assert again["access_rules"] == by_id["access_rules"] == [rule]
    path = f"{ann.path}/access_rules"
    assert identity.ids(path, token=ann.token) == {rule["id"]}
    assert identity.get(f"{path}/{rule['id']}", token=ann.token)["access_rule"].items() > (
        rule.items()
    )
    identity("GET", path, token=bob.token, expect=403)
    identity("GET", f"{bob.path}/access_rules/{rule['id']}", token=bob.token, expect=404)
    stolen = {"application_credential": {"name": "x", "access_rules": [{"id": rule["id"]}]}}
    identity("POST", f"{bob.path}/application_credentials", stolen, token=bob.token, expect=404)
    identity("DELETE", f"{path}/{rule['id']}", token=ann.token, expect=403)
    for each in (made, again, by_id):
        one = f"{ann.path}/application_credentials/{each['id']}"
        identity("DELETE", one, token=ann.token, expect=204)
    identity("DELETE", f"{path}/{rule['id']}", token=ann.token, expect=204)
    assert identity.ids(path, token=ann.token) == set()


@pytest.mark.parametrize("rule", [{}, {**SERVERS, "method": "LOOK"}, {**SERVERS, "path": "x"}])
def test_access_rules_that_cannot_be(identity: Identity, ann: Owner, rule: Any) -> None:
    body = {"application_credential": {"name": "robot", "access_rules": [rule]}}
    path = f"{ann.path}/application_credentials"
    identity("POST", path, body, token=ann.token, expect=400)


def test_whoever_has_the_credential_keeps_to_its_rules(
    identity: Identity, ann: Owner, rig: Rig
) -> None:
    keys = {"service": "compute", "method": "DELETE", "path": "/v2.1/os-keypairs/{name}"}
    volumes = {"service": "block-storage", "method": "GET", "path": "/v3/**"}
    made = application(identity, ann, [SERVERS, keys, volumes])
    signed = {
        "methods": ["application_credential"],
        "application_credential": {"id": made["id"], "secret": made["secret"]},
    }
    answer = identity("POST", "auth/tokens", {"auth": {"identity": signed}}, expect=201)
    token = answer.headers["X-Subject-Token"]
    told = answer.json()["token"]["application_credential"]
    assert told["access_rules"] == made["access_rules"]
    session = FaceSession(front_door(rig, by_token(rig.identity)), "http://rig", token=token)
    for method, path, status in (
        ("GET", "/compute/v2.1/servers", 200),
        ("GET", "/compute/v2.1/servers/detail", 401),
        ("POST", "/compute/v2.1/servers", 401),
        ("DELETE", "/compute/v2.1/os-keypairs/none", 404),
        ("DELETE", "/compute/v2.1/os-keypairs/none/more", 401),
        ("GET", f"/volume/v3/{ann.project['id']}/volumes", 200),
        ("GET", "/network/v2.0/networks", 401),
        ("GET", "/identity/v3/auth/projects", 401),
    ):
        assert session.request(method, path).status_code == status, path


def test_a_credential_without_rules_asks_nothing(identity: Identity, ann: Owner, rig: Rig) -> None:
    made = application(identity, ann, [])
    signed = {
        "methods": ["application_credential"],
        "application_credential": {"id": made["id"], "secret": made["secret"]},
    }
    answer = identity("POST", "auth/tokens", {"auth": {"identity": signed}}, expect=201)
    token = answer.headers["X-Subject-Token"]
    session = FaceSession(front_door(rig, by_token(rig.identity)), "http://rig", token=token)
    assert session.get("/compute/v2.1/servers").status_code == 401
    one = f"{ann.path}/application_credentials/{made['id']}"
    assert identity.is_alive(token)
    identity("DELETE", one, token=ann.token, expect=204)
    assert not identity.is_alive(token)
    assert identity.is_alive(ann.token)


def test_a_credential_ends_with_its_users_role(identity: Identity, ann: Owner) -> None:
    made = application(identity, ann, [SERVERS])
    identity("DELETE", ann.role, expect=204)
    signed = {
        "methods": ["application_credential"],
        "application_credential": {"id": made["id"], "secret": made["secret"]},
    }
    identity("POST", "auth/tokens", {"auth": {"identity": signed}}, expect=401)


@pytest.mark.parametrize("unrestricted", [False, True])
def test_only_an_unrestricted_credential_makes_others(
    identity: Identity, ann: Owner, unrestricted: bool
) -> None:
    body = {"application_credential": {"name": "robot", "unrestricted": unrestricted}}
    path = f"{ann.path}/application_credentials"
    made = identity("POST", path, body, token=ann.token, expect=201).json()
    credential = made["application_credential"]
    signed = {
        "methods": ["application_credential"],
        "application_credential": {"id": credential["id"], "secret": credential["secret"]},
    }
    answer = identity("POST", "auth/tokens", {"auth": {"identity": signed}}, expect=201)
    token = answer.headers["X-Subject-Token"]
    assert identity.ids(path, token=token) == {credential["id"]}
    other = {"application_credential": {"name": "other"}}
    identity("POST", path, other, token=token, expect=201 if unrestricted else 403)
    ended = 204 if unrestricted else 403
    identity("DELETE", f"{path}/{credential['id']}", token=token, expect=ended)
