"""Application credentials, and the access rules that some of them are held to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cellrig.http.auth import TOKEN_HEADER
from cellrig.http.calls import Answer, Call
from cellrig.http.dates import naive
from cellrig.http.errors import Refusal
from cellrig.http.identity.directory import Directory
from cellrig.http.identity.people import listed, wanted
from cellrig.identity.types import ApplicationCredential

Rule = dict[str, Any]


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
    if credential.access_rules is not None:
        rules = call.service.identity.credentials.rules
        told["access_rules"] = [rules.get(id_) for id_ in credential.access_rules]
    return told if secret is None else {**told, "secret": secret}


def _own(call: Call[Directory]) -> str:
    """Return the user of the path, who is the caller: credentials are nobody else's business."""
    user_id, caller = call.parameters["user_id"], call.caller
    if caller is None or caller.user_id != user_id:
        raise Refusal(403, f"application credentials of user {user_id} are theirs alone")
    return user_id


def _managing(call: Call[Directory]) -> str:
    """Return the user of the path, unless a credential asks that is not to make or end others."""
    user_id, identity = _own(call), call.service.identity
    token = identity.validate(call.headers.get(TOKEN_HEADER.upper()))
    if token is not None and token.application_credential_id is not None:
        credential = identity.credentials.find(id=token.application_credential_id)
        if credential is None or not credential.unrestricted:
            raise Refusal(403, "this application credential neither makes nor ends others")
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
    user_id = _managing(call)
    identity = call.service.identity
    asked = call.body["application_credential"]
    names = {role.name: role.id for role in identity.roles.all()}
    roles = asked.get("roles")
    expires = asked.get("expires_at")
    credential, secret = identity.credentials.make(
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
        rules=asked.get("access_rules"),
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
    _managing(call)
    call.service.identity.delete_credential(_found(call))
    return Answer(204)


def _found(call: Call[Directory]) -> ApplicationCredential:
    user_id = _own(call)
    credential = call.service.identity.credentials.get(call.parameters["credential_id"])
    if credential.user_id != user_id:
        raise Refusal(404, f"there is no application credential {credential.id}")
    return credential


# -- access rules -------------------------------------------------------------------------------


def _rule(call: Call[Directory], rule: Rule) -> Rule:
    path = f"users/{call.parameters['user_id']}/access_rules/{rule['id']}"
    return {**rule, "links": {"self": f"{call.origin}{call.base}/v3/{path}"}}


def list_rules(call: Call[Directory]) -> Answer:
    """List what one's own application credentials are held to."""
    user_id = _own(call)
    found = call.service.identity.credentials.rules.all(user_id)
    return listed(call, f"users/{user_id}/access_rules", [_rule(call, rule) for rule in found])


def show_rule(call: Call[Directory]) -> Answer:
    """Show one of one's own access rules."""
    rule = call.service.identity.credentials.rule(_own(call), call.parameters["rule_id"])
    return Answer(body={"access_rule": _rule(call, rule)})


def delete_rule(call: Call[Directory]) -> Answer:
    """Remove one of one's own access rules, which no credential is held to any more."""
    call.service.identity.credentials.delete_rule(_managing(call), call.parameters["rule_id"])
    return Answer(204)
