"""Roles, and which of them come with which."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cellrig.errors import NotFound
from cellrig.http.calls import Answer, Call
from cellrig.http.identity.directory import Directory
from cellrig.http.identity.people import listed, wanted
from cellrig.identity.types import Role


def shown(call: Call[Directory], role: Role) -> dict[str, Any]:
    """Return a role as clients see it."""
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description or None,
        "domain_id": role.domain_id or None,
        "options": {},
        "links": _self(call, role.id),
    }


def _self(call: Call[Directory], path: str) -> dict[str, str]:
    return {"self": f"{call.origin}{call.base}/v3/roles/{path}"}


def list_roles(call: Call[Directory]) -> Answer:
    """List the roles of all, or those that a domain keeps for itself."""
    asked = {"domain_id": "", **wanted(call, "name", "domain_id")}
    found = call.service.identity.roles.all(asked)
    return listed(call, "roles", [shown(call, role) for role in found])


def create_role(call: Call[Directory]) -> Answer:
    """Add a role."""
    identity = call.service.identity
    asked = call.body["role"]
    domain_id = asked.get("domain_id") or ""
    if domain_id:
        identity.domains.get(domain_id)
    role = identity.roles.create(
        Role(
            id=identity.new_id(),
            name=asked["name"],
            description=asked.get("description") or "",
            domain_id=domain_id,
        )
    )
    return Answer(201, {"role": shown(call, role)})


def show_role(call: Call[Directory]) -> Answer:
    """Show a role."""
    role = call.service.identity.roles.get(call.parameters["role_id"])
    return Answer(body={"role": shown(call, role)})


def update_role(call: Call[Directory]) -> Answer:
    """Change a role."""
    identity, asked = call.service.identity, call.body["role"]
    known = identity.roles.get(call.parameters["role_id"])
    fields = {"name": asked.get("name", known.name)}
    if "description" in asked:
        fields["description"] = asked["description"] or ""
    return Answer(body={"role": shown(call, identity.update_role(replace(known, **fields)))})


def delete_role(call: Call[Directory]) -> Answer:
    """Remove a role."""
    call.service.identity.delete_role(call.parameters["role_id"])
    return Answer(204)


# -- which come with which ----------------------------------------------------------------------


def _brief(call: Call[Directory], role: Role) -> dict[str, Any]:
    return {"id": role.id, "name": role.name, "links": _self(call, role.id)}


def _rules(call: Call[Directory], prior: Role) -> dict[str, Any]:
    roles, rules = call.service.identity.roles, call.service.identity.implications.all()
    implied = [_brief(call, roles.get(each)) for each in rules.get(prior.id, [])]
    return {"prior_role": _brief(call, prior), "implies": implied}


def _rule(call: Call[Directory]) -> dict[str, Any]:
    roles = call.service.identity.roles
    prior, implied = (roles.get(call.parameters[key]) for key in ("prior_id", "implied_id"))
    return {
        "role_inference": {"prior_role": _brief(call, prior), "implies": _brief(call, implied)},
        "links": _self(call, f"{prior.id}/implies/{implied.id}"),
    }


def list_all_rules(call: Call[Directory]) -> Answer:
    """List which roles come with which."""
    identity = call.service.identity
    priors = identity.implications.all()
    told = [_rules(call, role) for role in identity.roles.all() if role.id in priors]
    links = {"self": f"{call.origin}{call.base}/v3/role_inferences"}
    return Answer(body={"role_inferences": told, "links": links})


def list_rules(call: Call[Directory]) -> Answer:
    """List the roles that come with one by a rule of its own."""
    prior = call.service.identity.roles.get(call.parameters["prior_id"])
    links = _self(call, f"{prior.id}/implies")
    return Answer(body={"role_inference": _rules(call, prior), "links": links})


def add_rule(call: Call[Directory]) -> Answer:
    """Let a role come with another one."""
    parameters = call.parameters
    call.service.identity.implications.add(parameters["prior_id"], parameters["implied_id"])
    return Answer(201, _rule(call))


def show_rule(call: Call[Directory]) -> Answer:
    """Show that a role comes with another one."""
    told, rules = _rule(call), call.service.identity.implications.all()
    if call.parameters["implied_id"] not in rules.get(call.parameters["prior_id"], []):
        raise NotFound("role inference", call.parameters["implied_id"])
    return Answer(body=told)


def check_rule(call: Call[Directory]) -> Answer:
    """Tell whether a role comes with another one."""
    show_rule(call)
    return Answer(204)


def delete_rule(call: Call[Directory]) -> Answer:
    """Let a role come with another one no longer."""
    parameters = call.parameters
    call.service.identity.implications.remove(parameters["prior_id"], parameters["implied_id"])
    return Answer(204)
