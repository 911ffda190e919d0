"""Functions of cards, and interfaces. One bug a class."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from cellrig.driver import Device, Disk, Guest, HostState, Image
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by("Sriov::test_functions_are_counted_as_they_are", "the total of SRIOV_NET_VF of host1")
class LosesAFunction(FakeDriver):
    """One function that placement counts is not there."""

    def get_host_state(self, nodename: str) -> HostState:
        state = super().get_host_state(nodename)
        return replace(state, devices=state.devices[:-1])


@caught_by(
    "Sriov::test_a_function_is_free_again_when_its_guest_is_gone", "the owners of all functions"
)
class KeepsFunctions(FakeDriver):
    """A guest that is gone keeps its function."""

    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        claims = dict(self.hypervisor.state.claims)
        super().destroy(guest, disks, destroy_disks)
        self.hypervisor.state.claims.update(claims)


@caught_by(
    "Sriov::test_a_guest_gets_a_function_of_the_provider_that_was_allocated",
    "the providers of the guest's functions",
)
class GivesAnyFunction(FakeDriver):
    """A guest gets the last free function, whatever was allocated."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        free = [d for d in self.hypervisor.devices(guest.node) if d.parent is not None]
        anything = [
            replace(
                device,
                provider_uuid=None,
                provider_name=None,
                physical_network=None,
                address=free[-1].address,
            )
            for device in devices
        ]
        super().spawn(guest, image, disks, anything)


@caught_by("AttachInterface::test_an_interface_comes_and_goes", "the number of the guest's devices")
class AttachesInterfacesTwice(FakeDriver):
    """The second time, an interface is there twice."""

    def attach_interface(self, guest: Guest, device: Device) -> None:
        super().attach_interface(guest, replace(device, port_id=None))
