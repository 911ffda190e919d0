"""The libvirt driver: guests of a real hypervisor, or of libvirt's mock one."""

# ruff: noqa: D102 - the interface documents its methods

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

import cellrig_domxml
from cellrig.driver import (
    Capabilities,
    Connector,
    Device,
    Disk,
    Guest,
    GuestBusy,
    GuestInfo,
    HostAllocations,
    HostState,
    HypervisorError,
    Image,
    PowerState,
    ProviderTree,
    RebootKind,
    SnapshotInfo,
)
from cellrig_libvirt.devices import host_devices
from cellrig_libvirt.errors import spoken
from cellrig_libvirt.moves import LibvirtMoves
from cellrig_libvirt.options import EVERYTHING, LibvirtOptions
from cellrig_libvirt.providers import describe, update_tree

_OFF = (PowerState.SHUTDOWN, PowerState.CRASHED, PowerState.NOSTATE)


class LibvirtDriver(LibvirtMoves):
    """QEMU and KVM guests through libvirt, and guests of libvirt's mock hypervisor.

    What a guest has is always read from the hypervisor. Beside the interface there is
    `domain_xml`.
    """

    interface_version = (1, 0)
    version = "0.1.0"
    Options: ClassVar[type[msgspec.Struct]] = LibvirtOptions
    capabilities: Capabilities = EVERYTHING

    # Inventory and life

    @spoken
    def init_host(self) -> None:
        self.connect()

    def cleanup_host(self) -> None:
        self.disconnect()

    def get_available_nodes(self) -> list[str]:
        return [self.context.host]

    @spoken
    def update_provider_tree(
        self, tree: ProviderTree, nodename: str, allocations: HostAllocations | None = None
    ) -> None:
        wanted = describe(
            nodename, self.hypervisor.node, self._disk_gb, self.parts.cards, self.options,
            self.capabilities,
        )  # fmt: skip
        update_tree(tree, nodename, tuple(wanted))
        self.provider_names = {tree.data(name).uuid: name for name in tree.names(nodename)}

    @spoken
    def get_host_state(self, nodename: str) -> HostState:
        if nodename != self.context.host:
            raise HypervisorError(f"{self.context.host} has no node {nodename!r}")
        node, options = self.hypervisor.node, self.options
        guests = list(self.hypervisor.infos())
        return HostState(
            node=nodename,
            hypervisor_type=node.hypervisor_type,
            hypervisor_version=node.hypervisor_version,
            vcpus=node.vcpus,
            vcpus_used=sum(guest.vcpus for guest in guests),
            memory_mb=node.memory_mb,
            memory_mb_used=options.reserved_memory_mb + sum(guest.memory_mb for guest in guests),
            disk_gb=self._disk_gb,
            disk_gb_used=options.reserved_disk_gb + sum(map(_local_gb, guests)),
            running_guests=sum(guest.power_state not in _OFF for guest in guests),
            cpu_info={**node.cpu, "features": list(node.features)},
            supported_instances=node.supported,
            numa_cells=max(len(node.cells), 1),
            devices=self.hypervisor.owned_devices(
                tuple(host_devices(self.parts.cards, nodename, options.sriov_tree))
            ),
            storage=self.hypervisor.instances.identity,
        )

    @spoken
    def list_guests(self) -> list[GuestInfo]:
        return list(self.hypervisor.infos())

    @spoken
    def get_guest(self, uuid: str) -> GuestInfo:
        return self.hypervisor.info(self.hypervisor.domain(uuid))

    @spoken
    def domain_xml(self, uuid: str) -> bytes:
        """Return a guest's document, as the hypervisor has it.

        Raises:
            GuestNotFound: there is no such guest.
        """
        return cellrig_domxml.serialize(
            self.hypervisor.plugs.document(self.hypervisor.domain(uuid))
        )

    # Guests

    @spoken
    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        self.parts.spawning.spawn(guest, image, disks, self.choose(devices))

    @spoken
    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        self.hypervisor.remove(guest.uuid)
        if destroy_disks:
            self.hypervisor.instances.remove(guest.uuid)

    @spoken
    def cleanup(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        if destroy_disks and self.hypervisor.find(guest.uuid) is None:
            self.hypervisor.instances.remove(guest.uuid)

    @spoken
    def reboot(
        self,
        guest: Guest,
        kind: RebootKind,
        disks: Sequence[Disk] = (),
        devices: Sequence[Device] = (),
    ) -> None:
        if kind is RebootKind.HARD and self.hypervisor.find(guest.uuid) is None:
            self.parts.spawning.rebuild(guest, disks, self.choose(devices))
            return
        domain = self.hypervisor.domain(guest.uuid)
        if kind is RebootKind.SOFT:
            state = self._state(domain, (PowerState.RUNNING,), guest, "reboot softly")
            if state is PowerState.RUNNING:
                domain.reboot()
            return
        document = self.hypervisor.lasting_document(domain)
        for disk in disks:
            cellrig_domxml.swap_volume(document, disk.serial, disk)
        self.hypervisor.lend(disks)
        self.hypervisor.pull_the_plug(domain)
        self.hypervisor.forget_saved(domain)
        self.hypervisor.define(document).create()

    @spoken
    def power_on(self, guest: Guest) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        state = self._state(domain, (*_OFF, PowerState.RUNNING), guest, "power_on")
        if state is not PowerState.RUNNING:
            domain.create()

    @spoken
    def power_off(self, guest: Guest, timeout: int = 0) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        self.hypervisor.shut_down(domain, min(timeout, self.options.shutdown_wait))
        self.hypervisor.forget_saved(domain)

    @spoken
    def pause(self, guest: Guest) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        allowed = (PowerState.RUNNING, PowerState.PAUSED)
        if self._state(domain, allowed, guest, "pause") is PowerState.RUNNING:
            domain.suspend()

    @spoken
    def unpause(self, guest: Guest) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        allowed = (PowerState.PAUSED, PowerState.RUNNING)
        if self._state(domain, allowed, guest, "unpause") is PowerState.PAUSED:
            domain.resume()

    @spoken
    def suspend(self, guest: Guest) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        allowed = (PowerState.RUNNING, PowerState.SUSPENDED)
        if self._state(domain, allowed, guest, "suspend") is PowerState.RUNNING:
            domain.managedSave()

    @spoken
    def resume(self, guest: Guest) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        allowed = (PowerState.SUSPENDED, PowerState.RUNNING)
        if self._state(domain, allowed, guest, "resume") is PowerState.SUSPENDED:
            domain.create()

    @spoken
    def rescue(self, guest: Guest, image: Image) -> None:
        self.parts.spawning.rescue(guest, image)

    @spoken
    def unrescue(self, guest: Guest) -> None:
        self.parts.spawning.unrescue(guest)

    @spoken
    def snapshot(self, guest: Guest, image_id: str) -> SnapshotInfo:
        return self.parts.spawning.snapshot(guest, image_id)

    @spoken
    def get_console_output(self, guest: Guest) -> str:
        self.hypervisor.domain(guest.uuid)
        return self.hypervisor.instances.console(guest.uuid)

    # Volumes

    def get_volume_connector(self, guest: Guest) -> Connector:
        host = self.context.host
        return Connector(
            host=host,
            ip=self.options.migration_address,
            initiator=f"iqn.2018-02.org.cellrig:{host}",
        )

    @spoken
    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        if any(each.serial == disk.serial for each in self.hypervisor.info(domain).disks):
            return
        self.hypervisor.lend([disk])
        self.hypervisor.plugs.attach(domain, disk)

    @spoken
    def detach_volume(self, guest: Guest, disk: Disk) -> None:
        self.hypervisor.plugs.detach(self.hypervisor.domain(guest.uuid), disk.serial)

    @spoken
    def swap_volume(self, guest: Guest, old: Disk, new: Disk) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        self.hypervisor.lend([new])
        self.hypervisor.plugs.swap(domain, old.serial, new)

    @spoken
    def extend_volume(self, guest: Guest, disk: Disk, new_size: int) -> None:
        self.hypervisor.plugs.extend(self.hypervisor.domain(guest.uuid), disk.serial, new_size)

    # Inside

    @property
    def _disk_gb(self) -> int:
        return self.options.disk_gb or self.hypervisor.instances.total_gb()

    def _state(
        self, domain: Any, allowed: Sequence[PowerState], guest: Guest, what: str
    ) -> PowerState:
        """Return a guest's power state, which must be one of those allowed.

        Raises:
            GuestBusy: it is not.
        """
        state = self.hypervisor.power_state(domain)
        if state not in allowed:
            names = " or ".join(each.name for each in allowed)
            raise GuestBusy(guest.uuid, state.name, what, names)
        return state


def _local_gb(guest: GuestInfo) -> int:
    return sum(disk.size_gb for disk in guest.disks if disk.serial is None)
