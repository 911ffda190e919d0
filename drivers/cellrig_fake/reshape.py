"""Moving what guests hold when a node's resources are counted elsewhere than before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from cellrig.driver import HostAllocations, HypervisorError, ProviderTree
from cellrig.placement.types import Inventory

#: A provider's uuid and a resource class that it will not have any more, to the names of the
#: providers that will have it in its place.
Displaced = Mapping[tuple[str, str], Sequence[str]]

#: A consumer's uuid to the names of the providers that count its devices, one for each device.
Places = Mapping[str, Sequence[str]]

#: Nobody has a device.
NO_PLACES: Places = MappingProxyType({})

_DEVICES = frozenset({"SRIOV_NET_VF", "PCI_DEVICE", "VGPU", "PGPU"})


def displaced(
    tree: ProviderTree, providers: Sequence[str], wanted: Mapping[str, Mapping[str, Inventory]]
) -> Displaced:
    """Find the resource classes that go from one provider to others.

    Only a provider that has not had the class before can have got it from another. A device that
    is just gone is nobody's, however many of its kind are left.

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
            heirs = [
                heir
                for heir, inventory in wanted.items()
                if resource_class in inventory and not _has(tree, heir, resource_class)
            ]
            if heirs:
                moves[data.uuid, resource_class] = heirs
    return moves


def move_allocations(
    tree: ProviderTree, moves: Displaced, allocations: HostAllocations, places: Places = NO_PLACES
) -> None:
    """Edit `allocations` so that each amount is held where it is counted now.

    Devices go where those are counted that the guest has; one that is gone from the host stays
    held where it was. Anything else goes to the first heir that has room for it, or is spread.

    Args:
        tree: as it is after the change.
        moves: what `displaced` returned before it.
        allocations: consumer's uuid to provider's uuid to resource class to amount.
        places: where the devices are.

    Raises:
        HypervisorError: the heirs have not enough room.
    """
    room = _room(tree, moves, allocations)
    for consumer, held in allocations.items():
        for (source, resource_class), heirs in moves.items():
            amount = held.get(source, {}).get(resource_class, 0)
            if not amount:
                continue
            if resource_class in _DEVICES and consumer in places:
                own = [name for name in places[consumer] if name in heirs][:amount]
                parts = iter(Counter(own).items())
            else:
                free = {heir: room[heir, resource_class] for heir in heirs}
                parts = _spread(amount, free, f"{resource_class} of {consumer}")
            for heir, part in parts:
                room[heir, resource_class] -= part
                held[source][resource_class] -= part
                there = held.setdefault(tree.data(heir).uuid, {})
                there[resource_class] = there.get(resource_class, 0) + part
        _drop_empty(held)


def _has(tree: ProviderTree, provider: str, resource_class: str) -> bool:
    return tree.exists(provider) and resource_class in tree.data(provider).inventory


def _spread(amount: int, free: Mapping[str, int], what: str) -> Iterator[tuple[str, int]]:
    """Return which heirs give how much: one of them all, or each what it has."""
    for heir, left in free.items():
        if left >= amount:
            yield heir, amount
            return
    if sum(left for left in free.values() if left > 0) < amount:
        raise HypervisorError(f"no provider has room for {amount} {what}")
    for heir, left in free.items():
        part = min(amount, max(left, 0))
        if part:
            amount -= part
            yield heir, part


def _drop_empty(held: dict[str, dict[str, int]]) -> None:
    for provider, amounts in list(held.items()):
        for resource_class in [name for name, amount in amounts.items() if not amount]:
            del amounts[resource_class]
        if not amounts:
            del held[provider]


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
