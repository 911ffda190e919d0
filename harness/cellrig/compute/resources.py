"""Telling placement what a host has: the difference between its trees and the driver's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cellrig.compute.host import ComputeHost
from cellrig.compute.keeping import data_of, keep_what_is_held
from cellrig.driver.capabilities import TRAITS
from cellrig.driver.errors import ReshapeNeeded
from cellrig.driver.provider_tree import ProviderData, ProviderTree
from cellrig.driver.reports import HostState
from cellrig.errors import CellrigError
from cellrig.model import ComputeNode
from cellrig.placement.errors import (
    ConcurrentUpdate,
    InventoryInUse,
    ProviderHasChildren,
    ProviderInUse,
)
from cellrig.placement.types import AllocationsWrite, InventoriesWrite, ProviderRecord

_CAPABILITY_TRAITS = frozenset(TRAITS.values())

#: What says that the tree is not any more what was read.
_CHANGED_MEANWHILE = (ConcurrentUpdate, InventoryInUse, ProviderInUse, ProviderHasChildren)

#: How often a tree is read anew when somebody else changed it at the same moment.
_ROUNDS = 4


class ResourceTracker:
    """Keeps placement's picture of one host's nodes true.

    Args:
        host: whose.
        new_uuid: the rig's source of uuids.
    """

    def __init__(self, host: ComputeHost, new_uuid: Callable[[], str]) -> None:
        self._host = host
        self._new_uuid = new_uuid

    def update_available_resource(self) -> None:
        """Describe every node of the driver to the cell and to placement."""
        self.describe(self._host.hosts.nodes_of_host(self._host.name))

    def describe(self, nodes: Iterable[ComputeNode]) -> None:
        """Describe every node of the driver, where the cell has records of `nodes`."""
        known = {node.hypervisor_hostname: node for node in nodes}
        for nodename in self._host.driver.get_available_nodes():
            self._update_node(nodename, known.pop(nodename, None))
        for gone in known.values():
            self._host.hosts.node_delete(gone.uuid)

    def _update_node(self, nodename: str, known: ComputeNode | None) -> None:
        state = self._host.driver.get_host_state(nodename)
        uuid = known.uuid if known else state.uuid or self._new_uuid()
        node = _node(uuid, self._host.name, nodename, state)
        # The record comes first: whatever becomes of the tree, the next round knows its uuid.
        if known is None or _differs(known, node):
            self._host.hosts.node_save(node)
        try:
            self._tell_placement(node)
        except CellrigError as error:
            # One node's wrong description must keep neither the others nor the service from work.
            self._host.seams.handled(
                error, f"placement's picture of node {nodename} waits for the next round"
            )

    def _tell_placement(self, node: ComputeNode) -> None:
        for _round in range(_ROUNDS - 1):
            try:
                self._update_tree(node)
            except _CHANGED_MEANWHILE as error:
                self._host.seams.handled(error, "the provider tree is read again")
            else:
                return
        self._update_tree(node)

    def _update_tree(self, node: ComputeNode) -> None:
        """Let the driver edit what placement knows, and write what it changed.

        Raises:
            ConcurrentUpdate, InventoryInUse, ProviderInUse: a provider was changed, or somebody
                claimed of it, meanwhile; read again.
        """
        placement = self._host.placement
        records = placement.get_provider_tree(node.uuid)
        before = {record.uuid: record for record in records}
        tree = self._tree(node, records)
        try:
            self._host.driver.update_provider_tree(tree, node.hypervisor_hostname, None)
        except ReshapeNeeded as needed:
            self._host.seams.handled(needed, "allocations move with the tree")
            # A driver that edits before it raises must not find its own half of the edits.
            self._reshape(node, self._tree(node, records), before)
            return
        self._report_capabilities(tree, node.hypervisor_hostname)
        self._write(tree, before)

    def _tree(self, node: ComputeNode, records: Iterable[ProviderRecord]) -> ProviderTree:
        tree = ProviderTree.from_data(map(data_of, records), self._new_uuid)
        if not tree.exists(node.uuid):
            tree.new_root(node.hypervisor_hostname, node.uuid)
        return tree

    def _report_capabilities(self, tree: ProviderTree, nodename: str) -> None:
        """Let the root have the traits of what the driver can do, and not those it cannot."""
        traits = frozenset(tree.data(nodename).traits)
        wanted = frozenset(self._host.driver.capabilities.traits())
        if traits & _CAPABILITY_TRAITS != wanted:
            tree.update_traits(nodename, (traits - _CAPABILITY_TRAITS) | wanted)

    def _write(self, tree: ProviderTree, before: Mapping[str, ProviderRecord]) -> None:
        placement = self._host.placement
        held = {uuid: record.usages for uuid, record in before.items()}
        wanted = keep_what_is_held(tree.to_data(), before.values(), held)
        # Before anything is created: what comes may have the name of what goes.
        for uuid in reversed(list(before)):
            if uuid not in wanted:
                placement.delete_provider(uuid)
        for provider in wanted.values():
            generation = self._create(provider, before.get(provider.uuid))
            record = before.get(provider.uuid)
            known = {} if record is None else record.inventories
            if known != provider.inventory:
                generation = placement.set_inventories(
                    provider.uuid, provider.inventory, generation=generation
                )
            self._write_memberships(provider, record, generation)

    def _create(self, provider: ProviderData, record: ProviderRecord | None) -> int:
        placement = self._host.placement
        if record is None:
            self._create_classes(provider.inventory)
            return placement.create_provider(
                provider.name, uuid=provider.uuid, parent_uuid=provider.parent_uuid
            ).generation
        if provider.inventory != record.inventories:
            self._create_classes(provider.inventory)
        return record.generation

    def _create_classes(self, resource_classes: Iterable[str]) -> None:
        for name in sorted(resource_classes):
            if name.startswith("CUSTOM_"):
                self._host.placement.create_resource_class(name)

    def _write_memberships(
        self, provider: ProviderData, record: ProviderRecord | None, generation: int
    ) -> None:
        placement = self._host.placement
        traits, aggregates = frozenset(provider.traits), frozenset(provider.aggregates)
        if traits != (record.traits if record else frozenset()):
            for trait in sorted(traits):
                if trait.startswith("CUSTOM_"):
                    placement.create_trait(trait)
            generation = placement.set_traits(provider.uuid, traits, generation=generation)
        if aggregates != (record.aggregates if record else frozenset()):
            placement.set_aggregates(provider.uuid, aggregates, generation=generation)

    def _reshape(
        self, node: ComputeNode, tree: ProviderTree, before: Mapping[str, ProviderRecord]
    ) -> None:
        """Write a tree whose allocations move with it: inventories and allocations in one step.

        The driver edits the allocations that it is handed, as it edits the tree.
        """
        placement = self._host.placement
        held = {
            consumer.consumer_uuid: consumer
            for uuid in before
            for consumer in placement.get_provider_allocations(uuid).consumers
        }
        moved = {uuid: _copy(consumer.allocations) for uuid, consumer in held.items()}
        self._host.driver.update_provider_tree(tree, node.hypervisor_hostname, moved)
        self._report_capabilities(tree, node.hypervisor_hostname)
        wanted = keep_what_is_held(tree.to_data(), before.values(), _sums(moved.values()))
        inventories: dict[str, InventoriesWrite] = {}
        for provider in wanted.values():
            record = before.get(provider.uuid)
            generation = self._create(provider, record)
            if record is None or record.inventories != provider.inventory:
                inventories[provider.uuid] = InventoriesWrite(provider.inventory, generation)
        for uuid in before:
            if uuid not in wanted:
                inventories[uuid] = InventoriesWrite({}, before[uuid].generation)
        placement.reshape(
            inventories,
            {
                uuid: AllocationsWrite(
                    allocations=moved[uuid],
                    project_id=consumer.project_id,
                    user_id=consumer.user_id,
                    consumer_generation=consumer.generation,
                    consumer_type=consumer.consumer_type,
                )
                for uuid, consumer in held.items()
                if moved[uuid] != consumer.allocations
            },
        )
        after = {record.uuid: record for record in placement.get_provider_tree(node.uuid)}
        self._write(tree, after)


def _copy(allocations: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    return {provider: dict(amounts) for provider, amounts in allocations.items()}


def _sums(holdings: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Return what consumers hold together, by provider and resource class."""
    sums: dict[str, dict[str, int]] = {}
    for allocations in holdings:
        for provider, amounts in allocations.items():
            held = sums.setdefault(provider, {})
            for name, amount in amounts.items():
                held[name] = held.get(name, 0) + amount
    return sums


def _node(uuid: str, host: str, nodename: str, state: HostState) -> ComputeNode:
    return ComputeNode(
        uuid=uuid,
        host=host,
        hypervisor_hostname=nodename,
        hypervisor_type=state.hypervisor_type,
        hypervisor_version=state.hypervisor_version,
        vcpus=state.vcpus,
        memory_mb=state.memory_mb,
        disk_gb=state.disk_gb,
    )


def _differs(known: ComputeNode, node: ComputeNode) -> bool:
    return any(
        getattr(known, name) != getattr(node, name)
        for name in node.__struct_fields__
        if name != "failed_builds"
    )
