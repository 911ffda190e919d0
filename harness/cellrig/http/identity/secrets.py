"""Credentials that users keep here for other services: a text, and what kind it is."""

from __future__ import annotations

from typing import Any

from cellrig.errors import Forbidden
from cellrig.http.calls import Answer, Call
from cellrig.http.identity.directory import Directory
from cellrig.http.identity.people import listed

Shown = dict[str, Any]


def _shown(call: Call[Directory], credential: Shown) -> Shown:
    links = {"self": f"{call.origin}{call.base}/v3/credentials/{credential['id']}"}
    return {**credential, "links": links}


def _check(call: Call[Directory], user_id: str) -> None:
    caller = call.caller
    if caller is not None and not caller.is_admin and caller.user_id != user_id:
        raise Forbidden(f"credentials of user {user_id} are theirs alone")


def list_credentials(call: Call[Directory]) -> Answer:
    """List credentials; a plain user sees their own."""
    caller = call.caller
    owner = None if caller is None or caller.is_admin else caller.user_id
    asked = {key: call.single(key) for key in ("user_id", "type")}
    found = [
        _shown(call, each)
        for each in call.service.identity.secrets.all(owner)
        if all(value in (None, each[key]) for key, value in asked.items())
    ]
    return listed(call, "credentials", found)


def create_credential(call: Call[Directory]) -> Answer:
    """Keep a credential of a user."""
    identity, asked = call.service.identity, call.body["credential"]
    user_id = asked["user_id"]
    _check(call, user_id)
    identity.users.get(user_id)
    credential = {
        "id": identity.new_id(),
        "type": asked["type"],
        "blob": asked["blob"],
        "user_id": user_id,
        "project_id": asked.get("project_id"),
    }
    return Answer(201, {"credential": _shown(call, identity.secrets.create(credential, user_id))})


def show_credential(call: Call[Directory]) -> Answer:
    """Show a credential."""
    return Answer(body={"credential": _shown(call, _found(call))})


def update_credential(call: Call[Directory]) -> Answer:
    """Change the text of a credential, or its kind."""
    asked = call.body["credential"]
    credential = _found(call)
    changed = {**credential, **{key: asked[key] for key in ("blob", "type") if key in asked}}
    kept = call.service.identity.secrets.replace(changed)
    return Answer(body={"credential": _shown(call, kept)})


def delete_credential(call: Call[Directory]) -> Answer:
    """Remove a credential."""
    call.service.identity.secrets.delete(_found(call)["id"])
    return Answer(204)


def _found(call: Call[Directory]) -> Shown:
    credential = call.service.identity.secrets.get(call.parameters["id"])
    _check(call, credential["user_id"])
    return credential
