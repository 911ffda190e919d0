"""What holds of every capability: a trait tells of it, and what is not declared is refused."""

from __future__ import annotations

import inspect

from cellrig.driver import METHODS, TRAITS, CapabilityNotSupported
from cellrig.testing.conformance.case import Area, undeclared
from cellrig.testing.conformance.checking import check
from cellrig.testing.conformance.lab import Lab


class Told(Area):
    """A capability that a standard trait of the node tells of."""

    def test_the_node_reports_the_trait(self, lab: Lab) -> None:
        """Placement knows of it, so that it can be scheduled by."""
        trait = TRAITS[str(self.capability)]
        for host in lab.hosts:
            check(trait in traits(lab, host), f"the node of {host} does not report trait {trait}")

    @undeclared
    def test_the_trait_is_not_reported_while_undeclared(self, lab: Lab) -> None:
        """Nothing is promised that is not there."""
        trait = TRAITS[str(self.capability)]
        for host in lab.hosts:
            check(trait not in traits(lab, host), f"the node of {host} reports trait {trait}")


class Refused(Area):
    """A capability that obliges methods of its own."""

    @undeclared
    def test_its_methods_are_refused_while_undeclared(self, lab: Lab) -> None:
        """Each raises `CapabilityNotSupported`, and the guest stays what it was."""
        server = lab.server()
        before = lab.info(server)
        driver, own = lab.driver(lab.first), str(self.capability)
        obliged = {
            name
            for each in lab.capabilities.names()
            if each != own
            for name in METHODS.get(each, ())
        }
        for name in METHODS[own]:
            if name in obliged:
                continue
            signature = inspect.signature(getattr(driver, name)).parameters.values()
            further = [each for each in signature if each.default is inspect.Parameter.empty][1:]
            lab.refused(
                CapabilityNotSupported, lab.first, name, lab.guest(server), *(None for _ in further)
            )
        check(lab.info(server) == before, "a refused call has changed the guest")


def traits(lab: Lab, host: str) -> tuple[str, ...]:
    """Return the traits that placement knows of a host's first node."""
    node = lab.node(host)
    (root,) = [each for each in lab.rig.hypervisors.list() if each.hypervisor_hostname == node]
    trees = lab.rig.placement.get_provider_tree(root.uuid)
    return tuple(
        trait for provider in trees if provider.uuid == root.uuid for trait in provider.traits
    )
