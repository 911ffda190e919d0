"""How the values of placement are written in requests, and read from answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import UNSET

from cellrig.placement.errors import InvalidWrite
from cellrig.placement.types import (
    AllocationsWrite,
    CandidateQuery,
    ConsumerAllocations,
    Inventory,
    Provider,
    ProviderSummary,
    RequestGroup,
    ResourceSummary,
)

#: What everything is asked in, where nothing else is said: the highest of OpenStack Placement.
MICROVERSION = "1.39"
#: The last one that knows no consumer types.
WITHOUT_TYPES = "1.37"

#: The consumer type of consumers of which nobody has said one (microversion 1.38).
UNKNOWN_TYPE = "unknown"


class Response(Protocol):
    """What is read of an answer; `requests.Response` is one."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""

    @property
    def content(self) -> bytes:
        """The body."""

    @property
    def text(self) -> str:
        """The body as text."""


def told(response: Response) -> tuple[str, str]:
    """Return the stable code and the detail of an error."""
    try:
        error = msgspec.json.decode(response.content)["errors"][0]
    except (msgspec.DecodeError, KeyError, IndexError, TypeError):
        return "", response.text
    return str(error.get("code", "")), str(error.get("detail", ""))


def allocations_version(writes: Iterable[AllocationsWrite]) -> str:
    """Return the microversion that says what `writes` say.

    From 1.38 on every write names a consumer type; before, it stays what it is.
    """
    return MICROVERSION if any(write.consumer_type for write in writes) else WITHOUT_TYPES


def must_look(write: AllocationsWrite, version: str) -> bool:
    """Whether the write leaves something as it is that this microversion wants named."""
    return write.consumer_generation is UNSET or (
        write.consumer_type is None and version != WITHOUT_TYPES
    )


def allocations_body(
    consumer_uuid: str, write: AllocationsWrite, held: ConsumerAllocations | None, version: str
) -> dict[str, Any]:
    """Return a write as a body.

    Args:
        consumer_uuid: whose allocations they are.
        write: what it shall hold.
        held: what it holds, where `must_look` says that this is needed.
        version: from `allocations_version`.

    Raises:
        InvalidWrite: a consumer without a type, among others that are given one.
    """
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
    }
    if version != WITHOUT_TYPES:
        body["consumer_type"] = write.consumer_type or (held and held.consumer_type)
        if body["consumer_type"] is None:
            raise InvalidWrite(
                f"consumer {consumer_uuid} has no type, and others of this request are given one: "
                "the API takes a type for all of them, or for none"
            )
    if write.mappings and write.allocations:
        body["mappings"] = {suffix: list(uuids) for suffix, uuids in write.mappings.items()}
    return body


def amounts(allocations: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return amounts by provider and resource class."""
    return {uuid: dict(each["resources"]) for uuid, each in allocations.items()}


def consumer(uuid: str, body: Mapping[str, Any]) -> ConsumerAllocations:
    """Return what a consumer holds."""
    kind = body.get("consumer_type", UNKNOWN_TYPE)
    return ConsumerAllocations(
        consumer_uuid=uuid,
        allocations=amounts(body["allocations"]),
        generation=body["consumer_generation"],
        project_id=body["project_id"],
        user_id=body["user_id"],
        consumer_type=None if kind == UNKNOWN_TYPE else kind,
        provider_generations={
            uuid: each["generation"] for uuid, each in body["allocations"].items()
        },
    )


def provider(body: Mapping[str, Any]) -> Provider:
    """Return a provider."""
    return Provider(
        body["uuid"],
        body["name"],
        body["generation"],
        body["parent_provider_uuid"],
        body["root_provider_uuid"],
    )


def summary(body: Mapping[str, Any]) -> ProviderSummary:
    """Return a provider's summary."""
    return ProviderSummary(
        {
            name: ResourceSummary(each["capacity"], each["used"])
            for name, each in body["resources"].items()
        },
        frozenset(body["traits"]),
        body["parent_provider_uuid"],
        body["root_provider_uuid"],
    )


def parents_first(providers: Mapping[str, Provider]) -> list[Provider]:
    """Return the providers of one tree, parents before children."""
    children: dict[str | None, list[Provider]] = {}
    for provider in providers.values():
        children.setdefault(provider.parent_uuid, []).append(provider)
    ordered = list(children.get(None, ()))
    for provider in ordered:  # it grows while it is walked
        ordered.extend(children.get(provider.uuid, ()))
    return ordered


def inventories_body(inventories: Mapping[str, Inventory]) -> dict[str, Any]:
    """Return inventories as a body."""
    return {name: msgspec.structs.asdict(each) for name, each in inventories.items()}


def candidate_parameters(query: CandidateQuery) -> list[tuple[str, str]]:
    """Return a query for candidates as query parameters."""
    parameters: list[tuple[str, str]] = []
    for group in query.groups:
        parameters += group_parameters(group)
    if query.group_policy is not None:
        parameters.append(("group_policy", query.group_policy))
    parameters += [("same_subtree", ",".join(sorted(each))) for each in query.same_subtree]
    root = [*sorted(query.root_required), *(f"!{trait}" for trait in sorted(query.root_forbidden))]
    if root:
        parameters.append(("root_required", ",".join(root)))
    if query.limit is not None:
        parameters.append(("limit", str(query.limit)))
    return parameters


def group_parameters(group: RequestGroup) -> list[tuple[str, str]]:
    """Return a group as query parameters (microversion 1.39: ``required`` may repeat)."""
    suffix = group.suffix
    parameters: list[tuple[str, str]] = []
    if group.resources:
        amounts = ",".join(f"{name}:{amount}" for name, amount in group.resources.items())
        parameters.append((f"resources{suffix}", amounts))
    for traits in group.required:
        any_of = ",".join(sorted(traits))
        parameters.append((f"required{suffix}", any_of if len(traits) == 1 else f"in:{any_of}"))
    if group.forbidden:
        parameters.append((f"required{suffix}", ",".join(f"!{t}" for t in sorted(group.forbidden))))
    parameters += [
        (f"member_of{suffix}", f"in:{','.join(sorted(aggregates))}")
        for aggregates in group.member_of
    ]
    if group.forbidden_aggregates:
        forbidden = ",".join(sorted(group.forbidden_aggregates))
        parameters.append((f"member_of{suffix}", f"!in:{forbidden}"))
    if group.in_tree is not None:
        parameters.append((f"in_tree{suffix}", group.in_tree))
    return parameters
