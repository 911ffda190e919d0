"""Placement over HTTP: the client for any service that is wire-compatible with OpenStack Placement.

It speaks microversion 1.39 of the Placement API and raises the same errors as placement called
directly, so that what uses it need not know which one it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NoReturn, Protocol

import msgspec
from msgspec import UNSET

from cellrig.errors import CellrigError
from cellrig.placement.errors import (
    AllocationRefused,
    ConcurrentUpdate,
    DuplicateName,
    InvalidQuery,
    InvalidWrite,
    InventoryInUse,
    ProviderHasChildren,
    ProviderInUse,
    ProviderNotFound,
    ResourceClassInUse,
    ResourceClassNotFound,
    TraitInUse,
    TraitNotFound,
)
from cellrig.placement.rest.forms import (
    UNKNOWN_TYPE,
    Response,
    amounts,
    candidate_parameters,
    consumer,
    group_parameters,
    inventories_body,
    must_look,
    parents_first,
    provider,
    summary,
    told,
)
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
    ProviderRecord,
    RequestGroup,
)

MICROVERSION = "placement 1.39"


class PlacementFailed(CellrigError):
    """A placement service answered with something that its API does not have.

    Args: method, path, status, body.
    """

    template = "placement answered {0} {1} with status {2}: {3}"


class Session(Protocol):
    """What is needed to reach the service; `requests.Session` is one."""

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
    ) -> Response:
        """Make one request."""


class RestPlacement:
    """A `PlacementClient`, which see for the methods, over HTTP.

    Args:
        session: makes the requests, with whatever authenticates them.
        url: of the service's root, for example ``http://127.0.0.1:8780/placement``.
    """

    def __init__(self, session: Session, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")

    # -- candidates and allocations --------------------------------------------------------------

    def get_allocation_candidates(self, query: CandidateQuery) -> Candidates:
        """Return the ways to serve `query`."""
        body = self._get("/allocation_candidates", candidate_parameters(query))
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
        body = self._allocations_body(consumer_uuid, write)
        self._send("PUT", f"/allocations/{consumer_uuid}", body, what=consumer_uuid)

    def post_allocations(self, writes: Mapping[str, AllocationsWrite]) -> None:
        """Replace the allocations of several consumers at once."""
        body = {uuid: self._allocations_body(uuid, write) for uuid, write in writes.items()}
        self._send("POST", "/allocations", body, what=", ".join(writes))

    def get_allocations(self, consumer_uuid: str) -> ConsumerAllocations | None:
        """Return what the consumer holds; None where it holds nothing."""
        body = self._get(f"/allocations/{consumer_uuid}")
        return consumer(consumer_uuid, body) if body["allocations"] else None

    def delete_allocations(self, consumer_uuid: str) -> bool:
        """Take everything from the consumer."""
        path = f"/allocations/{consumer_uuid}"
        response = self._request("DELETE", path)
        if response.status_code not in (204, 404):
            self._refuse("DELETE", path, response, consumer_uuid)
        return response.status_code == 204

    def list_allocations(self) -> tuple[ConsumerAllocations, ...]:
        """Return what every consumer holds; REST tells it provider by provider."""
        found: dict[str, ConsumerAllocations] = {}
        for each in self.list_providers():
            for holder in self.get_provider_allocations(each.uuid):
                found[holder.consumer_uuid] = holder
        return tuple(found[uuid] for uuid in sorted(found))

    def get_provider_allocations(self, provider_uuid: str) -> tuple[ConsumerAllocations, ...]:
        """Return what the consumers of one provider hold."""
        body = self._get(f"/resource_providers/{provider_uuid}/allocations", what=provider_uuid)
        consumers = (self.get_allocations(uuid) for uuid in sorted(body["allocations"]))
        return tuple(consumer for consumer in consumers if consumer is not None)

    def _allocations_body(self, consumer_uuid: str, write: AllocationsWrite) -> dict[str, Any]:
        held = self.get_allocations(consumer_uuid) if must_look(write) else None
        kind = write.consumer_type
        if kind is None:
            kind = (held.consumer_type if held else None) or UNKNOWN_TYPE
        generation = write.consumer_generation
        if generation is UNSET:
            generation = held.generation if held else None
        body: dict[str, Any] = {
            "allocations": {
                uuid: {"resources": dict(amounts)} for uuid, amounts in write.allocations.items()
            },
            "project_id": write.project_id,
            "user_id": write.user_id,
            "consumer_generation": generation,
            "consumer_type": kind,
        }
        if write.mappings and write.allocations:
            body["mappings"] = {suffix: list(uuids) for suffix, uuids in write.mappings.items()}
        return body

    # -- usages ----------------------------------------------------------------------------------

    def get_provider_usages(self, provider_uuid: str) -> dict[str, int]:
        """Return the amount allocated of each class that the provider has."""
        path = f"/resource_providers/{provider_uuid}/usages"
        usages: dict[str, int] = self._get(path, what=provider_uuid)["usages"]
        return usages

    def get_usages(
        self, project_id: str, *, user_id: str | None = None, consumer_type: str | None = None
    ) -> dict[str, ConsumerTypeUsage]:
        """Return what a project's consumers use, by consumer type."""
        given = {"project_id": project_id, "user_id": user_id, "consumer_type": consumer_type}
        body = self._get("/usages", [(k, v) for k, v in given.items() if v is not None])
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
        body = self._get("/resource_providers", parameters)
        return tuple(provider(each) for each in body["resource_providers"])

    def get_provider(self, provider_uuid: str) -> Provider:
        """Return one provider."""
        return provider(self._get(f"/resource_providers/{provider_uuid}", what=provider_uuid))

    def get_provider_tree(self, provider_uuid: str) -> tuple[ProviderRecord, ...]:
        """Return the whole tree that a provider is in, parents before children."""
        providers = {each.uuid: each for each in self.list_providers(in_tree=provider_uuid)}
        return tuple(self._record(each) for each in parents_first(providers))

    def _record(self, provider: Provider) -> ProviderRecord:
        path = f"/resource_providers/{provider.uuid}"
        inventories = self._get(f"{path}/inventories")
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
            usages=self._get(f"{path}/usages")["usages"],
            traits=frozenset(self._get(f"{path}/traits")["traits"]),
            aggregates=frozenset(self._get(f"{path}/aggregates")["aggregates"]),
        )

    def create_provider(
        self, name: str, *, uuid: str | None = None, parent_uuid: str | None = None
    ) -> Provider:
        """Create a provider."""
        given = {"name": name, "uuid": uuid, "parent_provider_uuid": parent_uuid}
        body = {key: value for key, value in given.items() if value is not None}
        return provider(self._send("POST", "/resource_providers", body, what=name))

    def update_provider(
        self, provider_uuid: str, *, name: str, parent_uuid: str | None
    ) -> Provider:
        """Give a provider a name and a parent."""
        body = {"name": name, "parent_provider_uuid": parent_uuid}
        path = f"/resource_providers/{provider_uuid}"
        return provider(self._send("PUT", path, body, what=provider_uuid))

    def delete_provider(self, provider_uuid: str) -> None:
        """Delete a provider."""
        self._send("DELETE", f"/resource_providers/{provider_uuid}", what=provider_uuid)

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
        answer: int = self._send("PUT", path, body, what=what)["resource_provider_generation"]
        return answer

    def reshape(
        self,
        inventories: Mapping[str, InventoriesWrite],
        allocations: Mapping[str, AllocationsWrite],
    ) -> None:
        """Replace inventories of providers and allocations of consumers at once."""
        body = {
            "inventories": {
                uuid: {
                    "inventories": inventories_body(write.inventories),
                    "resource_provider_generation": write.generation,
                }
                for uuid, write in inventories.items()
            },
            "allocations": {
                uuid: self._allocations_body(uuid, write) for uuid, write in allocations.items()
            },
        }
        self._send("POST", "/reshaper", body, what=", ".join(inventories))

    # -- resource classes and traits -------------------------------------------------------------

    def list_resource_classes(self) -> tuple[str, ...]:
        """Return all resource classes."""
        body = self._get("/resource_classes")
        return tuple(each["name"] for each in body["resource_classes"])

    def create_resource_class(self, name: str) -> bool:
        """Create a custom resource class, unless it exists."""
        return self._put_name("resource_classes", name)

    def delete_resource_class(self, name: str) -> None:
        """Delete a custom resource class."""
        self._delete_name("resource_classes", name, ResourceClassNotFound, ResourceClassInUse)

    def list_traits(
        self,
        *,
        associated: bool | None = None,
        prefix: str = "",
        names: AbstractSet[str] = frozenset(),
    ) -> tuple[str, ...]:
        """Return traits by name."""
        parameters: list[tuple[str, str]] = []
        if associated is not None:
            parameters.append(("associated", str(associated).lower()))
        if names:
            parameters.append(("name", f"in:{','.join(sorted(names))}"))
        elif prefix:
            parameters.append(("name", f"startswith:{prefix}"))
        traits: Iterable[str] = self._get("/traits", parameters)["traits"]
        return tuple(sorted(trait for trait in traits if trait.startswith(prefix)))

    def create_trait(self, name: str) -> bool:
        """Create a custom trait, unless it exists."""
        return self._put_name("traits", name)

    def delete_trait(self, name: str) -> None:
        """Delete a custom trait."""
        self._delete_name("traits", name, TraitNotFound, TraitInUse)

    def _put_name(self, collection: str, name: str) -> bool:
        path = f"/{collection}/{name}"
        response = self._request("PUT", path)
        if response.status_code not in (201, 204):
            self._refuse("PUT", path, response, name)
        return response.status_code == 201

    def _delete_name(
        self,
        collection: str,
        name: str,
        missing: type[CellrigError],
        in_use: type[CellrigError],
    ) -> None:
        path = f"/{collection}/{name}"
        response = self._request("DELETE", path)
        if response.status_code == 404:
            raise missing(name)
        if response.status_code == 409:
            raise in_use(name)
        if response.status_code != 204:
            self._refuse("DELETE", path, response, name)

    # -- the wire --------------------------------------------------------------------------------

    def _get(
        self, path: str, parameters: list[tuple[str, str]] | None = None, what: str = ""
    ) -> Any:
        response = self._request("GET", path, parameters=parameters)
        if response.status_code != 200:
            self._refuse("GET", path, response, what)
        return msgspec.json.decode(response.content)

    def _send(self, method: str, path: str, body: Any = None, *, what: str) -> Any:
        response = self._request(method, path, body=body)
        if response.status_code not in (200, 201, 204):
            self._refuse(method, path, response, what)
        return msgspec.json.decode(response.content) if response.content else None

    def _request(
        self,
        method: str,
        path: str,
        *,
        parameters: list[tuple[str, str]] | None = None,
        body: Any = None,
    ) -> Response:
        headers = {"OpenStack-API-Version": MICROVERSION, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self._session.request(
            method,
            f"{self._url}{path}",
            params=parameters,
            data=None if body is None else msgspec.json.encode(body),
            headers=headers,
        )

    def _refuse(self, method: str, path: str, response: Response, what: str) -> NoReturn:
        """Raise the error that placement called directly would have raised."""
        code, detail = told(response)
        if response.status_code == 404:
            raise ProviderNotFound(what)
        if response.status_code == 400:
            raise (InvalidQuery if method == "GET" else InvalidWrite)(detail)
        if response.status_code != 409:
            raise PlacementFailed(method, path, response.status_code, detail)
        by_code: dict[str, CellrigError] = {
            "placement.concurrent_update": ConcurrentUpdate(what, "the one given", "another"),
            "placement.duplicate_name": DuplicateName("name", what),
            "placement.inventory.inuse": InventoryInUse(what, detail),
            "placement.resource_provider.inuse": ProviderInUse(what),
            "placement.resource_provider.cannot_delete_parent": ProviderHasChildren(what),
        }
        raise by_code.get(code, AllocationRefused(detail))
