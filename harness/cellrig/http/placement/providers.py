"""Resource providers."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer, Call
from cellrig.http.errors import Refusal
from cellrig.http.placement.dates import newest
from cellrig.http.placement.links import provider_links, provider_path
from cellrig.http.placement.parameters import parse_member_of, parse_required, parse_resources
from cellrig.http.uuids import canonical
from cellrig.placement import PlacementClient
from cellrig.placement.types import Provider


def list_providers(call: Call[PlacementClient]) -> Answer:
    """List the resource providers that fit all filters."""
    resources = call.single("resources")
    traits = parse_required("required", call.every("required"), call.version)
    aggregates = parse_member_of("member_of", call.every("member_of"), call.version)
    found = call.service.list_providers(
        name=call.single("name") or None,
        uuid=call.single("uuid"),
        in_tree=call.single("in_tree"),
        resources=None if resources is None else parse_resources(resources),
        required=traits.required,
        forbidden=traits.forbidden,
        member_of=aggregates.member_of,
        forbidden_aggregates=aggregates.forbidden,
    )
    return Answer(
        body={"resource_providers": [_told(call, provider) for provider in found]},
        updated_at=newest(provider.updated_at for provider in found),
    )


def create_provider(call: Call[PlacementClient]) -> Answer:
    """Create a resource provider. Since 1.20 the answer has it."""
    uuid = canonical(call.body["uuid"]) if "uuid" in call.body else call.new_uuid()
    assert uuid is not None  # noqa: S101 - the schema has seen to it
    provider = call.service.create_provider(
        call.body["name"], uuid=uuid, parent_uuid=_parent(call.body)
    )
    location = provider_path(call, uuid)
    if call.version < (1, 20):
        return Answer(201, location=location)
    return Answer(200, _told(call, provider), location, provider.updated_at)


def show_provider(call: Call[PlacementClient]) -> Answer:
    """Show one resource provider."""
    provider = call.service.get_provider(call.parameters["uuid"])
    return Answer(body=_told(call, provider), updated_at=provider.updated_at)


def update_provider(call: Call[PlacementClient]) -> Answer:
    """Give a resource provider another name, and a parent.

    From 1.14 one that has no parent can be given one; from 1.37 it can have another, or none.
    """
    uuid = call.parameters["uuid"]
    present = call.service.get_provider(uuid).parent_uuid
    wanted = _parent(call.body) if "parent_provider_uuid" in call.body else present
    if call.version < (1, 37) and present is not None and wanted != present:
        raise Refusal(
            400,
            f"resource provider {uuid} has the parent {present}, which can be changed "
            "from microversion 1.37 on",
        )
    provider = call.service.update_provider(uuid, name=call.body["name"], parent_uuid=wanted)
    return Answer(body=_told(call, provider), updated_at=provider.updated_at)


def delete_provider(call: Call[PlacementClient]) -> Answer:
    """Delete a resource provider that gives nothing and has no children."""
    call.service.delete_provider(call.parameters["uuid"])
    return Answer(204)


def _parent(body: dict[str, Any]) -> str | None:
    given = body.get("parent_provider_uuid")
    return None if given is None else canonical(given)


def _told(call: Call[PlacementClient], provider: Provider) -> dict[str, Any]:
    """Return a provider as clients see it."""
    told: dict[str, Any] = {
        "uuid": provider.uuid,
        "name": provider.name,
        "generation": provider.generation,
        "links": provider_links(call, provider.uuid),
    }
    if call.version >= (1, 14):
        told["parent_provider_uuid"] = provider.parent_uuid
        told["root_provider_uuid"] = provider.root_uuid
    return told
