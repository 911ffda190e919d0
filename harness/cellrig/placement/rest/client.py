"""Placement over HTTP: the client for any service that is wire-compatible with OpenStack Placement.

It speaks microversion 1.39 of the Placement API and raises the same errors as placement called
directly, so that what uses it need not know which one it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from cellrig.placement.errors import (
    ConcurrentUpdate,
    ResourceClassExists,
    ResourceClassInUse,
    ResourceClassNotFound,
    TraitInUse,
    TraitNotFound,
)
from cellrig.placement.rest.forms import (
    allocations_body,
    allocations_version,
    amounts,
    candidate_parameters,
    consumer,
    group_parameters,
    inventories_body,
    must_look,
    parents_first,
    provider,
    summary,
)
from cellrig.placement.rest.wire import Session, Wire
from cellrig.placement.types import (
    AllocationRequest,
    AllocationsWrite,
    CandidateQuery,
    Candidates,
    ConsumerAllocations,
    ConsumerTypeUsage,
    InventoriesWrite,
    Inventory,
    Provider,
    ProviderAllocations,
    ProviderRecord,
    RequestGroup,
)

#: The generation of a consumer that has never held anything.
_LEFT_BEHIND = 0


class RestPlacement:
    """A `PlacementClient`, which see for the methods, over HTTP.

    Args:
        session: makes the requests, with whatever authenticates them.
        url: of the service's root, for example ``http://127.0.0.1:8780/placement``.
    """

    def __init__(self, session: Session, url: str) -> None:
        self._wire = Wire(session, url)

    # -- candidates and allocations --------------------------------------------------------------

    def get_allocation_candidates(self, query: CandidateQuery) -> Candidates:
        """Return the ways to serve `query`."""
        body = self._wire.get("/allocation_candidates", candidate_parameters(query))
        return Candidates(
            tuple(
                AllocationRequest(
                    amounts(request["allocations"]),
                    {suffix: tuple(uuids) for suffix, uuids in request["mappings"].items()},
                )
                for request in body["allocation_requests"]
            ),
            {uuid: summary(each) for uuid, each in body["provider_summaries"].items()},
        )

    def put_allocations(self, consumer_uuid: str, write: AllocationsWrite) -> None:
        """Let one consumer hold exactly what `write` says."""
        bodies, version = self._allocations({consumer_uuid: write})
        path = f"/allocations/{consumer_uuid}"
        try:
            self._wire.send("PUT", path, bodies[consumer_uuid], what=consumer_uuid, version=version)
        except ConcurrentUpdate:
            again = self._of_left_consumers({consumer_uuid: write}, bodies)
            if not again:
                raise
            self._wire.send("PUT", path, again[consumer_uuid], what=consumer_uuid, version=version)

    def post_allocations(self, writes: Mapping[str, AllocationsWrite]) -> None:
        """Replace the allocations of several consumers at once."""
        bodies, version = self._allocations(writes)
        what = ", ".join(writes)
        try:
            self._wire.send("POST", "/allocations", bodies, what=what, version=version)
        except ConcurrentUpdate:
            again = self._of_left_consumers(writes, bodies)
            if not again:
                raise
            self._wire.send("POST", "/allocations", again, what=what, version=version)

    def get_allocations(self, consumer_uuid: str) -> ConsumerAllocations | None:
        """Return what the consumer holds; None where it holds nothing."""
        body = self._wire.get(f"/allocations/{consumer_uuid}")
        return consumer(consumer_uuid, body) if body["allocations"] else None

    def delete_allocations(self, consumer_uuid: str) -> bool:
        """Take everything from the consumer."""
        path = f"/allocations/{consumer_uuid}"
        response = self._wire.request("DELETE", path)
        if response.status_code not in (204, 404):
            self._wire.refuse("DELETE", path, response, consumer_uuid)
        return response.status_code == 204

    def list_allocations(self) -> tuple[ConsumerAllocations, ...]:
        """Return what every consumer holds; REST tells it provider by provider."""
        uuids: set[str] = set()
        for each in self.list_providers():
            path = f"/resource_providers/{each.uuid}/allocations"
            uuids.update(self._wire.get(path, what=each.uuid)["allocations"])
        found = (self.get_allocations(uuid) for uuid in sorted(uuids))
        return tuple(consumer for consumer in found if consumer is not None)

    def get_provider_allocations(self, provider_uuid: str) -> ProviderAllocations:
        """Return the consumers of one provider; REST tells all that each holds one by one."""
        body = self._wire.get(
            f"/resource_providers/{provider_uuid}/allocations", what=provider_uuid
        )
        consumers = (self.get_allocations(uuid) for uuid in sorted(body["allocations"]))
        return ProviderAllocations(
            body["resource_provider_generation"],
            tuple(consumer for consumer in consumers if consumer is not None),
        )

    def _allocations(self, writes: Mapping[str, AllocationsWrite]) -> tuple[dict[str, Any], str]:
        """Return writes as bodies by consumer, and the microversion to send them in."""
        version = allocations_version(writes.values())
        bodies = {}
        for uuid, write in writes.items():
            held = self.get_allocations(uuid) if must_look(write, version) else None
            bodies[uuid] = allocations_body(uuid, write, held, version)
        return bodies, version

    def _of_left_consumers(
        self, writes: Mapping[str, AllocationsWrite], bodies: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the bodies of a refused write anew, if consumers only seem not to exist.

        OpenStack Placement creates a consumer before it looks at what is claimed, and leaves it
        behind, empty and of generation 0, when a provider does not exist. Nothing shows it but
        that the next claim may not say that there is no such consumer.

        Returns:
            By consumer; empty where the refusal has another reason.
        """
        left = {
            uuid
            for uuid, write in writes.items()
            if write.consumer_generation is None and self.get_allocations(uuid) is None
        }
        if not left:
            return {}
        return {
            uuid: {**body, "consumer_generation": _LEFT_BEHIND} if uuid in left else body
            for uuid, body in bodies.items()
        }

    # -- usages ----------------------------------------------------------------------------------

    def get_provider_usages(self, provider_uuid: str) -> dict[str, int]:
        """Return the amount allocated of each class that the provider has."""
        path = f"/resource_providers/{provider_uuid}/usages"
        usages: dict[str, int] = self._wire.get(path, what=provider_uuid)["usages"]
        return usages

    def get_usages(
        self, project_id: str, *, user_id: str | None = None, consumer_type: str | None = None
    ) -> dict[str, ConsumerTypeUsage]:
        """Return what a project's consumers use, by consumer type."""
        given = {"project_id": project_id, "user_id": user_id, "consumer_type": consumer_type}
        body = self._wire.get("/usages", [(k, v) for k, v in given.items() if v is not None])
        return {
            kind: ConsumerTypeUsage(
                usage["consumer_count"],
                {name: amount for name, amount in usage.items() if name != "consumer_count"},
            )
            for kind, usage in body["usages"].items()
        }

    # -- providers -------------------------------------------------------------------------------

    def list_providers(
        self,
        *,
        name: str | None = None,
        uuid: str | None = None,
        in_tree: str | None = None,
        resources: Mapping[str, int] | None = None,
        required: tuple[frozenset[str], ...] = (),
        forbidden: frozenset[str] = frozenset(),
        member_of: tuple[frozenset[str], ...] = (),
        forbidden_aggregates: frozenset[str] = frozenset(),
    ) -> tuple[Provider, ...]:
        """Return the providers that fit all that is given."""
        group = RequestGroup(
            resources=dict(resources or {}),
            required=required,
            forbidden=forbidden,
            member_of=member_of,
            forbidden_aggregates=forbidden_aggregates,
            in_tree=in_tree,
        )
        parameters = group_parameters(group)
        parameters += [(k, v) for k, v in (("name", name), ("uuid", uuid)) if v is not None]
        body = self._wire.get("/resource_providers", parameters)
        return tuple(provider(each) for each in body["resource_providers"])

    def get_provider(self, provider_uuid: str) -> Provider:
        """Return one provider."""
        return provider(self._wire.get(f"/resource_providers/{provider_uuid}", what=provider_uuid))

    def get_provider_tree(self, provider_uuid: str) -> tuple[ProviderRecord, ...]:
        """Return the whole tree that a provider is in, parents before children."""
        providers = {each.uuid: each for each in self.list_providers(in_tree=provider_uuid)}
        return tuple(self._record(each) for each in parents_first(providers))

    def _record(self, provider: Provider) -> ProviderRecord:
        path = f"/resource_providers/{provider.uuid}"
        inventories = self._wire.get(f"{path}/inventories")
        return ProviderRecord(
            uuid=provider.uuid,
            name=provider.name,
            generation=inventories["resource_provider_generation"],
            parent_uuid=provider.parent_uuid,
            root_uuid=provider.root_uuid,
            inventories={
                name: msgspec.convert(inventory, Inventory)
                for name, inventory in inventories["inventories"].items()
            },
            usages=self._wire.get(f"{path}/usages")["usages"],
            traits=frozenset(self._wire.get(f"{path}/traits")["traits"]),
            aggregates=frozenset(self._wire.get(f"{path}/aggregates")["aggregates"]),
        )

    def create_provider(self, name: str, *, uuid: str, parent_uuid: str | None = None) -> Provider:
        """Create a provider."""
        body = {"name": name, "uuid": uuid}
        if parent_uuid is not None:
            body["parent_provider_uuid"] = parent_uuid
        return provider(self._wire.send("POST", "/resource_providers", body, what=name))

    def update_provider(
        self, provider_uuid: str, *, name: str, parent_uuid: str | None
    ) -> Provider:
        """Give a provider a name and a parent."""
        body = {"name": name, "parent_provider_uuid": parent_uuid}
        path = f"/resource_providers/{provider_uuid}"
        return provider(self._wire.send("PUT", path, body, what=provider_uuid))

    def delete_provider(self, provider_uuid: str) -> None:
        """Delete a provider."""
        self._wire.send("DELETE", f"/resource_providers/{provider_uuid}", what=provider_uuid)

    def set_inventories(
        self, provider_uuid: str, inventories: Mapping[str, Inventory], *, generation: int
    ) -> int:
        """Let a provider have exactly `inventories`; return its new generation."""
        return self._set(
            f"/resource_providers/{provider_uuid}/inventories",
            {"inventories": inventories_body(inventories)},
            generation,
            provider_uuid,
        )

    def set_traits(self, provider_uuid: str, traits: AbstractSet[str], *, generation: int) -> int:
        """Let a provider have exactly `traits`; return its new generation."""
        path = f"/resource_providers/{provider_uuid}/traits"
        return self._set(path, {"traits": sorted(traits)}, generation, provider_uuid)

    def set_aggregates(
        self, provider_uuid: str, aggregates: AbstractSet[str], *, generation: int | None
    ) -> int:
        """Let a provider be in exactly `aggregates`; return its new generation."""
        known = self.get_provider(provider_uuid).generation if generation is None else generation
        path = f"/resource_providers/{provider_uuid}/aggregates"
        return self._set(path, {"aggregates": sorted(aggregates)}, known, provider_uuid)

    def _set(self, path: str, body: dict[str, Any], generation: int, what: str) -> int:
        body["resource_provider_generation"] = generation
        answer: int = self._wire.send("PUT", path, body, what=what)["resource_provider_generation"]
        return answer

    def reshape(
        self,
        inventories: Mapping[str, InventoriesWrite],
        allocations: Mapping[str, AllocationsWrite],
    ) -> None:
        """Replace inventories of providers and allocations of consumers at once."""
        bodies, version = self._allocations(allocations)
        stocks = {
            uuid: {
                "inventories": inventories_body(write.inventories),
                "resource_provider_generation": write.generation,
            }
            for uuid, write in inventories.items()
        }
        body = {"inventories": stocks, "allocations": bodies}
        self._wire.send("POST", "/reshaper", body, what=", ".join(inventories), version=version)

    # -- resource classes and traits -------------------------------------------------------------

    def list_resource_classes(self) -> tuple[str, ...]:
        """Return all resource classes."""
        body = self._wire.get("/resource_classes")
        names = [each["name"] for each in body["resource_classes"]]
        custom = sorted(name for name in names if name.startswith("CUSTOM_"))
        return (*(name for name in names if not name.startswith("CUSTOM_")), *custom)

    def create_resource_class(self, name: str) -> bool:
        """Create a custom resource class, unless it exists."""
        return self._wire.put_name("resource_classes", name)

    def rename_resource_class(self, name: str, new_name: str) -> None:
        """Give a custom resource class another name; in microversion 1.6, the last that can."""
        path = f"/resource_classes/{name}"
        response = self._wire.request("PUT", path, body={"name": new_name}, version="1.6")
        if response.status_code == 404:
            raise ResourceClassNotFound(name)
        if response.status_code == 409:
            raise ResourceClassExists(new_name)
        if response.status_code != 200:
            self._wire.refuse("PUT", path, response, name)

    def delete_resource_class(self, name: str) -> None:
        """Delete a custom resource class."""
        errors = {404: ResourceClassNotFound, 409: ResourceClassInUse}
        self._wire.delete_name("resource_classes", name, errors)

    def list_traits(
        self,
        *,
        associated: bool | None = None,
        prefix: str = "",
        among: AbstractSet[str] = frozenset(),
    ) -> tuple[str, ...]:
        """Return traits by name."""
        parameters: list[tuple[str, str]] = []
        if associated is not None:
            parameters.append(("associated", str(associated).lower()))
        if among:
            parameters.append(("name", f"in:{','.join(sorted(among))}"))
        elif prefix:
            parameters.append(("name", f"startswith:{prefix}"))
        traits: Iterable[str] = self._wire.get("/traits", parameters)["traits"]
        return tuple(sorted(trait for trait in traits if trait.startswith(prefix)))

    def create_trait(self, name: str) -> bool:
        """Create a custom trait, unless it exists."""
        return self._wire.put_name("traits", name)

    def delete_trait(self, name: str) -> None:
        """Delete a custom trait."""
        self._wire.delete_name("traits", name, {404: TraitNotFound, 409: TraitInUse})
