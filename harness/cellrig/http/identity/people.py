"""Domains, projects and users."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cellrig.http.calls import Answer, Call
from cellrig.http.errors import Refusal
from cellrig.http.identity.directory import Directory
from cellrig.identity.errors import Immutable, Unauthorized
from cellrig.identity.types import DEFAULT_DOMAIN, Domain, Project

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
    """Show a domain."""
    domain = call.service.identity.domains.get(call.parameters["domain_id"])
    return Answer(body={"domain": call.service.domain(call, domain)})


def update_domain(call: Call[Directory]) -> Answer:
    """Change a domain."""
    domains = call.service.identity.domains
    domain = domains.replace(
        replace(domains.get(call.parameters["domain_id"]), **_changes(call, "domain"))
    )
    return Answer(body={"domain": call.service.domain(call, domain)})


def delete_domain(call: Call[Directory]) -> Answer:
    """Remove a domain, which must be disabled, with all that is in it."""
    identity = call.service.identity
    domain = identity.domains.get(call.parameters["domain_id"])
    if domain.id == DEFAULT_DOMAIN:
        raise Immutable("domain", domain.name)
    if domain.enabled:
        raise Refusal(403, "Cannot delete a domain that is enabled, please disable it first.")
    for project in identity.projects.all({"domain_id": domain.id}):
        identity.delete_project(project.id)
    for user in identity.users.all({"domain_id": domain.id}):
        identity.delete_user(user.id)
    identity.domains.delete(domain.id)
    return Answer(204)


# -- projects -----------------------------------------------------------------------------------


def list_projects(call: Call[Directory]) -> Answer:
    """List projects."""
    found = call.service.identity.projects.all(wanted(call, "name", "domain_id", "enabled"))
    return listed(call, "projects", [call.service.project(call, each) for each in found])


def create_project(call: Call[Directory]) -> Answer:
    """Add a project."""
    asked = call.body["project"]
    identity = call.service.identity
    domain_id = asked.get("domain_id") or DEFAULT_DOMAIN
    identity.domains.get(domain_id)
    project = identity.projects.create(
        Project(
            id=identity.new_id(),
            name=asked["name"],
            domain_id=domain_id,
            description=asked.get("description") or "",
            enabled=asked.get("enabled", True),
        )
    )
    return Answer(201, {"project": call.service.project(call, project)})


def show_project(call: Call[Directory]) -> Answer:
    """Show a project; a plain user sees those in which they have a role."""
    identity = call.service.identity
    project_id, caller = call.parameters["project_id"], call.caller
    if caller is not None and not caller.is_admin:
        own = identity.assignments(user_id=caller.user_id, scope="project", target=project_id)
        if not own:
            raise Refusal(403, f"project {project_id} is not shown to {caller.user_id}")
    project = identity.projects.get(project_id)
    return Answer(body={"project": call.service.project(call, project)})


def update_project(call: Call[Directory]) -> Answer:
    """Change a project."""
    projects = call.service.identity.projects
    project = projects.replace(
        replace(projects.get(call.parameters["project_id"]), **_changes(call, "project"))
    )
    return Answer(body={"project": call.service.project(call, project)})


def delete_project(call: Call[Directory]) -> Answer:
    """Remove a project."""
    call.service.identity.delete_project(call.parameters["project_id"])
    return Answer(204)


def _changes(call: Call[Directory], name: str) -> dict[str, Any]:
    asked = call.body[name]
    return {key: asked[key] for key in ("name", "description", "enabled") if key in asked}


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
    names = ("name", "description", "enabled", "email", "default_project_id")
    changes = {key: asked[key] for key in names if key in asked}
    before = identity.users.get(call.parameters["user_id"])
    user = identity.users.replace(replace(before, **changes))
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
    given = {each.target for each in identity.assignments(user_id=user_id, scope="project")}
    found = [project for project in identity.projects.all() if project.id in given]
    return listed(
        call, f"users/{user_id}/projects", [call.service.project(call, each) for each in found]
    )
