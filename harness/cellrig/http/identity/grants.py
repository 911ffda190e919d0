"""Roles, who has them where, and application credentials."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from cellrig.http.calls import Answer, Call
from cellrig.http.dates import naive
from cellrig.http.errors import Refusal
from cellrig.http.identity.directory import Directory
from cellrig.http.identity.people import listed, wanted
from cellrig.identity.types import ApplicationCredential, Assignment, Role


def _role(call: Call[Directory], role: Role) -> dict[str, Any]:
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description or None,
        "domain_id": None,
        "options": {},
        "links": {"self": f"{call.origin}{call.base}/v3/roles/{role.id}"},
    }


def list_roles(call: Call[Directory]) -> Answer:
    """List roles."""
    found = call.service.identity.roles.all(wanted(call, "name"))
    return listed(call, "roles", [_role(call, role) for role in found])


def create_role(call: Call[Directory]) -> Answer:
    """Add a role."""
    identity = call.service.identity
    asked = call.body["role"]
    role = identity.roles.create(
        Role(id=identity.new_id(), name=asked["name"], description=asked.get("description") or "")
    )
    return Answer(201, {"role": _role(call, role)})


def show_role(call: Call[Directory]) -> Answer:
    """Show a role."""
    role = call.service.identity.roles.get(call.parameters["role_id"])
    return Answer(body={"role": _role(call, role)})


def update_role(call: Call[Directory]) -> Answer:
    """Change a role."""
    identity, asked = call.service.identity, call.body["role"]
    known = identity.roles.get(call.parameters["role_id"])
    fields = {"name": asked.get("name", known.name)}
    if "description" in asked:
        fields["description"] = asked["description"] or ""
    return Answer(body={"role": _role(call, identity.update_role(replace(known, **fields)))})


def delete_role(call: Call[Directory]) -> Answer:
    """Remove a role."""
    call.service.identity.delete_role(call.parameters["role_id"])
    return Answer(204)


def _assignment(call: Call[Directory]) -> Assignment:
    parameters = call.parameters
    scope = next((s for s in ("project", "domain") if f"{s}_id" in parameters), "system")
    return Assignment(
        user_id=parameters["user_id"],
        role_id=parameters["role_id"],
        scope=scope,
        target=parameters.get(f"{scope}_id", "all"),
    )


def grant(call: Call[Directory]) -> Answer:
    """Give a user a role somewhere."""
    call.service.identity.grant(_assignment(call))
    return Answer(204)


def check(call: Call[Directory]) -> Answer:
    """Tell whether a user has a role somewhere."""
    asked = _assignment(call)
    given = call.service.identity.assignments(
        user_id=asked.user_id, scope=asked.scope, target=asked.target
    )
    if asked not in given:
        raise Refusal(404, f"user {asked.user_id} does not have role {asked.role_id} there")
    return Answer(204)


def revoke(call: Call[Directory]) -> Answer:
    """Take a role away from a user."""
    call.service.identity.revoke(_assignment(call))
    return Answer(204)


def list_grants(call: Call[Directory]) -> Answer:
    """List the roles that a user has somewhere."""
    identity = call.service.identity
    parameters = call.parameters
    scope = next((s for s in ("project", "domain") if f"{s}_id" in parameters), "system")
    given = identity.assignments(
        user_id=parameters["user_id"], scope=scope, target=parameters.get(f"{scope}_id", "all")
    )
    ids = {each.role_id for each in given}
    return listed(
        call, "roles", [_role(call, role) for role in identity.roles.all() if role.id in ids]
    )


def list_assignments(call: Call[Directory]) -> Answer:
    """List who has which role where."""
    asked = {
        "user_id": call.single("user.id"),
        "role_id": call.single("role.id"),
        "target": call.single("scope.project.id") or call.single("scope.domain.id"),
    }
    found = call.service.identity.assignments(
        **{key: value for key, value in asked.items() if value is not None}
    )
    named = call.single("include_names") is not None
    return listed(call, "role_assignments", [_shown(call, each, named) for each in found])


def _shown(call: Call[Directory], each: Assignment, named: bool) -> dict[str, Any]:
    identity = call.service.identity
    user: dict[str, Any] = {"id": each.user_id}
    role: dict[str, Any] = {"id": each.role_id}
    place: dict[str, Any] = {"id": each.target}
    if named:
        found = identity.users.get(each.user_id)
        user |= {"name": found.name, "domain": call.service.domain_of(found.domain_id)}
        role["name"] = identity.roles.get(each.role_id).name
        if each.scope == "project":
            project = identity.projects.get(each.target)
            place |= {"name": project.name, "domain": call.service.domain_of(project.domain_id)}
    scope = {"system": {"all": True}} if each.scope == "system" else {each.scope: place}
    links = {"assignment": f"{call.origin}{call.base}/v3/role_assignments"}
    return {"user": user, "role": role, "scope": scope, "links": links}


# -- application credentials --------------------------------------------------------------------


def _credential(
    call: Call[Directory], credential: ApplicationCredential, secret: str | None = None
) -> dict[str, Any]:
    names = {role.id: role.name for role in call.service.identity.roles.all()}
    path = f"users/{credential.user_id}/application_credentials/{credential.id}"
    told: dict[str, Any] = {
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "project_id": credential.project_id,
        "user_id": credential.user_id,
        "roles": [{"id": id_, "name": names.get(id_, "")} for id_ in credential.roles],
        "unrestricted": credential.unrestricted,
        "expires_at": None if credential.expires_at is None else naive(credential.expires_at),
        "links": {"self": f"{call.origin}{call.base}/v3/{path}"},
    }
    return told if secret is None else {**told, "secret": secret}


def _own(call: Call[Directory]) -> str:
    """Return the user of the path, who is the caller: credentials are nobody else's business."""
    user_id, caller = call.parameters["user_id"], call.caller
    if caller is None or caller.user_id != user_id:
        raise Refusal(403, f"application credentials of user {user_id} are theirs alone")
    return user_id


