"""Inventory and provider trees. One bug a class."""

from __future__ import annotations

from msgspec.structs import replace

from cellrig.driver import HostAllocations, HostState, ProviderTree
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by(
    "Inventory::test_the_tree_counts_what_the_host_state_says",
    "the total of VCPU in the tree of host1",
)
class ReportsWrongTotals(FakeDriver):
    """Its nodes say that they have one processor more than it tells placement."""

    def get_host_state(self, nodename: str) -> HostState:
        state = super().get_host_state(nodename)
        return replace(state, vcpus=state.vcpus + 1)


@caught_by(
    "Inventory::test_describing_again_changes_nothing", "the tree of host1 after ten descriptions"
)
class ChangesItsMindAboutTraits(FakeDriver):
    """Every other description has a trait more."""

    described = 0

    def update_provider_tree(
        self, tree: ProviderTree, nodename: str, allocations: HostAllocations | None = None
    ) -> None:
        super().update_provider_tree(tree, nodename, allocations)
        self.described += 1
        if self.described % 2:
            tree.add_traits(nodename, "CUSTOM_ODD")
        else:
            tree.remove_traits(nodename, "CUSTOM_ODD")


@caught_by(
    "Inventory::test_describing_with_guests_changes_nothing",
    "the inventory of host1 with a guest on it",
)
class CountsOnlyWhatIsFree(FakeDriver):
    """What guests take is missing from its inventory."""

    def update_provider_tree(
        self, tree: ProviderTree, nodename: str, allocations: HostAllocations | None = None
    ) -> None:
        super().update_provider_tree(tree, nodename, allocations)
        inventory = dict(tree.data(nodename).inventory)
        free = inventory["VCPU"].total - self.hypervisor.usage(nodename).vcpus
        inventory["VCPU"] = replace(inventory["VCPU"], total=free, max_unit=free)
        tree.update_inventory(nodename, inventory)


@caught_by(
    "Inventory::test_the_host_state_counts_what_guests_take", "vcpus and MiB used by a guest"
)
class CountsNoGuests(FakeDriver):
    """Its nodes are never in use."""

    def get_host_state(self, nodename: str) -> HostState:
        return replace(super().get_host_state(nodename), vcpus_used=0, memory_mb_used=0)


@caught_by("Inventory::test_a_host_is_begun_and_ended_ten_times", "the hypervisor has no guest")
class TakesItsGuestsWithIt(FakeDriver):
    """When it lets go of the hypervisor, the guests are gone."""

    def cleanup_host(self) -> None:
        super().cleanup_host()
        for info in super().list_guests():
            self.lose_guest(info.uuid)


@caught_by("Inventory::test_a_node_that_is_not_there_is_refused", "get_host_state raised nothing")
class InventsNodes(FakeDriver):
    """It describes nodes that it does not have."""

    def get_host_state(self, nodename: str) -> HostState:
        return super().get_host_state(nodename if nodename in self.nodes else self.nodes[0])
