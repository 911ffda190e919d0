"""SR-IOV: virtual functions of network cards, as placement allocates them."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from cellrig.driver import DeviceKind, HostDevice
from cellrig.model import Server
from cellrig.testing.conformance.areas.capability import Told
from cellrig.testing.conformance.areas.inventory import providers, total
from cellrig.testing.conformance.case import needs, undeclared
from cellrig.testing.conformance.checking import Unmet, check, contains, equal
from cellrig.testing.conformance.lab import SMALL, Lab

_CLASS = "SRIOV_NET_VF"


class Sriov(Told):
    """Guests get virtual functions of network cards."""

    name: ClassVar[str] = "sriov"
    capability: ClassVar[str | None] = "sriov"

    def test_functions_are_counted_as_they_are(self, lab: Lab) -> None:
        """In the whole tree, and at the provider that each names."""
        for host in lab.hosts:
            functions = _functions(lab, host)
            tree = providers(lab, host)
            equal(total(tree, _CLASS), len(functions), f"the total of {_CLASS} of {host}")
            counted = {
                each.name: each.inventories[_CLASS].total
                for each in tree
                if _CLASS in each.inventories
            }
            named = Counter(function.provider_name for function in functions)
            equal(counted, dict(named), f"the functions by provider of {host}")

    def test_a_guest_gets_a_function_of_the_provider_that_was_allocated(self, lab: Lab) -> None:
        """The hypervisor says that it has it, and the host that it is its."""
        server = lab.server(flavor=_flavor(lab))
        _has_what_is_allocated(lab, server, lab.first)

    def test_every_function_is_given_once(self, lab: Lab) -> None:
        """Until none is left; then no host is found."""
        flavor, given = _flavor(lab), []
        lab.rig.services.disable(lab.second)
        for _function in _functions(lab, lab.first):
            server = lab.server(flavor=flavor)
            given += [device.address for device in lab.info(server).devices]
        equal(
            sorted(given, key=str),
            sorted(function.address for function in _functions(lab, lab.first)),
            "the functions that were given",
        )
        equal(lab.try_server(None, flavor=flavor).status, "ERROR", "the status of one more")

    def test_a_function_is_free_again_when_its_guest_is_gone(self, lab: Lab) -> None:
        """Nobody has it."""
        server = lab.server(flavor=_flavor(lab))
        lab.rig.servers.delete(server)
        owners = {function.address: function.owner for function in _functions(lab, lab.first)}
        equal(set(owners.values()), {None}, "the owners of all functions")

    def test_a_function_is_of_the_physical_network_that_was_asked_for(self, lab: Lab) -> None:
        """Each network that the host is wired to."""
        networks = {each.physical_network for each in _functions(lab, lab.first)} - {None}
        for network in sorted(map(str, networks)):
            trait = "CUSTOM_PHYSNET_" + "".join(
                letter if letter.isalnum() else "_" for letter in network.upper()
            )
            flavor = _flavor(lab, resources1="1", trait1=trait)
            server = lab.server(flavor=flavor)
            (found,) = _of_guest(lab, server, lab.first)
            equal(found.physical_network, network, "the physical network of the function")

    def test_a_guest_keeps_its_function_while_it_reboots(self, lab: Lab) -> None:
        """Hard, and when it is stopped and started."""
        server = lab.server(flavor=_flavor(lab))
        before = lab.info(server).devices
        lab.rig.servers.reboot(server, "HARD")
        equal(lab.info(server).devices, before, "the devices after a hard reboot")
        lab.rig.servers.stop(server)
        lab.rig.servers.start(server)
        equal(lab.info(server).devices, before, "the devices when it was started")

    @needs("cold_migration")
    def test_a_guest_that_moves_gets_a_function_there(self, lab: Lab) -> None:
        """And gives its own back when the move is confirmed."""
        server = lab.server(flavor=_flavor(lab))
        lab.rig.servers.migrate(server)
        _has_what_is_allocated(lab, server, lab.second)
        lab.rig.servers.confirm_resize(server)
        owners = {function.owner for function in _functions(lab, lab.first)}
        equal(owners, {None}, "the owners of the functions of the source")

    @needs("cold_migration")
    def test_a_guest_that_comes_back_has_its_function_again(self, lab: Lab) -> None:
        """The same one; it was kept for it."""
        server = lab.server(flavor=_flavor(lab))
        before = lab.info(server).devices
        lab.rig.servers.migrate(server)
        lab.rig.servers.revert_resize(server)
        equal(lab.info(server).devices, before, "the devices of the guest")
        owners = {function.owner for function in _functions(lab, lab.second)}
        equal(owners, {None}, "the owners of the functions of the destination")

    @undeclared
    def test_no_function_is_shown_while_undeclared(self, lab: Lab) -> None:
        """Neither by the host nor in its tree."""
        for host in lab.hosts:
            shown = [each for each in lab.state(host).devices if each.kind is DeviceKind.VF]
            equal(shown, [], f"the functions of {host}")
            equal(total(providers(lab, host), _CLASS), 0, f"the total of {_CLASS} of {host}")


def _functions(lab: Lab, host: str) -> list[HostDevice]:
    found = [each for each in lab.state(host).devices if each.kind is DeviceKind.VF]
    if not found:
        raise Unmet(f"{host} shows no virtual function: give it options under which it has some")
    return found


def _flavor(lab: Lab, **group: str) -> str:
    name = f"functions-{lab.rig.new_uuid()}"
    specs = {f"resources:{_CLASS}": "1"}
    if group:
        specs = {f"resources1:{_CLASS}": "1", f"trait1:{group['trait1']}": "required"}
    return lab.rig.flavors.create(
        name, vcpus=1, memory_mb=SMALL.memory_mb, root_gb=1, extra_specs=specs
    ).id


def _of_guest(lab: Lab, server: Server, host: str) -> list[HostDevice]:
    addresses = {device.address for device in lab.info(server).devices}
    return [each for each in _functions(lab, host) if each.address in addresses]


def _has_what_is_allocated(lab: Lab, server: Server, host: str) -> None:
    names = {provider.uuid: provider.name for provider in providers(lab, host)}
    held = lab.rig.placement.get_allocations(server.id)
    allocated = {} if held is None else held.allocations
    wanted = [names.get(uuid) for uuid, amounts in allocated.items() if _CLASS in amounts]
    check(len(wanted) == 1, f"placement has allocated functions of {wanted}")
    found = _of_guest(lab, server, host)
    equal([each.provider_name for each in found], wanted, "the providers of the guest's functions")
    for function in found:
        check(function.owner is not None, f"function {function.address} is nobody's by the host")
        contains([server.id in str(function.owner)], True, "the owner of the function")
