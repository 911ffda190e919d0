"""The values that placement takes and gives: frozen, and fresh with every answer.

Uuids are strings in their canonical form; amounts are whole units of their resource class.
Values of which an answer has many can be in no cycle, and so are not for the garbage collector
(``gc=False``).
"""

from __future__ import annotations

import msgspec

#: Largest amount that an inventory or an allocation can have (a signed 32-bit integer).
MAX_AMOUNT = 2147483647


class Inventory(msgspec.Struct, frozen=True, gc=False):
    """What a provider has of one resource class.

    Args:
        total: amount that physically exists.
        reserved: amount of `total` that is not for consumers.
        min_unit, max_unit: least and greatest amount of one allocation.
        step_size: every amount is a multiple of it.
        allocation_ratio: how many times what is not reserved may be promised.
    """

    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = MAX_AMOUNT
    step_size: int = 1
    allocation_ratio: float = 1.0

    @property
    def capacity(self) -> int:
        """The amount that all allocations together may have."""
        return int((self.total - self.reserved) * self.allocation_ratio)


class Provider(msgspec.Struct, frozen=True):
    """A resource provider: one node of a provider tree.

    Args:
        generation: grows with every change of its inventories, traits, aggregates, allocations.
        parent_uuid: the provider above it; None at a root.
        root_uuid: the root of its tree; its own uuid at a root.
        updated_at: when it was written last, in seconds since the epoch; None where placement does
            not say.
    """

    uuid: str
    name: str
    generation: int
    parent_uuid: str | None
    root_uuid: str
    updated_at: float | None = None


class ProviderRecord(msgspec.Struct, frozen=True):
    """All that placement knows about one provider, as one answer.

    Args:
        inventories: by resource class.
        usages: amount allocated of each class in `inventories` (0 where nothing is).
        inventories_updated_at: by resource class, when the inventory was written last; empty where
            placement does not say.
    """

    uuid: str
    name: str
    generation: int
    parent_uuid: str | None
    root_uuid: str
    inventories: dict[str, Inventory]
    usages: dict[str, int]
    traits: frozenset[str]
    aggregates: frozenset[str]
    inventories_updated_at: dict[str, float] = {}


class RequestGroup(msgspec.Struct, frozen=True):
    """Resources that belong together, and what their provider must be like.

    The group with the empty suffix is unnumbered: its resources may come from several providers
    of one tree and from providers that share with it. Every other group is served by one provider.

    Args:
        suffix: ``""``, or what follows ``resources`` in the query, for example ``1`` or ``_NET1``.
        resources: amount by resource class. Empty only in a numbered group that is named by
            `CandidateQuery.same_subtree`.
        required: each element is a set of traits of which one is needed; a set of one element is a
            plainly required trait.
        forbidden: traits that the provider must not have.
        member_of: each element is a set of aggregates of which one is needed.
        forbidden_aggregates: aggregates that the provider must not be in.
        in_tree: uuid of any provider of the tree that the resources must come from.
    """

    suffix: str = ""
    resources: dict[str, int] = {}
    required: tuple[frozenset[str], ...] = ()
    forbidden: frozenset[str] = frozenset()
    member_of: tuple[frozenset[str], ...] = ()
    forbidden_aggregates: frozenset[str] = frozenset()
    in_tree: str | None = None


class CandidateQuery(msgspec.Struct, frozen=True):
    """A request for allocation candidates (GET /allocation_candidates, microversion 1.39).

    Args:
        groups: with different suffixes.
        group_policy: ``isolate`` wants a provider of its own for each numbered group, ``none``
            does not; one of them must be given where there are two or more numbered groups.
        same_subtree: each element is a set of suffixes whose providers must be in one subtree
            that starts at one of those providers.
        root_required, root_forbidden: traits that the tree's root must, must not have.
        limit: at most so many allocation requests; None for all.
    """

    groups: tuple[RequestGroup, ...]
    group_policy: str | None = None
    same_subtree: tuple[frozenset[str], ...] = ()
    root_required: frozenset[str] = frozenset()
    root_forbidden: frozenset[str] = frozenset()
    limit: int | None = None


class AllocationRequest(msgspec.Struct, frozen=True, gc=False):
    """One way to serve a query: what to put to claim it.

    Args:
        allocations: by provider uuid, the amount by resource class.
        mappings: for each suffix the providers that serve its group.
    """

    allocations: dict[str, dict[str, int]]
    mappings: dict[str, tuple[str, ...]]


class ResourceSummary(msgspec.Struct, frozen=True, gc=False):
    """How much of a resource class a provider may give in all, and has given."""

    capacity: int
    used: int


class ProviderSummary(msgspec.Struct, frozen=True, gc=False):
    """A provider of a tree that is in the answer, whether it gives anything or not."""

    resources: dict[str, ResourceSummary]
    traits: frozenset[str]
    parent_uuid: str | None
    root_uuid: str


class Candidates(msgspec.Struct, frozen=True):
    """The answer to a query: requests in a stable order, and every provider of their trees."""

    allocation_requests: tuple[AllocationRequest, ...]
    provider_summaries: dict[str, ProviderSummary]


class AllocationsWrite(msgspec.Struct, frozen=True):
    """What one consumer shall hold from now on, in place of all that it held.

    Args:
        allocations: by provider uuid, the amount by resource class; empty takes everything away
            and the consumer with it.
        project_id, user_id: whose consumer it is.
        consumer_generation: what the consumer's generation must be; None: it must not exist yet;
            `msgspec.UNSET`: it is not compared (before microversion 1.28).
        consumer_type: ``INSTANCE``, ``MIGRATION`` or any other; None leaves what it is.
        mappings: as in `AllocationRequest`; taken and not kept.
    """

    allocations: dict[str, dict[str, int]]
    project_id: str
    user_id: str
    consumer_generation: int | msgspec.UnsetType | None = None
    consumer_type: str | None = "INSTANCE"
    mappings: dict[str, tuple[str, ...]] = {}


class ConsumerAllocations(msgspec.Struct, frozen=True):
    """What one consumer holds.

    Args:
        generation: of the consumer; what the next write must name.
        consumer_type: None where nobody has ever said (shown as ``unknown``).
        provider_generations: by uuid, of the providers in `allocations`, read together with them.
        updated_at: when it was written last, in seconds since the epoch; None where placement does
            not say.
    """

    consumer_uuid: str
    allocations: dict[str, dict[str, int]]
    generation: int
    project_id: str
    user_id: str
    consumer_type: str | None
    provider_generations: dict[str, int] = {}
    updated_at: float | None = None


class ProviderAllocations(msgspec.Struct, frozen=True):
    """Who holds something of one provider.

    Args:
        generation: of the provider.
        consumers: ordered by uuid; each with all that it holds, of other providers too.
    """

    generation: int
    consumers: tuple[ConsumerAllocations, ...]


class ConsumerTypeUsage(msgspec.Struct, frozen=True):
    """What the consumers of one type use together, by resource class."""

    consumer_count: int
    usages: dict[str, int]


class InventoriesWrite(msgspec.Struct, frozen=True):
    """What one provider shall have from now on, as a part of a reshape.

    Args:
        generation: what the provider's generation must be.
    """

    inventories: dict[str, Inventory]
    generation: int
