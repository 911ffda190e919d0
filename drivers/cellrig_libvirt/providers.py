"""The provider tree of a node: what its hypervisor says, told to placement's tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from cellrig.driver import Capabilities, ProviderTree
from cellrig.driver.capabilities import TRAITS
from cellrig.placement.types import Inventory
from cellrig_libvirt.devices import Card, physnet_trait, provider_name
from cellrig_libvirt.node import Node
from cellrig_libvirt.options import LibvirtOptions

_FEATURE = "HW_CPU_X86_"
#: Traits that this driver gives and takes; those of others stay.
_OURS = frozenset({*TRAITS.values(), "HW_NIC_SRIOV", "HW_NUMA_ROOT"})


class Description(msgspec.Struct, frozen=True):
    """A provider as it ought to be. `parent` is None for the node itself."""

    name: str
    parent: str | None
    inventory: dict[str, Inventory]
    traits: tuple[str, ...]


def describe(
    name: str,
    node: Node,
    disk_gb: int,
    cards: Sequence[Card],
    options: LibvirtOptions,
    capabilities: Capabilities,
) -> Iterator[Description]:
    """Return the providers of a node, the node itself first, parents before children."""
    inventory = {}
    if disk_gb:
        inventory["DISK_GB"] = _inventory(
            disk_gb, options.reserved_disk_gb, options.disk_allocation_ratio
        )
    if not node.cells:
        inventory |= {
            "VCPU": _vcpus(node.vcpus, options.reserved_vcpus, options),
            "MEMORY_MB": _memory(node.memory_mb, options.reserved_memory_mb, options),
        }
    yield Description(
        name,
        None,
        inventory,
        (*capabilities.traits(), *feature_traits(node.features), *options.traits),
    )
    for position, cell in enumerate(node.cells):
        # What is reserved for the host itself is taken from its first cell.
        first = position == 0
        yield Description(
            f"{name}_NUMA{cell.number}",
            name,
            {
                "VCPU": _vcpus(cell.vcpus, options.reserved_vcpus * first, options),
                "MEMORY_MB": _memory(cell.memory_mb, options.reserved_memory_mb * first, options),
            },
            ("HW_NUMA_ROOT",),
        )
    numbers = {cell.number for cell in node.cells}
    for card in cards:
        parent = f"{name}_NUMA{card.numa_node}" if card.numa_node in numbers else name
        yield from _card(card, name, parent, options)


def update_tree(tree: ProviderTree, node: str, wanted: Sequence[Description]) -> None:
    """Edit a tree until it has what is wanted, and nothing of this driver's beside that.

    Providers that others put beneath the node are left alone, and so are traits of others.
    """
    names = {each.name for each in wanted}
    for name in tree.names(node):
        if name.startswith(f"{node}_") and name not in names and tree.exists(name):
            tree.remove(name)
    for each in wanted:
        if not tree.exists(each.name) and each.parent is not None:
            tree.new_child(each.name, each.parent)
        tree.update_inventory(each.name, each.inventory)
        foreign = [trait for trait in tree.data(each.name).traits if not _is_ours(trait)]
        tree.update_traits(each.name, (*foreign, *each.traits))


def feature_traits(features: Sequence[str]) -> tuple[str, ...]:
    """Return the standard traits that tell of a processor's features; most have none."""
    import os_traits

    known = frozenset(os_traits.get_traits(_FEATURE))
    words = (feature.upper().replace("-", "_").replace(".", "") for feature in features)
    # Libvirt joins what os-traits parts: avx512f is AVX512F, sse4.1 is SSE41, sha-ni is SHA.
    names = (f"{_FEATURE}{word}" for each in words for word in {each, each.removesuffix("_NI")})
    return tuple(sorted(known.intersection(names)))


def _card(card: Card, node: str, parent: str, options: LibvirtOptions) -> Iterator[Description]:
    name = provider_name(node, card.address)
    network = () if card.physical_network is None else (physnet_trait(card.physical_network),)
    traits = ("HW_NIC_SRIOV", *network)
    if options.sriov_tree == "inventory":
        yield Description(name, parent, {"SRIOV_NET_VF": _inventory(len(card.functions))}, traits)
        return
    yield Description(name, parent, {}, traits)
    for address in card.functions:
        # A numbered request group looks for its traits at the provider that it takes from.
        function = provider_name(node, address)
        yield Description(function, name, {"SRIOV_NET_VF": _inventory(1)}, traits)


def _vcpus(total: int, reserved: int, options: LibvirtOptions) -> Inventory:
    return _inventory(total, reserved, options.cpu_allocation_ratio)


def _memory(total: int, reserved: int, options: LibvirtOptions) -> Inventory:
    return _inventory(total, reserved, options.ram_allocation_ratio)


def _inventory(total: int, reserved: int = 0, ratio: float = 1.0) -> Inventory:
    return Inventory(
        total=total, reserved=min(reserved, total), max_unit=total, allocation_ratio=ratio
    )


def _is_ours(trait: str) -> bool:
    return trait in _OURS or trait.startswith(("CUSTOM_PHYSNET_", _FEATURE))
