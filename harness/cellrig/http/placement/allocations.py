"""Allocations: what consumers hold."""

from __future__ import annotations

from typing import Any

import msgspec

from cellrig.http.calls import Answer, Call
from cellrig.http.errors import Refusal
from cellrig.http.placement.dates import newest
from cellrig.http.uuids import canonical
from cellrig.http.versions import Version
from cellrig.placement import PlacementClient
from cellrig.placement.types import AllocationsWrite, ConsumerAllocations

#: Owner of consumers that were written before microversion 1.8, which knows no owners.
UNKNOWN_OWNER = "00000000-0000-0000-0000-000000000000"


def show_allocations(call: Call[PlacementClient]) -> Answer:
    """Show what a consumer holds; nothing where there is no such consumer."""
    held = call.service.get_allocations(call.parameters["consumer_uuid"])
    if held is None:
        return Answer(body={"allocations": {}})
    told: dict[str, Any] = {
        "allocations": {
            uuid: {"resources": amounts, "generation": held.provider_generations[uuid]}
            for uuid, amounts in held.allocations.items()
        }
    }
    if call.version >= (1, 12):
        told |= {"project_id": held.project_id, "user_id": held.user_id}
    if call.version >= (1, 28):
        told["consumer_generation"] = held.generation
    if call.version >= (1, 38):
        told["consumer_type"] = held.consumer_type or "unknown"
    return Answer(body=told, updated_at=held.updated_at)


def put_allocations(call: Call[PlacementClient]) -> Answer:
    """Let a consumer hold exactly this."""
    uuid = consumer_uuid(call.parameters["consumer_uuid"])
    body = call.body
    if call.version < (1, 12):
        listed = body["allocations"]
        by_provider = {item["resource_provider"]["uuid"]: item for item in listed}
        body = {**_owners(call, uuid), **body, "allocations": by_provider}
    call.service.put_allocations(uuid, write_of(body, call.version))
    return Answer(204)


def post_allocations(call: Call[PlacementClient]) -> Answer:
    """Let several consumers hold exactly this, all of them or none."""
    call.service.post_allocations(writes_of(call.body, call.version))
    return Answer(204)


def delete_allocations(call: Call[PlacementClient]) -> Answer:
    """Take everything from a consumer."""
    uuid = call.parameters["consumer_uuid"]
    if not call.service.delete_allocations(uuid):
        raise Refusal(404, f"consumer {uuid} has no allocations")
    return Answer(204)


def list_provider_allocations(call: Call[PlacementClient]) -> Answer:
    """Show what consumers hold of a resource provider."""
    uuid = call.parameters["uuid"]
    held = call.service.get_provider_allocations(uuid)
    told = {one.consumer_uuid: _held_told(one, uuid, call.version) for one in held.consumers}
    return Answer(
        body={"allocations": told, "resource_provider_generation": held.generation},
        updated_at=newest(one.updated_at for one in held.consumers),
    )


def writes_of(body: dict[str, Any], version: Version) -> dict[str, AllocationsWrite]:
    """Return what several consumers shall hold, by consumer uuid."""
    return {consumer_uuid(uuid): write_of(one, version) for uuid, one in body.items()}


def write_of(body: dict[str, Any], version: Version) -> AllocationsWrite:
    """Return what one consumer shall hold, from a body in the form that 1.12 brought."""
    has_generation = version >= (1, 28)
    return AllocationsWrite(
        allocations={
            uuid: {name: int(amount) for name, amount in item["resources"].items()}
            for uuid, item in body["allocations"].items()
        },
        project_id=body["project_id"],
        user_id=body["user_id"],
        consumer_generation=body["consumer_generation"] if has_generation else msgspec.UNSET,
        consumer_type=body.get("consumer_type"),
    )


def consumer_uuid(given: str) -> str:
    """Return a consumer's uuid in its canonical form.

    Raises:
        Refusal: 400 for what is no uuid.
    """
    uuid = canonical(given)
    if uuid is None:
        raise Refusal(400, f"consumer {given!r} has no uuid for a name")
    return uuid


def _owners(call: Call[PlacementClient], uuid: str) -> dict[str, str]:
    """Return whose consumer it is, for a body that does not say: whose it was, or nobody's."""
    held = call.service.get_allocations(uuid) if call.version < (1, 8) else None
    if held is None:
        return {"project_id": UNKNOWN_OWNER, "user_id": UNKNOWN_OWNER}
    return {"project_id": held.project_id, "user_id": held.user_id}


def _held_told(held: ConsumerAllocations, uuid: str, version: Version) -> dict[str, Any]:
    told: dict[str, Any] = {"resources": held.allocations[uuid]}
    if version >= (1, 28):
        told["consumer_generation"] = held.generation
    return told
