"""Placement itself, called directly: the client for everything that runs in the same process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from cellrig.db.database import Database
from cellrig.placement import (
    allocations,
    candidates,
    consumers,
    inventories,
    memberships,
    names,
    providers,
    records,
)
from cellrig.placement.answers import Found
from cellrig.placement.index import Index
from cellrig.placement.inventories import replace as replace_inventories
from cellrig.placement.names import newest_resource_class, newest_trait
from cellrig.placement.query import check, check_names
from cellrig.placement.reshape import reshape
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
    RequestGroup,
)


class Placement:
    """The placement service over its database; a `PlacementClient`, which see for the methods.

    Every method is one transaction. The index that searches use is a copy of the forest which
    follows the database, whoever writes to it and even when it is replaced by an older image.

    Args:
        database: made from `placement_image()`.
    """

    def __init__(self, database: Database) -> None:
        self._transaction = database.transaction
        self._index = Index()
        self._started_at = database.now()

    # -- candidates and allocations ------------------------------------------------------------

    def get_allocation_candidates(self, query: CandidateQuery) -> Candidates:
        """Return the ways to serve `query`."""
        return self.find_candidates(query).candidates()

    def find_candidates(self, query: CandidateQuery) -> Found:
        """Return the ways to serve `query` in the short form, for who can do without structs."""
        check(query)
        with self._index.lock:
            with self._transaction() as transaction:
                check_names(transaction, query)
                self._index.follow(transaction)
            return candidates.find(self._index, query)

    def put_allocations(self, consumer_uuid: str, write: AllocationsWrite) -> None:
        """Let one consumer hold exactly what `write` says."""
        with self._transaction() as transaction:
            allocations.replace(transaction, {consumer_uuid: write})

    def post_allocations(self, writes: Mapping[str, AllocationsWrite]) -> None:
        """Replace the allocations of several consumers at once."""
        with self._transaction() as transaction:
            allocations.replace(transaction, writes)

    def get_allocations(self, consumer_uuid: str) -> ConsumerAllocations | None:
        """Return what the consumer holds."""
        with self._transaction() as transaction:
            return consumers.allocations_of(transaction, consumer_uuid)

    def delete_allocations(self, consumer_uuid: str) -> bool:
        """Take everything from the consumer."""
        with self._transaction() as transaction:
            return allocations.release(transaction, consumer_uuid)

    def list_allocations(self) -> tuple[ConsumerAllocations, ...]:
        """Return what every consumer holds."""
        with self._transaction() as transaction:
            return consumers.all_allocations(transaction)

    def get_provider_allocations(self, provider_uuid: str) -> ProviderAllocations:
        """Return the consumers of one provider."""
        with self._transaction() as transaction:
            row = providers.find(transaction, provider_uuid)
            held = consumers.allocations_from(transaction, row.id)
            return ProviderAllocations(row.generation, held)

    # -- usages --------------------------------------------------------------------------------

    def get_provider_usages(self, provider_uuid: str) -> dict[str, int]:
        """Return the amount allocated of each class that the provider has."""
        with self._transaction() as transaction:
            row = providers.find(transaction, provider_uuid)
            stocks = inventories.stocks_of(transaction, row.id)
        return {name: stock.used for name, stock in stocks.items()}

    def get_usages(
        self, project_id: str, *, user_id: str | None = None, consumer_type: str | None = None
    ) -> dict[str, ConsumerTypeUsage]:
        """Return what a project's consumers use, by consumer type."""
        with self._transaction() as transaction:
            return consumers.usages(transaction, project_id, user_id, consumer_type)

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
        """Return the providers that fit all that is given."""
        group = RequestGroup(
            resources=dict(resources or {}),
            required=required,
            forbidden=forbidden,
            member_of=member_of,
            forbidden_aggregates=forbidden_aggregates,
        )
        with self._index.lock, self._transaction() as transaction:
            return records.search(transaction, self._index, name, uuid, in_tree, group)

    def get_provider(self, provider_uuid: str) -> Provider:
        """Return one provider."""
        with self._transaction() as transaction:
            return providers.find(transaction, provider_uuid).value()

    def get_provider_tree(self, provider_uuid: str) -> tuple[ProviderRecord, ...]:
        """Return the whole tree that a provider is in."""
        with self._transaction() as transaction:
            return records.tree(transaction, provider_uuid)

    def create_provider(self, name: str, *, uuid: str, parent_uuid: str | None = None) -> Provider:
        """Create a provider."""
        with self._transaction() as transaction:
            return providers.create(transaction, uuid, name, parent_uuid).value()

    def update_provider(
        self, provider_uuid: str, *, name: str, parent_uuid: str | None
    ) -> Provider:
        """Give a provider a name and a parent."""
        with self._transaction() as transaction:
            return providers.change(transaction, provider_uuid, name, parent_uuid).value()

    def delete_provider(self, provider_uuid: str) -> None:
        """Delete a provider."""
        with self._transaction() as transaction:
            providers.remove(transaction, provider_uuid)

    def set_inventories(
        self, provider_uuid: str, inventories: Mapping[str, Inventory], *, generation: int
    ) -> int:
        """Let a provider have exactly `inventories`."""
        with self._transaction() as transaction:
            return replace_inventories(transaction, provider_uuid, inventories, generation)

    def set_traits(self, provider_uuid: str, traits: AbstractSet[str], *, generation: int) -> int:
        """Let a provider have exactly `traits`."""
        with self._transaction() as transaction:
            return memberships.set_traits(transaction, provider_uuid, traits, generation)

    def set_aggregates(
        self, provider_uuid: str, aggregates: AbstractSet[str], *, generation: int | None
    ) -> int:
        """Let a provider be in exactly `aggregates`."""
        with self._transaction() as transaction:
            return memberships.set_aggregates(transaction, provider_uuid, aggregates, generation)

    def reshape(
        self,
        inventories: Mapping[str, InventoriesWrite],
        allocations: Mapping[str, AllocationsWrite],
    ) -> None:
        """Replace inventories and allocations at once."""
        with self._transaction() as transaction:
            reshape(transaction, inventories, allocations)

    # -- resource classes and traits -----------------------------------------------------------

    def list_resource_classes(self) -> tuple[str, ...]:
        """Return all resource classes."""
        with self._transaction() as transaction:
            return names.list_resource_classes(transaction)

    def create_resource_class(self, name: str) -> bool:
        """Create a custom resource class, unless it exists."""
        with self._transaction() as transaction:
            return names.create_resource_class(transaction, name)

    def rename_resource_class(self, name: str, new_name: str) -> None:
        """Give a custom resource class another name."""
        with self._transaction() as transaction:
            names.rename_resource_class(transaction, name, new_name)

    def delete_resource_class(self, name: str) -> None:
        """Delete a custom resource class."""
        with self._transaction() as transaction:
            names.delete_resource_class(transaction, name)

    def list_traits(
        self,
        *,
        associated: bool | None = None,
        prefix: str = "",
        among: AbstractSet[str] = frozenset(),
    ) -> tuple[str, ...]:
        """Return traits by name."""
        with self._transaction() as transaction:
            return names.list_traits(transaction, associated, prefix, among)

    def create_trait(self, name: str) -> bool:
        """Create a custom trait, unless it exists."""
        with self._transaction() as transaction:
            return names.create_trait(transaction, name)

    def delete_trait(self, name: str) -> None:
        """Delete a custom trait."""
        with self._transaction() as transaction:
            names.delete_trait(transaction, name)

    # -- when names came -----------------------------------------------------------------------

    def resource_classes_updated_at(self, names: Iterable[str]) -> float:
        """Return when the youngest of these classes came; standard ones came with the service."""
        with self._transaction() as transaction:
            return newest_resource_class(transaction, names) or self._started_at

    def traits_updated_at(self, names: Iterable[str]) -> float:
        """Return when the youngest of these traits came; standard ones came with the service."""
        with self._transaction() as transaction:
            return newest_trait(transaction, names) or self._started_at
