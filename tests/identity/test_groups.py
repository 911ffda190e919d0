"""Groups: who is in them has their roles, for as long."""

from __future__ import annotations

from typing import Any

import pytest

Identity = Any  # the fixture of conftest.py


class Party:
    """A project, a user, and a group that the user is in."""

    def __init__(self, identity: Identity) -> None:
        self.project = identity.make("project", name="red")
        self.user = identity.user("ann")
        self.group = identity.make("group", name="staff", description="who works here")
        identity("PUT", f"groups/{self.group['id']}/users/{self.user['id']}", expect=204)
        self.member = f"groups/{self.group['id']}/users/{self.user['id']}"
        self.path = f"projects/{self.project['id']}/groups/{self.group['id']}/roles"


@pytest.fixture
def party(identity: Identity) -> Party:
    return Party(identity)


def test_a_group_is_made_found_changed_and_deleted(identity: Identity) -> None:
    domain = identity.make("domain", name="elsewhere")
    made = identity.make("group", name="staff", domain_id=domain["id"], floor=3)
    assert (made["domain_id"], made["description"], made["floor"]) == (domain["id"], "", 3)
    path = f"groups/{made['id']}"
    assert identity.get(path)["group"] == made
    assert identity.ids("groups?name=staff") == {made["id"]}
    assert identity.ids("groups?domain_id=default") == set()
    changed = identity("PATCH", path, {"group": {"name": "crew"}}, expect=200).json()["group"]
    assert (changed["name"], changed["domain_id"], changed["floor"]) == ("crew", domain["id"], 3)
    again = {"group": {"name": "crew", "domain_id": domain["id"]}}
    identity("POST", "groups", again, expect=409)
    identity("POST", "groups", {"group": {"name": "crew", "domain_id": "no"}}, expect=404)
    identity("DELETE", path, expect=204)
    identity("GET", path, expect=404)


def test_users_are_put_into_groups_and_taken_out(identity: Identity, party: Party) -> None:
    group_id, user_id = party.group["id"], party.user["id"]
    identity("HEAD", party.member, expect=204)
    assert identity.ids(f"groups/{group_id}/users") == {user_id}
    (group,) = identity.get(f"users/{user_id}/groups")["groups"]
    assert (group["id"], group["membership_expires_at"]) == (group_id, None)
    identity("DELETE", party.member, expect=204)
    identity("HEAD", party.member, expect=404)
    identity("DELETE", party.member, expect=404)
    assert identity.ids(f"groups/{group_id}/users") == set()
    identity("PUT", f"groups/{group_id}/users/nobody", expect=404)
    identity("PUT", f"groups/nothing/users/{user_id}", expect=404)


def test_who_is_in_a_group_has_its_roles(identity: Identity, party: Party) -> None:
    assert identity.roles_of(party.user, party.project) == set()
    identity("PUT", f"{party.path}/{identity.roles['member']}", expect=204)
    assert identity.roles_of(party.user, party.project) == {"member", "reader"}
    assert identity.ids(party.path) == {identity.roles["member"]}
    token = identity.token_of(party.user, party.project)
    assert identity.ids("auth/projects", token=token) == {party.project["id"]}
    identity("GET", f"projects/{party.project['id']}", token=token, expect=200)
    identity("GET", "groups", token=token, expect=403)
    own = f"users/{party.user['id']}/groups"
    assert identity.ids(own, token=token) == {party.group["id"]}
    identity("GET", own, token="mallory:other", expect=403)  # noqa: S106 - a user


@pytest.mark.parametrize("end", ["role", "member", "group"])
def test_what_ends_the_tokens_of_a_group(identity: Identity, party: Party, end: str) -> None:
    role = f"{party.path}/{identity.roles['member']}"
    identity("PUT", role, expect=204)
    token = identity.token_of(party.user, party.project)
    ended = {"role": role, "member": party.member, "group": f"groups/{party.group['id']}"}
    identity("DELETE", ended[end], expect=204)
    assert not identity.is_alive(token)
    assert identity.roles_of(party.user, party.project) == set()


def test_groups_have_roles_in_domains_and_in_the_system(identity: Identity, party: Party) -> None:
    role = identity.roles["reader"]
    for place in ("domains/default", "system"):
        path = f"{place}/groups/{party.group['id']}/roles/{role}"
        identity("HEAD", path, expect=404)
        identity("PUT", path, expect=204)
        identity("HEAD", path, expect=204)
    for scope in ({"domain": {"id": "default"}}, {"system": {"all": True}}):
        assert identity.sign_in(party.user, scope).status_code == 201
    token = identity.sign_in(party.user).headers["X-Subject-Token"]
    assert identity.ids("auth/domains", token=token) == {"default"}
    assert identity.get("auth/system", token=token)["system"] == [{"all": True}]


def test_assignments_name_the_group_and_effective_ones_its_users(
    identity: Identity, party: Party
) -> None:
    identity("PUT", f"{party.path}/{identity.roles['member']}", expect=204)
    (given,) = identity.get(f"role_assignments?group.id={party.group['id']}&include_names")[
        "role_assignments"
    ]
    assert (given["group"]["name"], given["role"]["name"]) == ("staff", "member")
    assert given["scope"]["project"]["name"] == "red"
    query = f"role_assignments?effective&user.id={party.user['id']}&include_names"
    found = identity.get(query)["role_assignments"]
    assert {each["role"]["name"] for each in found} == {"member", "reader"}
    assert not any("group" in each for each in found)


def test_a_domain_takes_its_groups_along(identity: Identity) -> None:
    domain = identity.make("domain", name="gone")
    group = identity.make("group", name="staff", domain_id=domain["id"])
    user = identity.user("bob")
    identity("PUT", f"groups/{group['id']}/users/{user['id']}", expect=204)
    role = f"domains/{domain['id']}/groups/{group['id']}/roles/{identity.roles['reader']}"
    identity("PUT", role, expect=204)
    identity("PATCH", f"domains/{domain['id']}", {"domain": {"enabled": False}}, expect=200)
    identity("DELETE", f"domains/{domain['id']}", expect=204)
    identity("GET", f"groups/{group['id']}", expect=404)
    assert identity.get("role_assignments?include_names")["role_assignments"] == []
    assert identity.get(f"users/{user['id']}/groups")["groups"] == []
