"""Groups, and the users in them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cellrig.http.calls import Answer, Call
from cellrig.http.errors import Refusal
from cellrig.http.identity.directory import Directory
from cellrig.http.identity.people import added, changes, listed, wanted
from cellrig.identity.types import DEFAULT_DOMAIN, Group


def _shown(call: Call[Directory], group: Group) -> dict[str, Any]:
    return {
        **group.extra,
        "id": group.id,
        "name": group.name,
        "domain_id": group.domain_id,
        "description": group.description,
        "links": {"self": f"{call.origin}{call.base}/v3/groups/{group.id}"},
    }


def list_groups(call: Call[Directory]) -> Answer:
    """List groups."""
    found = call.service.identity.groups.all(wanted(call, "name", "domain_id"))
    return listed(call, "groups", [_shown(call, group) for group in found])


def create_group(call: Call[Directory]) -> Answer:
    """Add a group."""
    identity, asked = call.service.identity, call.body["group"]
    domain_id = asked.get("domain_id") or DEFAULT_DOMAIN
    identity.domains.get(domain_id)
    group = identity.groups.create(
        Group(
            id=identity.new_id(),
            name=asked["name"],
            domain_id=domain_id,
            description=asked.get("description") or "",
            extra=added(call, "group"),
        )
    )
    return Answer(201, {"group": _shown(call, group)})


def show_group(call: Call[Directory]) -> Answer:
    """Show a group."""
    group = call.service.identity.groups.get(call.parameters["group_id"])
    return Answer(body={"group": _shown(call, group)})


def update_group(call: Call[Directory]) -> Answer:
    """Change a group."""
    groups = call.service.identity.groups
    known = groups.get(call.parameters["group_id"])
    changed = changes(call, "group")
    changed.pop("enabled", None)
    extra = {**known.extra, **added(call, "group")}
    return Answer(
        body={"group": _shown(call, groups.replace(replace(known, **changed, extra=extra)))}
    )


def delete_group(call: Call[Directory]) -> Answer:
    """Remove a group."""
    call.service.identity.delete_group(call.parameters["group_id"])
    return Answer(204)


def list_members(call: Call[Directory]) -> Answer:
    """List the users who are in a group."""
    identity, group_id = call.service.identity, call.parameters["group_id"]
    identity.groups.get(group_id)
    ids = set(identity.memberships.members_of(group_id))
    found = [
        call.service.user(call, user)
        for user in identity.users.all(wanted(call, "name", "enabled"))
        if user.id in ids
    ]
    return listed(call, f"groups/{group_id}/users", found)


def add_member(call: Call[Directory]) -> Answer:
    """Put a user into a group."""
    identity = call.service.identity
    user = identity.users.get(call.parameters["user_id"])
    group = identity.groups.get(call.parameters["group_id"])
    identity.memberships.add(user.id, group.id)
    return Answer(204)


def check_member(call: Call[Directory]) -> Answer:
    """Tell whether a user is in a group."""
    user_id, group_id = call.parameters["user_id"], call.parameters["group_id"]
    if group_id not in call.service.identity.memberships.groups_of(user_id):
        raise Refusal(404, f"user {user_id} is not in group {group_id}")
    return Answer(204)


def remove_member(call: Call[Directory]) -> Answer:
    """Take a user out of a group."""
    call.service.identity.leave_group(call.parameters["user_id"], call.parameters["group_id"])
    return Answer(204)


def list_users_groups(call: Call[Directory]) -> Answer:
    """List the groups that a user is in; a plain one asks for their own."""
    identity = call.service.identity
    user_id, caller = call.parameters["user_id"], call.caller
    if caller is not None and not caller.is_admin and caller.user_id != user_id:
        raise Refusal(403, f"groups of user {user_id} are not shown to {caller.user_id}")
    identity.users.get(user_id)
    ids = set(identity.memberships.groups_of(user_id))
    found = [
        {**_shown(call, group), "membership_expires_at": None}
        for group in identity.groups.all(wanted(call, "name"))
        if group.id in ids
    ]
    return listed(call, f"users/{user_id}/groups", found)
