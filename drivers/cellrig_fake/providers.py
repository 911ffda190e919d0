"""The provider tree of a fake node: what its options say, told to placement's tree."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cellrig.driver import Capabilities, HostAllocations, ProviderTree, ReshapeNeeded
from cellrig.driver.capabilities import TRAITS
from cellrig.placement.types import Inventory
from cellrig_fake.device_options import Gpu, PhysicalFunction
from cellrig_fake.host_devices import provider_name
from cellrig_fake.options import FakeOptions
from cellrig_fake.reshape import NO_PLACES, Places, displaced, move_allocations


class Description(msgspec.Struct, frozen=True):
    """A provider as it ought to be. `parent` is None for the node itself."""

    name: str
    parent: str | None
    inventory: dict[str, Inventory]
    traits: tuple[str, ...]


def describe(
    options: FakeOptions, node: str, capabilities: Capabilities
) -> tuple[Description, ...]:
    """Return the providers of a node, the node itself first, parents before children."""
    return tuple(_describe(options, node, capabilities))


def update_tree(
    tree: ProviderTree,
    node: str,
    wanted: tuple[Description, ...],
    allocations: HostAllocations | None,
    places: Places = NO_PLACES,
) -> None:
    """Edit a tree until it has what is wanted, and nothing of this driver's beside that.

    Providers that others put beneath the node are left alone, and so are traits of others.

    Args:
        tree: what placement has.
        node: the root's name.
        wanted: what `describe` returned.
        allocations: what guests hold; edited where they have to hold it elsewhere.
        places: which providers count the devices that guests have.

    Raises:
        ReshapeNeeded: they have to, and `allocations` is not given; nothing has been edited.
    """
    ours = [name for name in tree.names(node) if name.startswith((f"{node}_", f"{node}-"))]
    inventories = {each.name: each.inventory for each in wanted}
    moves = displaced(tree, [node, *ours], inventories)
    if moves and allocations is None:
        classes = ", ".join(sorted({resource_class for _provider, resource_class in moves}))
        raise ReshapeNeeded(f"{classes} of {node} is counted at other providers than before")
    for name in ours:
        if name not in inventories and tree.exists(name):
            tree.remove(name)
    for each in wanted:
        if not tree.exists(each.name) and each.parent is not None:
            tree.new_child(each.name, each.parent)
        tree.update_inventory(each.name, each.inventory)
        there = tree.data(each.name).traits
        foreign = [trait for trait in there if not _is_ours(trait)]
        tree.update_traits(each.name, (*foreign, *each.traits))
    if allocations is not None:
        move_allocations(tree, moves, allocations, places)


def _describe(options: FakeOptions, node: str, capabilities: Capabilities) -> Iterator[Description]:
    cells = _numa_cells(options, node)
    inventory = {"DISK_GB": _disk(options)}
    if not cells:
        inventory |= {"VCPU": _vcpu(options), "MEMORY_MB": _memory(options)}
    shared_vfs = [card for card in options.sriov if card.tree == "root" and card.vfs]
    if shared_vfs:
        inventory["SRIOV_NET_VF"] = _whole(sum(card.vfs for card in shared_vfs))
    root_traits = [trait for card in shared_vfs for trait in card.all_traits()]
    yield Description(
        node, None, inventory, (*capabilities.traits(), *options.traits, *root_traits)
    )
    yield from cells
    for card in options.sriov:
        if card not in shared_vfs:
            yield from _card(card, node, _parent(card.numa_node, cells, node))
    for gpu in options.gpus:
        yield _gpu(gpu, node, _parent(gpu.numa_node, cells, node))
    for child in options.children:
        totals = {name: _whole(total) for name, total in child.inventory.items()}
        yield Description(f"{node}-{child.name}", node, totals, child.traits)


def _numa_cells(options: FakeOptions, node: str) -> tuple[Description, ...]:
    if options.numa_cells < 2:
        return ()
    return tuple(
        Description(
            f"{node}_NUMA{cell}",
            node,
            {
                "VCPU": _share(_vcpu(options), cell, options.numa_cells),
                "MEMORY_MB": _share(_memory(options), cell, options.numa_cells),
            },
            ("HW_NUMA_ROOT",),
        )
        for cell in range(options.numa_cells)
    )


def _card(card: PhysicalFunction, node: str, parent: str) -> Iterator[Description]:
    name = provider_name(node, card.address)
    if not card.vfs:
        yield Description(name, parent, {"PCI_DEVICE": _whole(1)}, card.all_traits())
    elif card.tree == "inventory":
        yield Description(name, parent, {"SRIOV_NET_VF": _whole(card.vfs)}, card.all_traits())
    else:
        yield Description(name, parent, {}, card.all_traits())
        for address in card.vf_addresses():
            vf = provider_name(node, address)
            # A numbered request group looks for its traits at the provider that it takes from.
            yield Description(vf, name, {"SRIOV_NET_VF": _whole(1)}, card.all_traits())


def _gpu(gpu: Gpu, node: str, parent: str) -> Description:
    inventory = {"VGPU": _whole(gpu.vgpus)} if gpu.vgpus else {"PGPU": _whole(1)}
    return Description(provider_name(node, gpu.address), parent, inventory, gpu.traits)


def _parent(numa_node: int | None, cells: tuple[Description, ...], node: str) -> str:
    return node if numa_node is None or not cells else cells[numa_node].name


def _vcpu(options: FakeOptions) -> Inventory:
    return Inventory(
        total=options.vcpus,
        reserved=options.reserved_vcpus,
        max_unit=options.vcpus,
        allocation_ratio=options.cpu_allocation_ratio,
    )


def _memory(options: FakeOptions) -> Inventory:
    return Inventory(
        total=options.memory_mb,
        reserved=options.reserved_memory_mb,
        max_unit=options.memory_mb,
        allocation_ratio=options.ram_allocation_ratio,
    )


def _disk(options: FakeOptions) -> Inventory:
    return Inventory(
        total=options.disk_gb,
        reserved=options.reserved_disk_gb,
        max_unit=options.disk_gb,
        allocation_ratio=options.disk_allocation_ratio,
    )


def _whole(total: int) -> Inventory:
    return Inventory(total=total, max_unit=total)


def _share(record: Inventory, cell: int, cells: int) -> Inventory:
    """Return a cell's part of an inventory; what cannot be divided goes to the first cells."""
    total = record.total // cells + (cell < record.total % cells)
    reserved = record.reserved // cells + (cell < record.reserved % cells)
    return msgspec.structs.replace(record, total=total, reserved=reserved, max_unit=total)


def _is_ours(trait: str) -> bool:
    return trait in _OUR_TRAITS or trait.startswith("CUSTOM_PHYSNET_")


_OUR_TRAITS = frozenset({*TRAITS.values(), "HW_NIC_SRIOV", "HW_NUMA_ROOT"})
