"""Domains and users."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cellrig.http.calls import Answer, Call
from cellrig.http.errors import Refusal
from cellrig.http.identity.directory import Directory
from cellrig.identity.errors import Unauthorized
from cellrig.identity.types import DEFAULT_DOMAIN, Domain, Scope

_OF_USERS = ("email", "default_project_id", "password", "original_password")
_FLAGS = {"true": True, "false": False, "1": True, "0": False, "": True}


def wanted(call: Call[Directory], *fields: str) -> dict[str, object]:
    """Return the fields that the query asks for; ``enabled`` as a boolean."""
    asked: dict[str, object] = {}
    for field in fields:
        value = call.single(field)
        if value is not None:
            asked[field] = _FLAGS.get(value.lower(), value) if field == "enabled" else value
    return asked


def listed(call: Call[Directory], name: str, found: list[dict[str, Any]]) -> Answer:
    """Return a whole collection; the identity service pages none."""
    links = {"self": f"{call.origin}{call.base}/v3/{name}", "next": None, "previous": None}
    return Answer(body={name.rpartition("/")[2]: found, "links": links})


def changes(call: Call[Directory], name: str, *fields: str) -> dict[str, Any]:
    """Return the fields that a body changes: name, description, enabled, and `fields`."""
    asked = call.body[name]
    names = ("name", "description", "enabled", *fields)
    found = {key: asked[key] for key in names if key in asked}
    if "description" in found:
        found["description"] = found["description"] or ""
    return found


def added(call: Call[Directory], name: str, *fields: str) -> dict[str, Any]:
    """Return the attributes of a body that the API has no name for: clients may add some.

    Args:
        call: the call.
        name: of what is in the body.
        fields: that the API knows, besides those that everything has.
    """
    known = {"id", "name", "description", "enabled", "domain_id", "links", "options", *fields}
    return {key: value for key, value in call.body[name].items() if key not in known}


# -- domains ------------------------------------------------------------------------------------


def list_domains(call: Call[Directory]) -> Answer:
    """List domains."""
    found = call.service.identity.domains.all(wanted(call, "name", "enabled"))
    return listed(call, "domains", [call.service.domain(call, each) for each in found])


def create_domain(call: Call[Directory]) -> Answer:
    """Add a domain."""
    asked = call.body["domain"]
    identity = call.service.identity
    domain = identity.domains.create(
        Domain(
            id=identity.new_id(),
            name=asked["name"],
            description=asked.get("description") or "",
            enabled=asked.get("enabled", True),
        )
    )
    return Answer(201, {"domain": call.service.domain(call, domain)})


def show_domain(call: Call[Directory]) -> Answer:
    """Show a domain; a plain user sees their own, and those in which they have a role."""
    identity = call.service.identity
    domain_id, caller = call.parameters["domain_id"], call.caller
    if caller is not None and not caller.is_admin:
        user = identity.users.find(id=caller.user_id)
        own = user is not None and user.domain_id == domain_id
        if not own and not identity.roles_in(caller.user_id, Scope(domain_id=domain_id)):
            raise Refusal(403, f"domain {domain_id} is not shown to {caller.user_id}")
    domain = identity.domains.get(domain_id)
    return Answer(body={"domain": call.service.domain(call, domain)})


def update_domain(call: Call[Directory]) -> Answer:
    """Change a domain."""
    domains = call.service.identity.domains
    known = domains.get(call.parameters["domain_id"])
    domain = domains.replace(replace(known, **changes(call, "domain")))
    return Answer(body={"domain": call.service.domain(call, domain)})


def delete_domain(call: Call[Directory]) -> Answer:
    """Remove a domain, which must be disabled, with all that is in it."""
    identity = call.service.identity
    domain = identity.domains.get(call.parameters["domain_id"])
    if domain.enabled and domain.id != DEFAULT_DOMAIN:
        raise Refusal(403, "Cannot delete a domain that is enabled, please disable it first.")
    identity.delete_domain(domain.id)
    return Answer(204)


# -- users --------------------------------------------------------------------------------------


def list_users(call: Call[Directory]) -> Answer:
    """List users."""
    found = call.service.identity.users.all(wanted(call, "name", "domain_id", "enabled"))
    return listed(call, "users", [call.service.user(call, each) for each in found])


def create_user(call: Call[Directory]) -> Answer:
    """Add a user."""
    asked = call.body["user"]
    identity = call.service.identity
    domain_id = asked.get("domain_id") or DEFAULT_DOMAIN
    identity.domains.get(domain_id)
    user = identity.create_user(
        asked["name"],
        asked.get("password"),
        domain_id=domain_id,
        default_project_id=asked.get("default_project_id"),
        description=asked.get("description") or "",
        email=asked.get("email"),
        enabled=asked.get("enabled", True),
        extra=added(call, "user", *_OF_USERS),
    )
    return Answer(201, {"user": call.service.user(call, user)})


def show_user(call: Call[Directory]) -> Answer:
    """Show a user; a plain one sees themselves."""
    user_id, caller = call.parameters["user_id"], call.caller
    if caller is not None and not caller.is_admin and caller.user_id != user_id:
        raise Refusal(403, f"user {user_id} is not shown to {caller.user_id}")
    return Answer(body={"user": call.service.user(call, call.service.identity.users.get(user_id))})


def update_user(call: Call[Directory]) -> Answer:
    """Change a user."""
    identity = call.service.identity
    asked = call.body["user"]
    before = identity.users.get(call.parameters["user_id"])
    changed = changes(call, "user", "email", "default_project_id")
    extra = {**before.extra, **added(call, "user", *_OF_USERS)}
    user = identity.users.replace(replace(before, **changed, extra=extra))
    if asked.get("password") is not None:
        user = identity.set_password(user, asked["password"])
    elif not user.enabled:
        identity.revoke_all(user.id)
    return Answer(body={"user": call.service.user(call, user)})


def delete_user(call: Call[Directory]) -> Answer:
    """Remove a user."""
    call.service.identity.delete_user(call.parameters["user_id"])
    return Answer(204)


def change_password(call: Call[Directory]) -> Answer:
    """Let users change their own password."""
    identity = call.service.identity
    user = identity.users.get(call.parameters["user_id"])
    try:
        identity.user_by_password(user, call.body["user"]["original_password"])
    except Unauthorized as error:
        raise Refusal(401, str(error)) from error
    identity.set_password(user, call.body["user"]["password"])
    return Answer(204)


def list_users_projects(call: Call[Directory]) -> Answer:
    """List the projects in which a user has a role."""
    identity = call.service.identity
    user_id, caller = call.parameters["user_id"], call.caller
    if caller is not None and not caller.is_admin and caller.user_id != user_id:
        raise Refusal(403, f"projects of user {user_id} are not shown to {caller.user_id}")
    identity.users.get(user_id)
    given = identity.grants.targets(user_id, "project")
    found = [project for project in identity.projects.all() if project.id in given]
    return listed(
        call, f"users/{user_id}/projects", [call.service.project(call, each) for each in found]
    )
