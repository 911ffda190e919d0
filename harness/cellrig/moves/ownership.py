"""Who owns what while a server moves: the migration its source, the server its destination.

Each change of owners is one request to placement, which does all of it or nothing. At every moment
a resource that a guest uses, or may be brought back to, has exactly one owner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from cellrig.errors import CellrigError
from cellrig.model import Migration, Selection
from cellrig.placement.client import PlacementClient
from cellrig.placement.errors import ConcurrentUpdate
from cellrig.placement.types import AllocationsWrite, ConsumerAllocations
from cellrig.seams import Seams

INSTANCE = "INSTANCE"
MIGRATION = "MIGRATION"

#: Times that a change of owners is tried when another write came in between.
_ATTEMPTS = 4


class NothingToMove(CellrigError):
    """A server holds nothing that its migration could take over."""

    template = "server {0} holds nothing in placement: it cannot be moved"


class Ownership:
    """Changes who owns the resources of servers that move.

    Args:
        placement: where it stands.
        seams: of the rig.
    """

    def __init__(self, placement: PlacementClient, seams: Seams) -> None:
        self._placement = placement
        self._seams = seams

    def hand_over(self, instance_uuid: str, migration_uuid: str) -> None:
        """Let a migration hold what its server holds; twice is harmless.

        Raises:
            NothingToMove: neither holds anything.
        """
        self._again(lambda: self._hand_over(instance_uuid, migration_uuid))

    def claim_in_place(self, migration: Migration, selection: Selection) -> None:
        """Let a server hold its new size in the place of the old one; twice is harmless.

        Its migration keeps what of the old size is beyond the new. So both hold together, of each
        provider and class, the larger of the two: enough for either of them.

        Args:
            migration: with the old size in its `old_allocations`.
            selection: the new size, in the same tree.

        Raises:
            AllocationRefused: the larger of the two does not fit.
        """
        self._again(lambda: self._claim_in_place(migration, selection))

    def give_back(self, migration: Migration) -> None:
        """Let a server hold what it held at its source, and nothing at its destination.

        Twice is harmless: where the migration holds nothing it has been done.
        """
        self._again(lambda: self._give_back(migration))

    def drop_destination(self, migration: Migration) -> None:
        """Take from a server what it holds at its destination; twice is harmless.

        What is claimed in place is the server's old size as well: it is given back, never dropped.
        """
        if not migration.old_allocations:
            self.drop(migration.instance_uuid)

    def held(self, consumer_uuid: str) -> dict[str, dict[str, int]]:
        """Return what a server or a migration holds, by provider uuid."""
        known = self._placement.get_allocations(consumer_uuid)
        return {} if known is None else known.allocations

    def drop(self, consumer_uuid: str) -> None:
        """Take everything from a server or from a migration; twice is harmless."""
        self._placement.delete_allocations(consumer_uuid)

    def _hand_over(self, instance_uuid: str, migration_uuid: str) -> None:
        if self._placement.get_allocations(migration_uuid) is not None:
            return
        held = self._placement.get_allocations(instance_uuid)
        if held is None:
            raise NothingToMove(instance_uuid)
        self._placement.post_allocations(
            {
                migration_uuid: _holding(held, None, MIGRATION),
                instance_uuid: _nothing(held),
            }
        )

    def _claim_in_place(self, migration: Migration, selection: Selection) -> None:
        kept = self._placement.get_allocations(migration.uuid)
        if kept is None or kept.allocations != migration.old_allocations:
            return
        beyond = _beyond(kept.allocations, selection.allocations)
        self._placement.post_allocations(
            {
                migration.instance_uuid: AllocationsWrite(
                    allocations=selection.allocations,
                    project_id=kept.project_id,
                    user_id=kept.user_id,
                    consumer_generation=None,
                    consumer_type=INSTANCE,
                    mappings=selection.mappings,
                ),
                migration.uuid: replace(_nothing(kept), allocations=beyond),
            }
        )

    def _give_back(self, migration: Migration) -> None:
        kept = self._placement.get_allocations(migration.uuid)
        held = self._placement.get_allocations(migration.instance_uuid)
        if migration.old_allocations and held is not None:
            self._give_back_in_place(migration, held, kept)
        elif kept is not None:
            generation = None if held is None else held.generation
            self._placement.post_allocations(
                {
                    migration.instance_uuid: _holding(kept, generation, INSTANCE),
                    migration.uuid: _nothing(kept),
                }
            )

    def _give_back_in_place(
        self, migration: Migration, held: ConsumerAllocations, kept: ConsumerAllocations | None
    ) -> None:
        """Undo a claim in place: what the migration has kept is not all that the server had."""
        old = migration.old_allocations
        if kept is None and held.allocations == old:
            return
        again = replace(_holding(held, held.generation, INSTANCE), allocations=old)
        writes = {migration.instance_uuid: again}
        if kept is not None:
            writes[migration.uuid] = _nothing(kept)
        self._placement.post_allocations(writes)

    def _again(self, change: Callable[[], None]) -> None:
        """Change owners; where somebody wrote in between, look and change again."""
        for _attempt in range(_ATTEMPTS - 1):
            try:
                change()
            except ConcurrentUpdate as error:
                self._seams.handled(error, "the owners are looked at again")
            else:
                return
        change()


def _holding(
    held: ConsumerAllocations, generation: int | None, consumer_type: str
) -> AllocationsWrite:
    return AllocationsWrite(
        allocations=held.allocations,
        project_id=held.project_id,
        user_id=held.user_id,
        consumer_generation=generation,
        consumer_type=consumer_type,
    )


def _beyond(
    old: Mapping[str, Mapping[str, int]], new: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    """Return what of `old` is more than `new` has, by provider and class."""
    beyond: dict[str, dict[str, int]] = {}
    for provider, amounts in old.items():
        for name, amount in amounts.items():
            more = amount - new.get(provider, {}).get(name, 0)
            if more > 0:
                beyond.setdefault(provider, {})[name] = more
    return beyond


def _nothing(held: ConsumerAllocations) -> AllocationsWrite:
    return AllocationsWrite(
        allocations={},
        project_id=held.project_id,
        user_id=held.user_id,
        consumer_generation=held.generation,
        consumer_type=held.consumer_type,
    )
