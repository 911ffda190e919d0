"""Traits: all that there are, and those of a provider."""

from __future__ import annotations

from cellrig.http.calls import Answer, Call
from cellrig.http.errors import Refusal
from cellrig.http.placement.dates import traits_updated_at
from cellrig.http.placement.links import named
from cellrig.http.placement.records import record_of
from cellrig.placement import PlacementClient
from cellrig.placement.errors import TraitNotFound

_TRUTHS = {"true": True, "false": False}


def list_traits(call: Call[PlacementClient]) -> Answer:
    """List traits by name (``in:A,B``, ``startswith:PREFIX``), associated with providers or not."""
    associated = call.single("associated")
    if associated is not None and associated.lower() not in _TRUTHS:
        raise Refusal(400, f"associated is {associated!r}, not true or false")
    is_associated = None if associated is None else _TRUTHS[associated.lower()]
    name = call.single("name")
    if name is None:
        found = call.service.list_traits(associated=is_associated)
    elif name.startswith("startswith:"):
        prefix = name.removeprefix("startswith:")
        found = call.service.list_traits(associated=is_associated, prefix=prefix)
    elif name.startswith("in:"):
        among = frozenset(name.removeprefix("in:").split(","))
        found = call.service.list_traits(associated=is_associated, among=among)
    else:
        raise Refusal(400, f"name is {name!r}; it is in:TRAIT,TRAIT or startswith:PREFIX")
    return Answer(body={"traits": found}, updated_at=traits_updated_at(call.service, found))


def show_trait(call: Call[PlacementClient]) -> Answer:
    """Answer 204 where the trait exists, 404 where it does not."""
    name = call.parameters["name"]
    if not call.service.list_traits(among=frozenset({name})):
        raise TraitNotFound(name)
    return Answer(204, updated_at=traits_updated_at(call.service, [name]))


def create_trait(call: Call[PlacementClient]) -> Answer:
    """Create a custom trait, unless it exists (204)."""
    name = call.parameters["name"]
    was_created = call.service.create_trait(name)
    return Answer(
        201 if was_created else 204,
        location=named(call, "traits", name),
        updated_at=traits_updated_at(call.service, [name]),
    )


def delete_trait(call: Call[PlacementClient]) -> Answer:
    """Delete a custom trait that no provider has."""
    call.service.delete_trait(call.parameters["name"])
    return Answer(204)


def list_provider_traits(call: Call[PlacementClient]) -> Answer:
    """List the traits of a resource provider."""
    record = record_of(call)
    return _told(call, sorted(record.traits), record.generation)


def set_provider_traits(call: Call[PlacementClient]) -> Answer:
    """Replace the traits of a resource provider."""
    traits = frozenset(call.body["traits"])
    generation = call.service.set_traits(
        call.parameters["uuid"], traits, generation=call.body["resource_provider_generation"]
    )
    return _told(call, sorted(traits), generation)


def delete_provider_traits(call: Call[PlacementClient]) -> Answer:
    """Take all traits from a resource provider."""
    provider = call.service.get_provider(call.parameters["uuid"])
    call.service.set_traits(provider.uuid, frozenset(), generation=provider.generation)
    return Answer(204)


def _told(call: Call[PlacementClient], traits: list[str], generation: int) -> Answer:
    return Answer(
        body={"traits": traits, "resource_provider_generation": generation},
        updated_at=traits_updated_at(call.service, traits),
    )
