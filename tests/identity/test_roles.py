"""Roles that come with others, that a domain keeps for itself, and that are had further down."""

from __future__ import annotations

from typing import Any

import pytest

Identity = Any  # the fixture of conftest.py


class Cast:
    """A user with one role of three, in a project."""

    def __init__(self, identity: Identity) -> None:
        self.project = identity.make("project", name="red")
        self.user = identity.user("ann")
        self.pilot, self.driver, self.walker = (
            identity.make("role", name=name) for name in ("pilot", "driver", "walker")
        )
        self.path = f"projects/{self.project['id']}/users/{self.user['id']}/roles"
        identity("PUT", f"{self.path}/{self.pilot['id']}", expect=204)


@pytest.fixture
def cast(identity: Identity) -> Cast:
    return Cast(identity)


def rule(prior: Any, implied: Any) -> str:
    return f"roles/{prior['id']}/implies/{implied['id']}"


def test_a_role_brings_others_along(identity: Identity, cast: Cast) -> None:
    made = identity("PUT", rule(cast.pilot, cast.driver), expect=201).json()["role_inference"]
    assert (made["prior_role"]["name"], made["implies"]["name"]) == ("pilot", "driver")
    identity("PUT", rule(cast.driver, cast.walker), expect=201)
    assert identity.roles_of(cast.user, cast.project) == {"pilot", "driver", "walker"}
    query = f"role_assignments?effective&scope.project.id={cast.project['id']}"
    assert len(identity.get(query)["role_assignments"]) == 3
    told = identity.get(f"roles/{cast.pilot['id']}/implies")["role_inference"]
    assert [each["name"] for each in told["implies"]] == ["driver"]
    every = identity.get("role_inferences")["role_inferences"]
    assert {"pilot", "driver", "admin"} <= {each["prior_role"]["name"] for each in every}
    identity("HEAD", rule(cast.pilot, cast.driver), expect=204)
    identity("DELETE", rule(cast.pilot, cast.driver), expect=204)
    identity("GET", rule(cast.pilot, cast.driver), expect=404)
    identity("DELETE", rule(cast.pilot, cast.driver), expect=404)
    assert identity.roles_of(cast.user, cast.project) == {"pilot"}


def test_rules_in_a_circle_are_harmless(identity: Identity, cast: Cast) -> None:
    identity("PUT", rule(cast.pilot, cast.driver), expect=201)
    identity("PUT", rule(cast.driver, cast.pilot), expect=201)
    identity("PUT", rule(cast.driver, cast.pilot), expect=409)
    assert identity.roles_of(cast.user, cast.project) == {"pilot", "driver"}


def test_no_rule_makes_administrators(identity: Identity, cast: Cast) -> None:
    identity("PUT", f"roles/{cast.pilot['id']}/implies/{identity.roles['admin']}", expect=403)
    assert identity.roles_of(cast.user, cast.project) == {"pilot"}


def test_a_deleted_role_is_in_no_rule(identity: Identity, cast: Cast) -> None:
    identity("PUT", rule(cast.pilot, cast.driver), expect=201)
    identity("DELETE", f"roles/{cast.driver['id']}", expect=204)
    assert identity.get(f"roles/{cast.pilot['id']}/implies")["role_inference"]["implies"] == []


def test_a_domains_own_role_is_in_no_token(identity: Identity, cast: Cast) -> None:
    own = identity.make("role", name="admin", domain_id="default")
    assert own["domain_id"] == "default"
    assert identity.ids("roles?domain_id=default") == {own["id"]}
    assert own["id"] not in identity.ids("roles")
    identity("PUT", f"{cast.path}/{own['id']}", expect=204)
    assert identity.roles_of(cast.user, cast.project) == {"pilot"}
    identity("GET", "users", token=identity.token_of(cast.user, cast.project), expect=403)
    identity("PUT", rule(own, cast.walker), expect=201)
    assert identity.roles_of(cast.user, cast.project) == {"pilot", "walker"}
    identity("PUT", rule(cast.driver, own), expect=403)
    identity("DELETE", f"roles/{own['id']}", expect=204)
    assert identity.roles_of(cast.user, cast.project) == {"pilot"}


