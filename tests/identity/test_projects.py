"""Projects below projects, their tags, and what else clients say of them."""

from __future__ import annotations

from typing import Any

import pytest

Identity = Any  # the fixture of conftest.py


@pytest.mark.parametrize("kind", ["project", "domain"])
def test_names_have_64_characters_at_most(identity: Identity, kind: str) -> None:
    identity("POST", f"{kind}s", {kind: {"name": "x" * 65}}, expect=400)
    made = identity.make(kind, name="x" * 64)
    identity("PATCH", f"{kind}s/{made['id']}", {kind: {"name": "x" * 65}}, expect=400)
    identity("POST", f"{kind}s", {kind: {"name": " "}}, expect=400)


def test_a_project_is_below_its_domain_or_another_project(identity: Identity) -> None:
    domain = identity.make("domain", name="elsewhere")
    top = identity.make("project", name="top", parent_id=domain["id"])
    assert (top["domain_id"], top["parent_id"]) == (domain["id"], domain["id"])
    below = identity.make("project", name="below", parent_id=top["id"])
    assert (below["domain_id"], below["parent_id"]) == (domain["id"], top["id"])
    assert identity.ids(f"projects?parent_id={top['id']}") == {below["id"]}
    assert identity.ids(f"projects?parent_id={domain['id']}") == {top["id"]}
    for wrong in ({"parent_id": "nothing"}, {"parent_id": top["id"], "domain_id": "default"}):
        answer = identity("POST", "projects", {"project": {"name": "other", **wrong}})
        assert answer.status_code in (400, 404)
    elsewhere = {"project": {"parent_id": "default"}}
    identity("PATCH", f"projects/{below['id']}", elsewhere, expect=403)
    identity("DELETE", f"projects/{top['id']}", expect=403)
    identity("DELETE", f"projects/{below['id']}", expect=204)
    identity("DELETE", f"projects/{top['id']}", expect=204)


def test_a_project_that_is_a_domain(identity: Identity) -> None:
    made = identity.make("project", name="acme", is_domain=True)
    assert (made["is_domain"], made["domain_id"], made["parent_id"]) == (True, None, None)
    path = f"projects/{made['id']}"
    assert identity.get(path)["project"] == made
    assert identity.get(f"domains/{made['id']}")["domain"]["name"] == "acme"
    assert made["id"] in identity.ids("projects?is_domain=true")
    assert made["id"] not in identity.ids("projects")
    inside = {"project": {"name": "x", "is_domain": True, "parent_id": made["id"]}}
    identity("POST", "projects", inside, expect=400)
    identity("DELETE", path, expect=403)
    identity("PATCH", path, {"project": {"enabled": False}}, expect=200)
    identity("DELETE", path, expect=204)
    identity("GET", f"domains/{made['id']}", expect=404)


def test_tags_are_put_on_projects_and_looked_for(identity: Identity) -> None:
    red = identity.make("project", name="red", tags=["b", "a"])
    blue = identity.make("project", name="blue", tags=["b"])
    assert red["tags"] == ["a", "b"]
    path = f"projects/{red['id']}/tags"
    identity("PUT", f"{path}/c", expect=201)
    identity("PUT", f"{path}/c", expect=201)
    identity("PUT", f"{path}/c,d", expect=400)
    identity("HEAD", f"{path}/c", expect=204)
    assert identity.get(path)["tags"] == ["a", "b", "c"]
    for query, found in (
        ("tags=a,b", {red["id"]}),
        ("tags-any=a,b", {red["id"], blue["id"]}),
        ("not-tags-any=a", {blue["id"]}),
    ):
        assert identity.ids(f"projects?{query}") == found
    assert red["id"] in identity.ids("projects?not-tags=a,x")
    identity("DELETE", f"{path}/c", expect=204)
    identity("DELETE", f"{path}/c", expect=404)
    identity("HEAD", f"{path}/c", expect=404)
    assert identity("PUT", path, {"tags": ["z"]}, expect=200).json()["tags"] == ["z"]
    identity("PUT", path, {"tags": ["z", "z"]}, expect=400)
    identity("PUT", path, {"tags": ["a/b"]}, expect=400)
    identity("DELETE", path, expect=204)
    assert identity.get(path)["tags"] == []


def test_who_has_no_role_in_a_project_does_not_see_its_tags(identity: Identity) -> None:
    project = identity.make("project", name="red", tags=["a"])
    path = f"projects/{project['id']}/tags"
    for each in (path, f"{path}/a"):
        identity("GET", each, token="mallory:other", expect=403)  # noqa: S106 - a user
    identity("PUT", f"{path}/b", token="mallory:other", expect=403)  # noqa: S106 - a user


def test_attributes_that_clients_add_stay(identity: Identity) -> None:
    user = identity.user("ann", phone="110")
    project = identity.make("project", name="red", cost_center=7)
    assert (user["phone"], project["cost_center"]) == ("110", 7)
    changed = identity(
        "PATCH", f"users/{user['id']}", {"user": {"floor": 3, "description": None}}, expect=200
    ).json()["user"]
    assert (changed["phone"], changed["floor"], changed["description"]) == ("110", 3, "")
    assert "password" not in changed
    assert identity.get(f"users/{user['id']}")["user"] == changed
    assert identity.get(f"projects/{project['id']}")["project"]["cost_center"] == 7


def test_plain_users_see_their_own_domain(identity: Identity) -> None:
    other = identity.make("domain", name="elsewhere")
    project, user = identity.make("project", name="red"), identity.user("ann")
    grant = f"projects/{project['id']}/users/{user['id']}/roles/{identity.roles['reader']}"
    identity("PUT", grant, expect=204)
    token = identity.token_of(user, project)
    assert identity.get("domains/default", token=token)["domain"]["name"] == "Default"
    identity("GET", f"domains/{other['id']}", token=token, expect=403)
    identity("GET", "domains", token=token, expect=403)
