"""Drivers that serve several nodes."""

from __future__ import annotations

from typing import ClassVar

from cellrig.testing.conformance.case import Area, undeclared
from cellrig.testing.conformance.checking import check, equal
from cellrig.testing.conformance.lab import Lab
from cellrig.testing.conformance.setup import Options, Setup


class MultipleNodes(Area):
    """One driver serves several nodes."""

    name: ClassVar[str] = "multiple_nodes"
    capability: ClassVar[str | None] = "multiple_nodes"

    @staticmethod
    def more_options(setup: Setup, host: str) -> Options:
        """Give each host two nodes."""
        return setup.several_nodes(host)

    def test_every_node_is_described_by_itself(self, lab: Lab) -> None:
        """With a name, a state and a provider of its own."""
        for host in lab.hosts:
            nodes = lab.call(host, "get_available_nodes")
            check(len(nodes) > 1, f"{host} has the nodes {nodes}; it ought to have several")
            for node in nodes:
                equal(lab.call(host, "get_host_state", node).node, node, "the node's name")
        shown = {(each.host, each.hypervisor_hostname) for each in lab.rig.hypervisors.list()}
        wanted = {
            (host, node) for host in lab.hosts for node in lab.call(host, "get_available_nodes")
        }
        equal(shown, wanted, "the nodes that the hypervisors API shows")

    def test_a_guest_is_on_the_node_that_was_chosen(self, lab: Lab) -> None:
        """And only that one counts it."""
        server = lab.server()
        node = lab.guest(server).node
        equal(lab.info(server).node, node, "the guest's node")
        if lab.setup.exact:
            for each in lab.call(lab.first, "get_available_nodes"):
                running = lab.call(lab.first, "get_host_state", each).running_guests
                equal(running, int(each == node), f"the guests that run on {each}")


class OneNode(Area):
    """Drivers that do not serve several nodes."""

    name: ClassVar[str] = "multiple_nodes"
    capability: ClassVar[str | None] = "multiple_nodes"

    @undeclared
    def test_a_host_has_one_node_while_undeclared(self, lab: Lab) -> None:
        """Exactly one."""
        for host in lab.hosts:
            equal(len(lab.call(host, "get_available_nodes")), 1, f"the number of nodes of {host}")
