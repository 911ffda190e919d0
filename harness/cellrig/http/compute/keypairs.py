"""Key pairs."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.compute.links import next_page
from cellrig.http.compute.paging import is_full, page
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.dates import naive
from cellrig.model import Keypair, KeypairType


def _view(call: ComputeCall, keypair: Keypair) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": keypair.name,
        "public_key": keypair.public_key,
        "fingerprint": keypair.fingerprint,
    }
    if call.version >= (2, 2):
        told["type"] = keypair.type
    return told


def _user(call: ComputeCall) -> str | None:
    """Return whose key pairs are meant, where somebody is named (since 2.10)."""
    return call.single("user_id") if call.version >= (2, 10) else None


def list_keypairs(call: ComputeCall) -> Answer:
    """List a user's key pairs; in pages from 2.35 on."""
    found = call.service.keypairs.all(context_of(call), _user(call))
    paged = call.version >= (2, 35)
    shown = page(call, found, lambda each: each.name) if paged else found
    told: dict[str, Any] = {"keypairs": [{"keypair": _view(call, each)} for each in shown]}
    if paged and is_full(call, shown):
        told["keypairs_links"] = next_page(call, "os-keypairs", shown[-1].name)
    return Answer(body=told)


def create_keypair(call: ComputeCall) -> Answer:
    """Import a public key, or before 2.92 make a new key pair."""
    given, context = call.body["keypair"], context_of(call)
    user_id = given.get("user_id") if call.version >= (2, 10) else None
    call.service.quotas.check_keypairs(context, user_id)
    keypair, private = call.service.keypairs.create(
        context,
        given["name"] if call.version >= (2, 92) else given["name"].strip(),
        public_key=given.get("public_key"),
        type=KeypairType(given.get("type", KeypairType.SSH)),
        user_id=user_id,
    )
    told = {**_view(call, keypair), "user_id": keypair.user_id}
    if private is not None:
        told["private_key"] = private
    return Answer(201 if call.version >= (2, 2) else 200, {"keypair": told})


def show_keypair(call: ComputeCall) -> Answer:
    """Show one of a user's key pairs."""
    keypair = call.service.keypairs.show(context_of(call), call.parameters["name"], _user(call))
    told = {
        **_view(call, keypair),
        "id": keypair.number,
        "user_id": keypair.user_id,
        "created_at": naive(keypair.created_at),
        "updated_at": None,
        "deleted": False,
        "deleted_at": None,
    }
    return Answer(body={"keypair": told})


def delete_keypair(call: ComputeCall) -> Answer:
    """Delete one of a user's key pairs."""
    call.service.keypairs.delete(context_of(call), call.parameters["name"], _user(call))
    return Answer(204 if call.version >= (2, 2) else 202)
