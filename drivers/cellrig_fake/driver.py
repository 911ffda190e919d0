"""The fake driver: a hypervisor that keeps its guests as domain XML and enforces what one does."""

# ruff: noqa: D102 - the interface documents its methods

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from uuid import NAMESPACE_DNS, uuid5

import msgspec

import cellrig_domxml
from cellrig.driver import (
    Capabilities,
    Connector,
    Device,
    Disk,
    DiskNotFound,
    Guest,
    GuestBusy,
    GuestEventKind,
    GuestInfo,
    GuestNotFound,
    HostAllocations,
    HostState,
    HypervisorError,
    Image,
    PowerState,
    ProviderTree,
    RebootKind,
    SnapshotInfo,
)
from cellrig.driver.refusal import refuse
from cellrig_fake.building import INSTANCES_PATH, check_image, define_and_enter, make_domain
from cellrig_fake.connections import volume_id_of
from cellrig_fake.host_devices import claimed_devices
from cellrig_fake.moves import FakeMoves
from cellrig_fake.options import EVERYTHING, FakeOptions
from cellrig_fake.power import POWER
from cellrig_fake.providers import describe, update_tree
from cellrig_fake.simulated import simulated

#: What a guest says on its console when it boots.
_BOOT = (
    "Booting the kernel",
    "Memory is ready",
    "Found the root disk",
    "Mounted the root file system",
    "Brought up the network interfaces",
    "Reached the login prompt",
)