def test_a_role_is_had_below_where_it_was_given(identity: Identity, cast: Cast) -> None:
    child = identity.make("project", name="child", parent_id=cast.project["id"])
    grandchild = identity.make("project", name="grandchild", parent_id=child["id"])
    other = identity.make("project", name="other")
    user = identity.user("bob")
    walker = f"users/{user['id']}/roles/{cast.walker['id']}/inherited_to_projects"
    driver = f"users/{user['id']}/roles/{cast.driver['id']}/inherited_to_projects"
    down, everywhere = (
        f"OS-INHERIT/projects/{child['id']}/{walker}",
        f"OS-INHERIT/domains/default/{driver}",
    )
    for path in (down, everywhere):
        identity("HEAD", path, expect=404)
        identity("PUT", path, expect=204)
        identity("HEAD", path, expect=204)
    assert identity.roles_of(user, child) == {"driver"}
    assert identity.roles_of(user, grandchild) == {"driver", "walker"}
    assert identity.roles_of(user, other) == {"driver"}
    assert identity.sign_in(user, {"domain": {"id": "default"}}).status_code == 401
    token = identity.token_of(user, grandchild)
    projects = {each["id"] for each in (cast.project, child, grandchild, other)}
    assert identity.ids("auth/projects", token=token) == projects
    listed = f"OS-INHERIT/domains/default/users/{user['id']}/roles/inherited_to_projects"
    assert [each["name"] for each in identity.get(listed)["roles"]] == ["driver"]
    query = f"role_assignments?user.id={user['id']}&scope.OS-INHERIT:inherited_to=projects"
    found = identity.get(query)["role_assignments"]
    assert [each["scope"]["OS-INHERIT:inherited_to"] for each in found] == ["projects"] * 2
    query = f"role_assignments?effective&user.id={user['id']}&scope.project.id={grandchild['id']}"
    assert len(identity.get(query)["role_assignments"]) == 2
    identity("DELETE", down, expect=204)
    assert not identity.is_alive(token)
    assert identity.roles_of(user, grandchild) == {"driver"}


def test_only_the_tokens_for_a_place_end_with_a_role_there(identity: Identity, cast: Cast) -> None:
    other = identity.make("project", name="other")
    path = f"projects/{other['id']}/users/{cast.user['id']}/roles/{cast.pilot['id']}"
    identity("PUT", path, expect=204)
    here, there = (identity.token_of(cast.user, each) for each in (cast.project, other))
    identity("DELETE", path, expect=204)
    assert identity.is_alive(here)
    assert not identity.is_alive(there)


def test_assignments_of_a_subtree(identity: Identity, cast: Cast) -> None:
    child = identity.make("project", name="child", parent_id=cast.project["id"])
    path = f"projects/{child['id']}/users/{cast.user['id']}/roles/{cast.walker['id']}"
    identity("PUT", path, expect=204)
    query = f"role_assignments?scope.project.id={cast.project['id']}"
    assert len(identity.get(query)["role_assignments"]) == 1
    assert len(identity.get(f"{query}&include_subtree")["role_assignments"]) == 2
    assert identity.get("role_assignments?scope.system=all")["role_assignments"] == []


def test_a_token_made_from_a_token_tells_both_methods(identity: Identity, cast: Cast) -> None:
    first = identity.sign_in(cast.user).headers["X-Subject-Token"]
    auth = {
        "identity": {"methods": ["token"], "token": {"id": first}},
        "scope": {"project": {"id": cast.project["id"]}},
    }
    second = identity("POST", "auth/tokens", {"auth": auth}, expect=201)
    assert set(second.json()["token"]["methods"]) == {"password", "token"}
