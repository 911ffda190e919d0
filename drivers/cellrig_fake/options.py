"""What the fake driver takes: everything about it is data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import msgspec

from cellrig.driver import Capabilities
from cellrig_fake.behaviours import Behaviour
from cellrig_fake.device_options import CustomChild, Gpu, PhysicalFunction

Count = Annotated[int, msgspec.Meta(ge=0)]
Ratio = Annotated[float, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]

#: What the fake driver can do at most; `FakeOptions.capabilities` switches on and off.
EVERYTHING = Capabilities(**dict.fromkeys(Capabilities.__struct_fields__, True))

#: Off unless they are switched on, as in the field's own fake driver.
OFF_BY_DEFAULT = (
    "cold_migrate_on_same_host",
    "rescue_volume_backed",
    "ephemeral_encryption",
    "ephemeral_encryption_luks",
    "ephemeral_encryption_plain",
)


class FakeOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of the fake driver. Every node of a host has the same.

    Args:
        vcpus, memory_mb, disk_gb: what a node has: processors, MiB, GiB.
        cpu_allocation_ratio, ram_allocation_ratio, disk_allocation_ratio: how many times it may
            be promised; the defaults are the field's at Queens.
        reserved_vcpus, reserved_memory_mb, reserved_disk_gb: what guests cannot have.
        numa_cells: 2 or more: processors and memory belong to child providers.
        sriov: network cards with virtual functions.
        gpus: graphics cards.
        children: further child providers, with whatever inventory.
        traits: further traits of the node, for example ``HW_CPU_X86_AVX``.
        nodes: names of the nodes; ``{host}`` stands for the host's name. None: one, named as
            the host.
        capabilities: name to true or false, over the defaults.
        latencies: method to the seconds of virtual time that it takes; ``connect_volume`` and
            ``disconnect_volume`` are the steps on the storage network within the methods.
        behaviours: what goes wrong, and when.
        image_formats: disk formats that it boots from.
        shared_storage: hosts with this on see each other's local disks.
        predictable_node_uuids: a node has a uuid that follows from its name.
        lifecycle_events: whether guest events are told.
        hypervisor_type, hypervisor_version: what the hypervisors API shows.
    """

    vcpus: Annotated[int, msgspec.Meta(ge=1)] = 64
    memory_mb: Annotated[int, msgspec.Meta(ge=1)] = 131072
    disk_gb: Annotated[int, msgspec.Meta(ge=1)] = 2048
    cpu_allocation_ratio: Ratio = 16.0
    ram_allocation_ratio: Ratio = 1.5
    disk_allocation_ratio: Ratio = 1.0
    reserved_vcpus: Count = 0
    reserved_memory_mb: Count = 0
    reserved_disk_gb: Count = 0
    numa_cells: Count = 0
    sriov: tuple[PhysicalFunction, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    children: tuple[CustomChild, ...] = ()
    traits: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    capabilities: dict[str, bool] = {}
    latencies: dict[str, Seconds] = {}
    behaviours: tuple[Behaviour, ...] = ()
    image_formats: tuple[str, ...] = ("raw", "qcow2", "iso", "vmdk", "vhd", "vdi", "ami")
    shared_storage: bool = False
    predictable_node_uuids: bool = False
    lifecycle_events: bool = True
    hypervisor_type: str = "fake"
    hypervisor_version: int = 1000000

    def __post_init__(self) -> None:
        """Refuse options that do not fit each other."""
        _unknown("capabilities", self.capabilities, Capabilities.__struct_fields__)
        for name, total, reserved in (
            ("reserved_vcpus", self.vcpus, self.reserved_vcpus),
            ("reserved_memory_mb", self.memory_mb, self.reserved_memory_mb),
            ("reserved_disk_gb", self.disk_gb, self.reserved_disk_gb),
        ):
            if reserved > total:
                raise ValueError(f"{name}: at most the total of {total}")
        if self.numa_cells > self.vcpus:
            raise ValueError(f"numa_cells: at most one for each of the {self.vcpus} vcpus")
        addresses = [address for card in self.sriov for address in card.addresses()]
        _twice("sriov", (*addresses, *(card.address for card in self.gpus)))
        _check_pool(self.sriov)
        _twice("children", (child.name for child in self.children))
        _twice("nodes", self.nodes)
        if len(self.nodes) > 1 and not self.effective_capabilities().multiple_nodes:
            raise ValueError("nodes: at most one where capability multiple_nodes is off")
        _words("traits", self.traits)
        numa_nodes = [card.numa_node for card in self.sriov] + [gpu.numa_node for gpu in self.gpus]
        for numa_node in numa_nodes:
            if numa_node is not None and numa_node >= max(self.numa_cells, 1):
                told = f"a numa_node below numa_cells, which is {self.numa_cells}"
                raise ValueError(f"{'sriov' if self.sriov else 'gpus'}: {told}")

    def effective_capabilities(self) -> Capabilities:
        """What a driver with these options can do."""
        defaults = dict.fromkeys(OFF_BY_DEFAULT, False)
        return msgspec.structs.replace(EVERYTHING, **{**defaults, **self.capabilities})


def _unknown(option: str, given: Iterable[str], known: Iterable[str]) -> None:
    known = tuple(known)
    for name in given:
        if name not in known:
            raise ValueError(f"{option}: {name!r} is not one of {', '.join(known)}")


def _check_pool(cards: Iterable[PhysicalFunction]) -> None:
    """Functions that are counted at the node are one pool, with the same traits."""
    pooled = [card for card in cards if card.tree == "root" and card.vfs]
    for card in pooled[1:]:
        if set(card.all_traits()) != set(pooled[0].all_traits()):
            raise ValueError(
                f"sriov: cards with tree 'root' have the same physical_network and traits; "
                f"{card.address} and {pooled[0].address} differ"
            )


def _twice(option: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"{option}: {name!r} once, not {count} times")


def _words(option: str, traits: Iterable[str]) -> None:
    for trait in traits:
        if not re.fullmatch(r"[A-Z0-9_]+", trait):
            raise ValueError(f"{option}: traits of capital letters, digits and underscores")