class FakeDriver(FakeMoves):
    """A hypervisor in memory, with every trait and every fault a matter of options.

    Beside the interface it has what a test may do behind the control plane's back:
    `domain_xml`, `volume_connections`, `lose_guest`, `kill_guest`, `change_power`, `release`.
    """

    interface_version = (1, 0)
    version = "0.1.0"
    Options: ClassVar[type[msgspec.Struct]] = FakeOptions
    capabilities: Capabilities = EVERYTHING

    # Inventory and life

    @simulated
    def init_host(self) -> None:
        """Nothing to connect to."""

    @simulated
    def cleanup_host(self) -> None:
        """Nothing to let go of."""

    @simulated
    def get_available_nodes(self) -> list[str]:
        return list(self.nodes)

    @simulated
    def update_provider_tree(
        self, tree: ProviderTree, nodename: str, allocations: HostAllocations | None = None
    ) -> None:
        wanted = describe(self.options, nodename, self.capabilities)
        update_tree(tree, nodename, wanted, allocations, self.hypervisor.places(nodename))
        if self.options.sriov or self.options.gpus:
            names = {tree.data(name).uuid: name for name in tree.names(nodename)}
            self.hypervisor.state.provider_names.update(names)

    @simulated
    def get_host_state(self, nodename: str) -> HostState:
        if nodename not in self.nodes:
            raise HypervisorError(f"{self.context.host} has no node {nodename!r}")
        options = self.options
        domains = self.hypervisor.domains().values()
        used = self.hypervisor.usage(nodename)
        running = sum(
            domain.node == nodename and domain.power_state is not PowerState.SHUTDOWN
            for domain in domains
        )
        uuid = str(uuid5(NAMESPACE_DNS, nodename)) if options.predictable_node_uuids else None
        return HostState(
            node=nodename,
            uuid=uuid,
            hypervisor_type=options.hypervisor_type,
            hypervisor_version=options.hypervisor_version,
            vcpus=options.vcpus,
            vcpus_used=used.vcpus,
            memory_mb=options.memory_mb,
            memory_mb_used=options.reserved_memory_mb + used.memory_mb,
            disk_gb=options.disk_gb,
            disk_gb_used=options.reserved_disk_gb + used.disk_gb,
            running_guests=running,
            cpu_info={"arch": "x86_64", "model": "fake", "vendor": "fake"},
            numa_cells=max(options.numa_cells, 1),
            devices=claimed_devices(
                self.hypervisor.devices(nodename), nodename, self.hypervisor.state.claims
            ),
            shared_storage=options.shared_storage,
        )

    @simulated
    def list_guests(self) -> list[GuestInfo]:
        hypervisor = self.hypervisor
        return [hypervisor.info(domain) for domain in hypervisor.domains().values()]

    @simulated
    def get_guest(self, uuid: str) -> GuestInfo:
        return self.hypervisor.info(self.hypervisor.domain(uuid))

    # Guests

    @simulated
    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        check_image(guest, image, self.options)
        self._check_shareable("spawn", disks)
        with self.connections.held(guest.uuid, disks):
            domain = make_domain(self.hypervisor, guest, image, disks, devices)
            define_and_enter(self.hypervisor, domain, PowerState.RUNNING)
        if image is not None and image.id not in self.hypervisor.state.images:
            self.hypervisor.state.images.append(image.id)
        self.tell(domain, GuestEventKind.STARTED)

    @simulated
    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        self.lose_guest(guest.uuid, tell=GuestEventKind.STOPPED)
        self.connections.release_all(guest.uuid)

    @simulated
    def cleanup(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        self.connections.release_all(guest.uuid)

    @simulated
    def reboot(
        self,
        guest: Guest,
        kind: RebootKind,
        disks: Sequence[Disk] = (),
        devices: Sequence[Device] = (),
    ) -> None:
        hypervisor = self.hypervisor
        if kind is RebootKind.HARD and guest.uuid not in hypervisor.domains():
            with self.connections.held(guest.uuid, disks):
                domain = make_domain(hypervisor, guest, None, disks, devices)
                define_and_enter(hypervisor, domain, PowerState.RUNNING)
            return
        domain = hypervisor.domain(guest.uuid)
        if kind is RebootKind.SOFT and domain.power_state is not PowerState.RUNNING:
            state = domain.power_state.name
            raise GuestBusy(guest.uuid, state, "reboot softly", PowerState.RUNNING.name)
        hypervisor.enter(domain, PowerState.SHUTDOWN)
        # A hard one finds the volumes again, though the host has lost its sessions meanwhile.
        with self.connections.held(guest.uuid, disks if kind is RebootKind.HARD else ()):
            hypervisor.enter(domain, PowerState.RUNNING)
        self.tell(domain, GuestEventKind.STARTED)

    @simulated
    def power_on(self, guest: Guest) -> None:
        self._change_power("power_on", guest)

    @simulated
    def power_off(self, guest: Guest, timeout: int = 0) -> None:
        self._change_power("power_off", guest)

    @simulated
    def pause(self, guest: Guest) -> None:
        self._change_power("pause", guest)

    @simulated
    def unpause(self, guest: Guest) -> None:
        self._change_power("unpause", guest)

    @simulated
    def suspend(self, guest: Guest) -> None:
        self._change_power("suspend", guest)

    @simulated
    def resume(self, guest: Guest) -> None:
        self._change_power("resume", guest)

    @simulated
    def rescue(self, guest: Guest, image: Image) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        if domain.own_document is not None:
            return
        boots = next((disk for disk in self.hypervisor.info(domain).disks if disk.boot_order), None)
        from_volume = boots is not None and boots.serial is not None
        needs = "rescue_volume_backed" if from_volume else "rescue"
        if not getattr(self.capabilities, needs):
            refuse(self, "rescue", needs)
        self.hypervisor.enter(domain, PowerState.SHUTDOWN)
        own, path = domain.document, f"{INSTANCES_PATH}/{guest.uuid}/disk.rescue"
        with self.hypervisor.editing(domain) as (root,):
            cellrig_domxml.boot_from_rescue_disk(root, path)
        domain.own_document = own
        self.hypervisor.enter(domain, PowerState.RUNNING)

    @simulated
    def unrescue(self, guest: Guest) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        if domain.own_document is None:
            return
        self.hypervisor.enter(domain, PowerState.SHUTDOWN)
        domain.document, domain.own_document = domain.own_document, None
        self.hypervisor.enter(domain, PowerState.RUNNING)

    @simulated
    def snapshot(self, guest: Guest, image_id: str) -> SnapshotInfo:
        self.hypervisor.domain(guest.uuid)
        # As sparse as a fresh system is: a sixteenth of the disk has been written.
        return SnapshotInfo(format="qcow2", size=guest.root_gb << 26, min_disk=guest.root_gb)

    @simulated
    def get_console_output(self, guest: Guest) -> str:
        domain = self.hypervisor.domain(guest.uuid)
        lines = [f"[{0.1 * step:8.6f}] {words}" for step, words in enumerate(_BOOT)]
        return "\n".join((f"{domain.name}: boot {domain.boots}", *lines, f"{domain.name} login: "))

    @simulated
    def cache_image(self, image: Image) -> bool:
        images = self.hypervisor.state.images
        if image.id in images:
            return False
        images.append(image.id)
        return True

    # Devices

    @simulated
    def attach_interface(self, guest: Guest, device: Device) -> None:
        hypervisor = self.hypervisor
        domain = hypervisor.domain(guest.uuid)
        ports = {each.port_id for each in hypervisor.info(domain).devices}
        if device.port_id is not None and device.port_id in ports:
            return
        (chosen,) = hypervisor.choose(domain.node, [device])
        with hypervisor.editing(domain) as roots:
            for root in roots:
                cellrig_domxml.add_device(root, chosen)
        hypervisor.claim(guest.uuid, domain.node, [chosen])

    @simulated
    def detach_interface(self, guest: Guest, device: Device) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        with self.hypervisor.editing(domain) as roots:
            address, *_same = [cellrig_domxml.remove_device(root, device) for root in roots]
        if address is not None:
            self.hypervisor.disclaim(guest.uuid, domain.node, address)

    # Volumes

    @simulated
    def get_volume_connector(self, guest: Guest) -> Connector:
        host = self.context.host
        return Connector(host=host, initiator=f"iqn.2018-02.org.cellrig:{host}")

    @simulated
    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        if any(each.serial == disk.serial for each in self.hypervisor.volumes(domain)):
            return
        self._check_shareable("attach_volume", [disk])
        with (
            self.connections.held(guest.uuid, [disk]),
            self.hypervisor.editing(domain) as roots,
        ):
            for root in roots:
                cellrig_domxml.add_volume(root, disk)

    @simulated
    def detach_volume(self, guest: Guest, disk: Disk) -> None:
        try:
            domain = self.hypervisor.domain(guest.uuid)
            with self.hypervisor.editing(domain) as roots:
                for root in roots:
                    cellrig_domxml.remove_volume(root, disk.serial)
        except (GuestNotFound, DiskNotFound):
            # What an interrupted call left connected is let go of all the same.
            self.connections.release(guest.uuid, disk)
            raise
        self.connections.release(guest.uuid, disk)

    @simulated
    def swap_volume(self, guest: Guest, old: Disk, new: Disk) -> None:
        domain = self.hypervisor.domain(guest.uuid)
        self.hypervisor.part(domain)
        with (
            self.connections.held(guest.uuid, [new]),
            self.hypervisor.editing(domain) as (*running, lasting),
        ):
            cellrig_domxml.swap_volume(lasting, old.serial, new)
            for root in running:
                cellrig_domxml.pivot_volume(root, old.serial, new)
        if volume_id_of(old) != volume_id_of(new):
            self.connections.release(guest.uuid, old)

    @simulated
    def extend_volume(self, guest: Guest, disk: Disk, new_size: int) -> None:
        with self.hypervisor.editing(self.hypervisor.domain(guest.uuid)) as roots:
            for root in roots:
                cellrig_domxml.extend_volume(root, disk.serial, -(-new_size // (1 << 30)))

    # Inside

    def _change_power(self, method: str, guest: Guest) -> None:
        allowed, leads_to, kind = POWER[method]
        domain = self.hypervisor.domain(guest.uuid)
        if domain.power_state is leads_to:
            return
        if domain.power_state not in allowed:
            names = " or ".join(state.name for state in allowed)
            raise GuestBusy(guest.uuid, domain.power_state.name, method, names)
        self.hypervisor.enter(domain, leads_to)
        self.tell(domain, kind)

    def _check_shareable(self, method: str, disks: Sequence[Disk]) -> None:
        if not self.capabilities.multiattach and any(disk.multiattach for disk in disks):
            refuse(self, method, "multiattach")