def list_credentials(call: Call[Directory]) -> Answer:
    """List one's own application credentials."""
    user_id = _own(call)
    found = call.service.identity.credentials.all({"user_id": user_id, **wanted(call, "name")})
    return listed(
        call, f"users/{user_id}/application_credentials", [_credential(call, e) for e in found]
    )


def create_credential(call: Call[Directory]) -> Answer:
    """Make an application credential for oneself, in the project of the token."""
    user_id = _own(call)
    identity = call.service.identity
    asked = call.body["application_credential"]
    names = {role.name: role.id for role in identity.roles.all()}
    roles = asked.get("roles")
    expires = asked.get("expires_at")
    credential, secret = identity.create_credential(
        user_id,
        call.caller.project_id if call.caller else "",
        asked["name"],
        secret=asked.get("secret"),
        roles=None
        if roles is None
        else tuple(role.get("id") or names.get(role.get("name", ""), "") for role in roles),
        description=asked.get("description") or "",
        unrestricted=bool(asked.get("unrestricted")),
        expires_at=None if expires is None else _seconds(expires),
    )
    return Answer(201, {"application_credential": _credential(call, credential, secret)})


def _seconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, f"expires_at {text!r}: takes a time as ISO 8601 writes it") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def show_credential(call: Call[Directory]) -> Answer:
    """Show one of one's own application credentials."""
    return Answer(body={"application_credential": _credential(call, _found(call))})


def delete_credential(call: Call[Directory]) -> Answer:
    """Remove one of one's own application credentials."""
    call.service.identity.credentials.delete(_found(call).id)
    return Answer(204)


def _found(call: Call[Directory]) -> ApplicationCredential:
    user_id = _own(call)
    credential = call.service.identity.credentials.get(call.parameters["credential_id"])
    if credential.user_id != user_id:
        raise Refusal(404, f"there is no application credential {credential.id}")
    return credential
