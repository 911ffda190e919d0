"""A placement service of its own for each test, and short ways to fill it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

import pytest

from cellrig.db.database import Database
from cellrig.placement import Placement, placement_image
from cellrig.placement.types import AllocationsWrite, CandidateQuery, Inventory, RequestGroup
from cellrig.runtime.virtual import VirtualRuntime

FLAVOR = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 10}


def uuid_of(number: int) -> str:
    return str(UUID(int=number))


class Forest:
    """A placement service and ways to plant trees in it; uuids are counted."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.placement = Placement(database)
        self._count = 0

    def fresh(self) -> str:
        self._count += 1
        return uuid_of(self._count)

    def provider(
        self,
        name: str,
        inventories: Mapping[str, Inventory | int],
        *,
        parent: str | None = None,
        traits: tuple[str, ...] = (),
        aggregates: tuple[str, ...] = (),
    ) -> str:
        """Plant one provider (an inventory given as a number is that total); return its uuid."""
        uuid = self.fresh()
        self.placement.create_provider(name, uuid=uuid, parent_uuid=parent)
        filled = {
            resource_class: given if isinstance(given, Inventory) else Inventory(given)
            for resource_class, given in inventories.items()
        }
        generation = self.placement.set_inventories(uuid, filled, generation=0)
        for trait in traits:
            if trait.startswith("CUSTOM_"):
                self.placement.create_trait(trait)
        generation = self.placement.set_traits(uuid, set(traits), generation=generation)
        self.placement.set_aggregates(uuid, set(aggregates), generation=generation)
        return uuid

    def host(self, name: str, vcpus: int = 8) -> str:
        return self.provider(name, {"VCPU": vcpus, "MEMORY_MB": 8192, "DISK_GB": 100})

    def claim(self, allocations: dict[str, dict[str, int]], consumer: str | None = None) -> str:
        """Let a new consumer hold `allocations`; return its uuid."""
        consumer = consumer or self.fresh()
        self.placement.put_allocations(consumer, write(allocations))
        return consumer

    def generation(self, provider: str) -> int:
        return self.placement.get_provider(provider).generation

    def used(self, provider: str, resource_class: str) -> int:
        return self.placement.get_provider_usages(provider)[resource_class]

    def holders(self, resources: dict[str, int], limit: int | None = None) -> list[set[str]]:
        """Return, for each candidate, the providers that it allocates from."""
        query = CandidateQuery((RequestGroup(resources=resources),), limit=limit)
        found = self.placement.get_allocation_candidates(query)
        return [set(request.allocations) for request in found.allocation_requests]


def write(
    allocations: dict[str, dict[str, int]], generation: int | None = None, kind: str = "INSTANCE"
) -> AllocationsWrite:
    return AllocationsWrite(allocations, "project", "user", generation, kind)


@pytest.fixture
def forest() -> Iterator[Forest]:
    database = Database("placement", placement_image(), VirtualRuntime())
    yield Forest(database)
    database.close()
