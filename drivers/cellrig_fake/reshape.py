"""Moving what guests hold when a node's resources are counted elsewhere than before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cellrig.driver import HostAllocations, HypervisorError, ProviderTree
from cellrig.placement.types import Inventory

#: A provider's uuid and a resource class that it will not have any more, to the names of the
#: providers that will have it.
Displaced = Mapping[tuple[str, str], Sequence[str]]


def displaced(
    tree: ProviderTree, providers: Sequence[str], wanted: Mapping[str, Mapping[str, Inventory]]
) -> Displaced:
    """Find the resource classes that go from one provider to others.

    Args:
        tree: what placement has.
        providers: the names of those in it that the driver describes, or used to.
        wanted: provider's name to the inventory that it ought to have.
    """
    moves = {}
    for name in providers:
        data = tree.data(name)
        for resource_class in data.inventory:
            if resource_class in wanted.get(name, {}):
                continue
            heirs = [heir for heir, inventory in wanted.items() if resource_class in inventory]
            if heirs:
                moves[data.uuid, resource_class] = heirs
    return moves


def move_allocations(tree: ProviderTree, moves: Displaced, allocations: HostAllocations) -> None:
    """Edit `allocations` so that nothing is held of a provider that has it no more.

    Each amount goes to the first heir that has room for it.

    Args:
        tree: as it is after the change.
        moves: what `displaced` returned before it.
        allocations: consumer's uuid to provider's uuid to resource class to amount.

    Raises:
        HypervisorError: no heir has room.
    """
    room = _room(tree, moves, allocations)
    for consumer, held in allocations.items():
        for (source, resource_class), heirs in moves.items():
            amount = held.get(source, {}).pop(resource_class, 0)
            if not amount:
                continue
            heir = next((each for each in heirs if room[each, resource_class] >= amount), None)
            if heir is None:
                told = f"no provider has room for {amount} {resource_class} of {consumer}"
                raise HypervisorError(told)
            room[heir, resource_class] -= amount
            there = held.setdefault(tree.data(heir).uuid, {})
            there[resource_class] = there.get(resource_class, 0) + amount
        for empty in [provider for provider, amounts in held.items() if not amounts]:
            del held[empty]


def _room(
    tree: ProviderTree, moves: Displaced, allocations: HostAllocations
) -> dict[tuple[str, str], int]:
    """What each heir can still give of each class that comes to it."""
    room = {}
    for (_source, resource_class), heirs in moves.items():
        for heir in heirs:
            data = tree.data(heir)
            taken = sum(
                held.get(data.uuid, {}).get(resource_class, 0) for held in allocations.values()
            )
            room[heir, resource_class] = data.inventory[resource_class].capacity - taken
    return room
