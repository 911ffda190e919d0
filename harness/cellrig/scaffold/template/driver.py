"""The virt driver template.

It runs guests in memory, declares no capability, and passes the conformance suite for that. What to
do next: put your hypervisor in place of `hypervisor.py`; then declare one capability after the
other, see the suite go red, implement what it names, and see it go green.
"""

# ruff: noqa: D102 - the interface documents its methods

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec

from cellrig.driver import (
    BuildAbort,
    Capabilities,
    CapabilityNotSupported,
    ComputeDriver,
    Connector,
    Device,
    Disk,
    DriverContext,
    Guest,
    GuestBusy,
    GuestDisk,
    GuestEvent,
    GuestEventKind,
    GuestInfo,
    HostAllocations,
    HostState,
    HypervisorError,
    Image,
    ImageUnacceptable,
    PowerState,
    ProviderTree,
    RebootKind,
)
from cellrig.placement.types import Inventory
from cellrig.scaffold.template.hypervisor import Hypervisor, local_root, volume

_FORMATS = ("raw", "qcow2")


class TemplateOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a topology may say of a host.

    Every field needs a default; what is wrong is told to the user in one sentence.

    Args:
        vcpus, memory_mb, disk_gb: what the host has.
    """

    vcpus: Annotated[int, msgspec.Meta(ge=1)] = 16
    memory_mb: Annotated[int, msgspec.Meta(ge=1)] = 16384
    disk_gb: Annotated[int, msgspec.Meta(ge=1)] = 256


class TemplateDriver(ComputeDriver):
    """Guests in memory."""

    interface_version = (1, 0)
    version = "0.1.0"
    Options: ClassVar[type[msgspec.Struct]] = TemplateOptions
    # Next: say what it can do, for example Capabilities(pause=True, snapshot=True). Each capability
    # obliges methods; `cellrig drivers` says which are missing.
    capabilities: Capabilities = Capabilities()

    def __init__(self, options: TemplateOptions, context: DriverContext) -> None:
        super().__init__(options, context)
        self._options = options
        self.hypervisor = Hypervisor(context.host)

    # Inventory and life

    def init_host(self) -> None:
        """Connect here; raise `HypervisorUnavailable` where nobody answers."""
        self.hypervisor.guests()

    def cleanup_host(self) -> None:
        """Let go of connections and threads here; guests run on."""

    def get_available_nodes(self) -> list[str]:
        return [self.context.host]

    def update_provider_tree(
        self, tree: ProviderTree, nodename: str, allocations: HostAllocations | None = None
    ) -> None:
        # Next: child providers for NUMA cells, cards and whatever else can be given away.
        state = self.get_host_state(nodename)
        tree.update_inventory(
            nodename,
            {
                "VCPU": _inventory(state.vcpus, 16.0),
                "MEMORY_MB": _inventory(state.memory_mb, 1.5),
                "DISK_GB": _inventory(state.disk_gb, 1.0),
            },
        )

    def get_host_state(self, nodename: str) -> HostState:
        if nodename not in self.get_available_nodes():
            raise HypervisorError(f"{self.context.host} has no node {nodename!r}")
        guests = self.hypervisor.guests()
        return HostState(
            node=nodename,
            hypervisor_type="template",
            hypervisor_version=1,
            vcpus=self._options.vcpus,
            vcpus_used=sum(guest.vcpus for guest in guests),
            memory_mb=self._options.memory_mb,
            memory_mb_used=sum(guest.memory_mb for guest in guests),
            disk_gb=self._options.disk_gb,
            running_guests=sum(g.power_state is not PowerState.SHUTDOWN for g in guests),
        )

    def list_guests(self) -> list[GuestInfo]:
        return self.hypervisor.guests()

    def get_guest(self, uuid: str) -> GuestInfo:
        return self.hypervisor.guest(uuid)

    # Guests

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        if image is not None and image.format not in _FORMATS:
            taken = ", ".join(_FORMATS)
            raise ImageUnacceptable(image.id, f"it is {image.format}, taken are: {taken}")
        if devices:
            raise BuildAbort("this driver has no devices to give")
        self._refuse_shared("spawn", disks)
        self._define(guest, image, disks)
        self._enter(guest, PowerState.RUNNING, GuestEventKind.STARTED)

    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        if self.hypervisor.undefine(guest.uuid):
            self.emit(GuestEvent(guest.uuid, GuestEventKind.STOPPED, PowerState.SHUTDOWN))

    def cleanup(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        """Remove files and connections here that outlive a guest."""

    def reboot(
        self,
        guest: Guest,
        kind: RebootKind,
        disks: Sequence[Disk] = (),
        devices: Sequence[Device] = (),
    ) -> None:
        if kind is RebootKind.HARD:
            if all(each.uuid != guest.uuid for each in self.hypervisor.guests()):
                self._define(guest, None, disks)
        elif self.hypervisor.guest(guest.uuid).power_state is not PowerState.RUNNING:
            state = self.hypervisor.guest(guest.uuid).power_state.name
            raise GuestBusy(guest.uuid, state, "reboot softly", PowerState.RUNNING.name)
        self._enter(guest, PowerState.RUNNING, GuestEventKind.STARTED)

    def power_on(self, guest: Guest) -> None:
        state = self.hypervisor.guest(guest.uuid).power_state
        if state in (PowerState.PAUSED, PowerState.SUSPENDED):
            raise GuestBusy(guest.uuid, state.name, "power_on", PowerState.SHUTDOWN.name)
        self._enter(guest, PowerState.RUNNING, GuestEventKind.STARTED)

    def power_off(self, guest: Guest, timeout: int = 0) -> None:
        self._enter(guest, PowerState.SHUTDOWN, GuestEventKind.STOPPED)

    def get_console_output(self, guest: Guest) -> str:
        return f"{self.hypervisor.guest(guest.uuid).name} login: "

    # Volumes

    def get_volume_connector(self, guest: Guest) -> Connector:
        return Connector(host=self.context.host)

    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        info = self.hypervisor.guest(guest.uuid)
        if any(each.serial == disk.serial for each in info.disks):
            return
        self._refuse_shared("attach_volume", [disk])
        # Connect the volume to this host here; disconnect it again if what follows fails.
        self.hypervisor.attach(guest.uuid, disk)

    def detach_volume(self, guest: Guest, disk: Disk) -> None:
        self.hypervisor.detach(guest.uuid, disk.serial)

    # Inside

    def tell(self, uuid: str, kind: GuestEventKind) -> None:
        """Tell the listener what has happened to a guest; your hypervisor's events end here."""
        self.emit(GuestEvent(uuid, kind, self.hypervisor.guest(uuid).power_state))

    def _define(self, guest: Guest, image: Image | None, disks: Sequence[Disk]) -> None:
        bus = "scsi" if image is None else image.properties.get("hw_disk_bus", "scsi")
        from_volume = any(disk.boot_index == 0 for disk in disks)
        given: tuple[GuestDisk, ...] = () if from_volume else (local_root(guest, bus),)
        for disk in disks:
            given = (*given, volume(disk, given))
        self.hypervisor.define(guest, given)

    def _enter(self, guest: Guest, power_state: PowerState, kind: GuestEventKind) -> None:
        before = self.hypervisor.guest(guest.uuid).power_state
        self.hypervisor.enter(guest.uuid, power_state)
        if before is not power_state:
            self.tell(guest.uuid, kind)

    def _refuse_shared(self, method: str, disks: Sequence[Disk]) -> None:
        if not self.capabilities.multiattach and any(disk.multiattach for disk in disks):
            raise CapabilityNotSupported(type(self).__name__, method, "multiattach")


def _inventory(total: int, ratio: float) -> Inventory:
    return Inventory(total=total, max_unit=total, allocation_ratio=ratio)
