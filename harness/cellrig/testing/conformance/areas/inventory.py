"""Inventory and provider trees."""

from __future__ import annotations

from typing import ClassVar

from cellrig.driver import HypervisorError
from cellrig.placement.types import ProviderRecord
from cellrig.testing.conformance.case import Area
from cellrig.testing.conformance.checking import check, equal
from cellrig.testing.conformance.lab import LARGE, SMALL, TIMES, Lab

_AMOUNTS = (("VCPU", "vcpus"), ("MEMORY_MB", "memory_mb"), ("DISK_GB", "disk_gb"))


class Inventory(Area):
    """What a host says that it has is what placement counts, and stays so."""

    name: ClassVar[str] = "inventory"

    def test_nodes_are_there_once_in_the_cloud(self, lab: Lab) -> None:
        """Every host has a node, and no two have the same."""
        nodes = [node for host in lab.hosts for node in lab.call(host, "get_available_nodes")]
        equal(len(nodes), len(set(nodes)), "the number of different node names")
        known = {node.hypervisor_hostname for node in lab.rig.hypervisors.list()}
        equal(known, set(nodes), "what the hypervisors API shows")

    def test_the_tree_counts_what_the_host_state_says(self, lab: Lab) -> None:
        """Processors, memory and disk add up over the tree."""
        for host in lab.hosts:
            state = lab.state(host)
            for resource_class, field in _AMOUNTS:
                equal(
                    total(providers(lab, host), resource_class),
                    getattr(state, field),
                    f"the total of {resource_class} in the tree of {host}",
                )

    def test_the_tree_has_the_node_as_its_root(self, lab: Lab) -> None:
        """And every other provider is beneath it."""
        for host in lab.hosts:
            tree = providers(lab, host)
            roots = [each.name for each in tree if each.parent_uuid is None]
            equal(roots, [lab.node(host)], f"the root of the tree of {host}")

    def test_describing_again_changes_nothing(self, lab: Lab) -> None:
        """Ten descriptions by the periodic work leave every generation as it was."""
        before = {host: providers(lab, host) for host in lab.hosts}
        for _time in range(TIMES):
            _describe(lab)
        for host in lab.hosts:
            equal(providers(lab, host), before[host], f"the tree of {host} after ten descriptions")

    def test_describing_with_guests_changes_nothing(self, lab: Lab) -> None:
        """What guests take is no part of what there is."""
        totals = {host: _totals(lab, host) for host in lab.hosts}
        lab.server()
        _describe(lab)
        for host in lab.hosts:
            equal(_totals(lab, host), totals[host], f"the inventory of {host} with a guest on it")

    def test_the_tree_outlives_a_restart_of_the_service(self, lab: Lab) -> None:
        """A service that starts anew describes the same."""
        before = providers(lab, lab.first)
        lab.restart(lab.first)
        equal(providers(lab, lab.first), before, "the tree after a restart")

    def test_the_host_state_counts_what_guests_take(self, lab: Lab) -> None:
        """And no longer counts it when they are gone."""
        before = lab.state(lab.first)
        server = lab.server(flavor=LARGE.id)
        during = lab.state(lab.first)
        check(
            during.running_guests >= before.running_guests + 1 or not lab.setup.exact,
            f"running_guests is {during.running_guests} with one guest more than "
            f"{before.running_guests}",
        )
        if not lab.setup.exact:
            return
        equal(
            (during.vcpus_used - before.vcpus_used, during.memory_mb_used - before.memory_mb_used),
            (LARGE.vcpus, LARGE.memory_mb),
            "vcpus and MiB used by a guest",
        )
        lab.rig.servers.delete(server)
        after = lab.state(lab.first)
        equal(after.vcpus_used, before.vcpus_used, "vcpus used when the guest is gone")
        equal(after.memory_mb_used, before.memory_mb_used, "MiB used when the guest is gone")
        equal(after.running_guests, before.running_guests, "guests running when it is gone")

    def test_a_node_that_is_not_there_is_refused(self, lab: Lab) -> None:
        """With the driver's own error, not with any."""
        lab.refused(HypervisorError, lab.first, "get_host_state", "no such node")

    def test_a_host_is_begun_and_ended_ten_times(self, lab: Lab) -> None:
        """Guests run on, and the driver is there again."""
        server = lab.server()
        lab.ten_times(lab.first, "init_host")
        lab.ten_times(lab.first, "cleanup_host")
        lab.ten_times(lab.first, "init_host")
        lab.restart(lab.first)
        equal(lab.info(server).memory_mb, SMALL.memory_mb, "the memory of a guest that ran on")


def _describe(lab: Lab) -> None:
    """Let the periodic work of all hosts describe them: a minute and a bit later, or by hand."""
    if lab.setup.live:
        with lab.rig.holding():
            for host in lab.hosts:
                lab.restart(host)
        lab.reach(lab.rig.settle)
    else:
        lab.rig.advance(65)


def providers(lab: Lab, host: str) -> tuple[ProviderRecord, ...]:
    """Return the tree of a host's first node, as placement has it."""
    node = lab.node(host)
    (root,) = [each for each in lab.rig.hypervisors.list() if each.hypervisor_hostname == node]
    return tuple(lab.rig.placement.get_provider_tree(root.uuid))


def total(tree: tuple[ProviderRecord, ...], resource_class: str) -> int:
    """Return how much of a class a tree has."""
    return sum(
        each.inventories[resource_class].total
        for each in tree
        if resource_class in each.inventories
    )


def _totals(lab: Lab, host: str) -> dict[str, dict[str, int]]:
    return {
        each.name: {name: record.total for name, record in each.inventories.items()}
        for each in providers(lab, host)
    }
