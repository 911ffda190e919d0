"""What the scheduler and the compute managers ask of placement, however it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Protocol

from cellrig.placement.types import (
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
)


class PlacementClient(Protocol):
    """The verbs of the Placement API, microversion 1.39. Errors are in `cellrig.placement.errors`.

    A generation that is given is compared with the provider's or consumer's before anything is
    written, and `ConcurrentUpdate` is raised where it differs. The new one is returned.
    """

    # -- candidates and allocations ------------------------------------------------------------

    def get_allocation_candidates(self, query: CandidateQuery) -> Candidates:
        """Return the ways to serve `query`, in a stable order, with all providers of their trees.

        Raises:
            Invalid: the query is wrong in itself (an unknown class or trait, a missing policy).
        """

    def put_allocations(self, consumer_uuid: str, write: AllocationsWrite) -> None:
        """Let one consumer hold exactly what `write` says: a claim, or (empty) a release.

        Raises:
            ConcurrentUpdate: the consumer is not of the generation that `write` names.
            AllocationRefused: a provider lacks the class or the room, or the amount breaks its
                units.
            Invalid: a provider or class that does not exist.
        """

    def post_allocations(self, writes: Mapping[str, AllocationsWrite]) -> None:
        """Replace the allocations of several consumers at once, all of them or none.

        What the writes take away is free for what they add. Raises as `put_allocations`.

        Args:
            writes: by consumer uuid.
        """

    def get_allocations(self, consumer_uuid: str) -> ConsumerAllocations | None:
        """Return what the consumer holds; None where it holds nothing (there is no consumer)."""

    def delete_allocations(self, consumer_uuid: str) -> bool:
        """Take everything from the consumer, whatever its generation.

        Returns:
            Whether it held something. False is not an error (REST: 404).
        """

    def list_allocations(self) -> tuple[ConsumerAllocations, ...]:
        """Return what every consumer holds, ordered by consumer uuid (for audits; not in REST)."""

    def get_provider_allocations(self, provider_uuid: str) -> ProviderAllocations:
        """Return the consumers of one provider, each with all that it holds.

        Raises:
            ProviderNotFound: no such provider.
        """

    # -- usages --------------------------------------------------------------------------------

    def get_provider_usages(self, provider_uuid: str) -> dict[str, int]:
        """Return the amount allocated of each class that the provider has."""

    def get_usages(
        self, project_id: str, *, user_id: str | None = None, consumer_type: str | None = None
    ) -> dict[str, ConsumerTypeUsage]:
        """Return what a project's (and user's) consumers use, by consumer type.

        Args:
            project_id: whose consumers.
            user_id: only those of this user, where one is given.
            consumer_type: only consumers of this type; ``unknown`` for those without one;
                ``all`` for one sum over all types, under the key ``all``.
        """

    # -- providers -----------------------------------------------------------------------------

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
        """Return the providers that fit all that is given, in the order of their creation.

        Args:
            name: of the provider itself.
            uuid: of the provider itself.
            in_tree: uuid of any provider of the tree that it is in.
            resources: amounts that it could give to one more consumer, by resource class.
            required: as in `RequestGroup`, like all that follow.
            forbidden: traits.
            member_of: aggregates.
            forbidden_aggregates: aggregates.

        Raises:
            Invalid: an unknown class or trait.
        """

    def get_provider(self, provider_uuid: str) -> Provider:
        """Return one provider.

        Raises:
            ProviderNotFound: no such provider.
        """

    def get_provider_tree(self, provider_uuid: str) -> tuple[ProviderRecord, ...]:
        """Return the whole tree that a provider is in: the root first, parents before children.

        Empty where there is no such provider.
        """

    def create_provider(self, name: str, *, uuid: str, parent_uuid: str | None = None) -> Provider:
        """Create a provider of generation 0, a root where no parent is given.

        Raises:
            DuplicateName: a provider of this name or uuid exists.
            Invalid: the parent does not exist.
        """

    def update_provider(
        self, provider_uuid: str, *, name: str, parent_uuid: str | None
    ) -> Provider:
        """Give a provider a name and a parent; with its subtree it moves to the parent's tree.

        None for the parent makes it a root (microversion 1.37).

        Raises:
            ProviderNotFound: no such provider.
            DuplicateName: another provider has the name.
            Invalid: the parent does not exist, or is the provider itself or below it.
        """

    def delete_provider(self, provider_uuid: str) -> None:
        """Delete a provider with its inventories, traits and aggregates.

        Raises:
            ProviderNotFound: no such provider.
            ProviderInUse: something is allocated from it.
            ProviderHasChildren: it is the parent of another.
        """

    def set_inventories(
        self, provider_uuid: str, inventories: Mapping[str, Inventory], *, generation: int
    ) -> int:
        """Let a provider have exactly `inventories`; return its new generation.

        Raises:
            ProviderNotFound: no such provider.
            ConcurrentUpdate: the provider is not of `generation`.
            InventoryInUse: a class that would go has allocations.
            Invalid: an unknown class, or an inventory that cannot be (reserved above total).
        """

    def set_traits(self, provider_uuid: str, traits: AbstractSet[str], *, generation: int) -> int:
        """Let a provider have exactly `traits`; return its new generation.

        Raises:
            ProviderNotFound, ConcurrentUpdate: as `set_inventories`.
            Invalid: a trait that does not exist.
        """

    def set_aggregates(
        self, provider_uuid: str, aggregates: AbstractSet[str], *, generation: int | None
    ) -> int:
        """Let a provider be in exactly `aggregates` (uuids); return its new generation.

        A generation of None is not compared and not changed (before microversion 1.19).

        Raises:
            ProviderNotFound, ConcurrentUpdate: as `set_inventories`.
        """

    def reshape(
        self,
        inventories: Mapping[str, InventoriesWrite],
        allocations: Mapping[str, AllocationsWrite],
    ) -> None:
        """Replace inventories of providers and allocations of consumers at once, all or nothing.

        Only the end must fit, not the steps (POST /reshaper, microversion 1.30).

        Args:
            inventories: by provider uuid.
            allocations: by consumer uuid.
        """

    # -- resource classes and traits -----------------------------------------------------------

    def list_resource_classes(self) -> tuple[str, ...]:
        """Return all resource classes: the standard ones, then custom ones by name."""

    def create_resource_class(self, name: str) -> bool:
        """Create a custom resource class, unless it exists; return whether it was created.

        Raises:
            Invalid: the name is not ``CUSTOM_`` and capitals, digits, underscores.
        """

    def rename_resource_class(self, name: str, new_name: str) -> None:
        """Give a custom resource class another name, everywhere (microversions 1.2 to 1.6).

        Raises:
            ResourceClassNotFound: no such class.
            ResourceClassExists: another has the new name.
            Invalid: a standard class, or a new name that is no custom one.
        """

    def delete_resource_class(self, name: str) -> None:
        """Delete a custom resource class.

        Raises:
            ResourceClassNotFound: no such class.
            ResourceClassInUse: a provider has an inventory of it.
            Invalid: a standard class.
        """

    def list_traits(
        self,
        *,
        associated: bool | None = None,
        prefix: str = "",
        among: AbstractSet[str] = frozenset(),
    ) -> tuple[str, ...]:
        """Return traits by name.

        Args:
            associated: only those that a provider has (True), that none has (False).
            prefix: only those that start with it.
            among: only these, where any are given.
        """

    def create_trait(self, name: str) -> bool:
        """Create a custom trait, unless it exists; return whether it was created.

        Raises:
            Invalid: the name is not ``CUSTOM_`` and capitals, digits, underscores.
        """

    def delete_trait(self, name: str) -> None:
        """Delete a custom trait.

        Raises:
            TraitNotFound: no such trait.
            TraitInUse: a provider has it.
            Invalid: a standard trait.
        """
