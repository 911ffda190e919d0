"""Who has which role where: in projects, in domains, in the system."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer, Call
from cellrig.http.errors import Refusal
from cellrig.http.identity import roles
from cellrig.http.identity.directory import Directory
from cellrig.http.identity.people import listed
from cellrig.identity.grants import Place
from cellrig.identity.tree import below
from cellrig.identity.types import Assignment

#: What the path of a role ends with that is had below a place only.
INHERITED = "/inherited_to_projects"


def _place(call: Call[Directory]) -> dict[str, Any]:
    """Return who, where and how, as the path says it."""
    parameters = call.parameters
    scope = next((s for s in ("project", "domain") if f"{s}_id" in parameters), "system")
    actor = "group" if "group_id" in parameters else "user"
    return {
        "actor": actor,
        "actor_id": parameters[f"{actor}_id"],
        "scope": scope,
        "target": parameters.get(f"{scope}_id", "all"),
    }


def _assignment(call: Call[Directory], *, inherited: bool) -> Assignment:
    role_id = call.parameters["role_id"]
    return Assignment(role_id=role_id, inherited=inherited, **_place(call))


def grant(call: Call[Directory]) -> Answer:
    """Give a role somewhere."""
    call.service.identity.grant(_assignment(call, inherited=False))
    return Answer(204)


def grant_below(call: Call[Directory]) -> Answer:
    """Give a role in the projects below a project or a domain."""
    call.service.identity.grant(_assignment(call, inherited=True))
    return Answer(204)


def check(call: Call[Directory]) -> Answer:
    """Tell whether a role was given somewhere."""
    return _checked(call, _assignment(call, inherited=False))


def check_below(call: Call[Directory]) -> Answer:
    """Tell whether a role was given in the projects below a project or a domain."""
    return _checked(call, _assignment(call, inherited=True))


def _checked(call: Call[Directory], asked: Assignment) -> Answer:
    if asked not in call.service.identity.grants.all(**_place(call)):
        told = f"{asked.actor} {asked.actor_id} does not have role {asked.role_id} there"
        raise Refusal(404, told)
    return Answer(204)


def revoke(call: Call[Directory]) -> Answer:
    """Take a role away."""
    call.service.identity.revoke(_assignment(call, inherited=False))
    return Answer(204)


def revoke_below(call: Call[Directory]) -> Answer:
    """Take a role away in the projects below a project or a domain."""
    call.service.identity.revoke(_assignment(call, inherited=True))
    return Answer(204)


def list_grants(call: Call[Directory]) -> Answer:
    """List the roles that were given somewhere."""
    return _roles(call, inherited=False)


def list_grants_below(call: Call[Directory]) -> Answer:
    """List the roles that were given in the projects below a project or a domain."""
    return _roles(call, inherited=True)


def _roles(call: Call[Directory], *, inherited: bool) -> Answer:
    identity = call.service.identity
    given = identity.grants.all(**_place(call), inherited=int(inherited))
    ids = {each.role_id for each in given}
    return listed(
        call, "roles", [roles.shown(call, role) for role in identity.roles.all() if role.id in ids]
    )


# -- all of them --------------------------------------------------------------------------------


def list_assignments(call: Call[Directory]) -> Answer:
    """List who has which role where: as it was given, or with ``effective`` as users have it."""
    grants = call.service.identity.grants
    is_effective = _is_asked(call, "effective")
    found = grants.effective() if is_effective else grants.all()
    named = _is_asked(call, "include_names")
    places = _places(call)
    wanted = [
        _shown(call, each, named=named)
        for each in found
        if _fits(call, each) and (places is None or (each.scope, each.target) in places)
    ]
    return listed(call, "role_assignments", wanted)


def _is_asked(call: Call[Directory], name: str) -> bool:
    """Whether the query has a flag; it needs no value."""
    value = call.single(name)
    return value is not None and value.lower() not in ("0", "false")


def _fits(call: Call[Directory], each: Assignment) -> bool:
    asked = {
        "role.id": each.role_id,
        "user.id": each.actor_id if each.actor == "user" else "",
        "group.id": each.actor_id if each.actor == "group" else "",
        "scope.OS-INHERIT:inherited_to": "projects" if each.inherited else "",
    }
    return all(call.single(name) in (None, value) for name, value in asked.items())


def _places(call: Call[Directory]) -> set[Place] | None:
    """Return the places that the query asks about; None for everywhere."""
    project_id = call.single("scope.project.id")
    if project_id is not None:
        found = {Place("project", project_id)}
        if _is_asked(call, "include_subtree"):
            projects = below(call.service.identity.projects, project_id)
            found |= {Place("project", each.id) for each in projects}
        return found
    domain_id = call.single("scope.domain.id")
    if domain_id is not None:
        return {Place("domain", domain_id)}
    return {Place("system", "all")} if call.single("scope.system") is not None else None


def _shown(call: Call[Directory], each: Assignment, *, named: bool) -> dict[str, Any]:
    identity = call.service.identity
    actor: dict[str, Any] = {"id": each.actor_id}
    role: dict[str, Any] = {"id": each.role_id}
    place: dict[str, Any] = {"id": each.target}
    if named:
        things = identity.users if each.actor == "user" else identity.groups
        found = things.get(each.actor_id)
        actor |= {"name": found.name, "domain": call.service.domain_of(found.domain_id)}
        role["name"] = identity.roles.get(each.role_id).name
        if each.scope == "project":
            project = identity.projects.get(each.target)
            place |= {"name": project.name, "domain": call.service.domain_of(project.domain_id)}
        elif each.scope == "domain":
            place = dict(call.service.domain_of(each.target))
    scope: dict[str, Any] = {each.scope: place}
    if each.scope == "system":
        scope = {"system": {"all": True}}
    if each.inherited:
        scope["OS-INHERIT:inherited_to"] = "projects"
    links = {"assignment": f"{call.origin}{call.base}/v3{_path(each)}"}
    return {each.actor: actor, "role": role, "scope": scope, "links": links}


def _path(each: Assignment) -> str:
    place = "/system" if each.scope == "system" else f"/{each.scope}s/{each.target}"
    path = f"{place}/{each.actor}s/{each.actor_id}/roles/{each.role_id}"
    return f"/OS-INHERIT{path}{INHERITED}" if each.inherited else path
