"""The fake hypervisor: guests as domain XML, and what a real one enforces about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from lxml.etree import _Element

import cellrig_domxml
from cellrig.driver import (
    ComputeResourcesUnavailable,
    Device,
    Fabric,
    Guest,
    GuestDisk,
    GuestExists,
    GuestInfo,
    GuestNotFound,
    HostDevice,
    HypervisorError,
    PowerState,
)
from cellrig_fake.host_devices import choose_devices, claim_key, claimed_devices, node_devices
from cellrig_fake.locks import DiskLocks
from cellrig_fake.options import FakeOptions
from cellrig_fake.state import Arrival, Domain, HypervisorState, Usage, add_usage

#: The power states in which a guest's disks are open.
_OPEN = frozenset({PowerState.RUNNING, PowerState.PAUSED})


class Hypervisor:
    """The hypervisor of one host.

    Args:
        host: the host's name.
        options: the driver's.
        fabric: where the storage and the other hosts are.
        nodes: the names of the nodes.
    """

    def __init__(
        self, host: str, options: FakeOptions, fabric: Fabric, nodes: tuple[str, ...]
    ) -> None:
        self.host = host
        self._options = options
        self._fabric = fabric
        self._nodes = nodes
        self.locks = DiskLocks(fabric, host)
        self.state = HypervisorState()
        self._usage: dict[str, Usage] = {}
        #: What a document says, for as long as the domain has that document.
        self._read: dict[str, tuple[bytes, GuestInfo]] = {}

    # Finding

    def domain(self, uuid: str) -> Domain:
        """Return a guest.

        Raises:
            GuestNotFound: there is none.
        """
        domain = self.domains().get(uuid)
        if domain is None:
            raise GuestNotFound(uuid)
        return domain

    def domains(self) -> dict[str, Domain]:
        """All guests, those among them that have just arrived by a live migration."""
        for uuid in self._fabric.keys(self.arrivals(self.host)):
            self._arrive(uuid)
        return self.state.domains

    def document(self, domain: Domain) -> bytes:
        """Return what a domain is; of one that does not run, what it will be."""
        is_open = domain.power_state in _OPEN
        return domain.document if is_open or domain.lasting is None else domain.lasting

    def info(self, domain: Domain) -> GuestInfo:
        """Return what the domain's document says of it, and its power state."""
        read, document = self._read.get(domain.uuid), self.document(domain)
        if read is None or read[0] is not document:
            root = cellrig_domxml.parse(document)
            read = document, cellrig_domxml.read_domain(root, domain.power_state)
        if read[1].power_state is not domain.power_state:
            read = read[0], msgspec.structs.replace(read[1], power_state=domain.power_state)
        self._read[domain.uuid] = read
        return read[1]

    def volumes(self, domain: Domain) -> tuple[GuestDisk, ...]:
        """The disks of a domain that are volumes."""
        if b"<serial>" not in domain.document:
            return ()
        return tuple(disk for disk in self.info(domain).disks if disk.serial is not None)

    def usage(self, node: str) -> Usage:
        """What is taken on a node."""
        return self._usage.setdefault(node, Usage())

    def devices(self, node: str) -> tuple[HostDevice, ...]:
        """All devices of a node that a guest can have."""
        options = self._options
        return node_devices(options, node, self.host) if options.sriov or options.gpus else ()

    def places(self, node: str) -> dict[str, list[str]]:
        """By owner of a device, the providers of the node that count what it has.

        A device that is not there any more is counted by none.
        """
        claims = self.state.claims
        places: dict[str, list[str]] = {
            owner: [] for key, owner in claims.items() if key.startswith(f"{node}/")
        }
        for device in claimed_devices(self.devices(node), node, claims) if places else ():
            if device.owner is not None:
                places[device.owner].append(device.provider_name)
        return places

    # Coming and going

    def check_room(self, guest: Guest, disk_gb: int) -> None:
        """Refuse a guest that there is no room for, or that asks for a node that is not here.

        Raises:
            GuestExists: it is here already.
            HypervisorError: there is no such node.
            ComputeResourcesUnavailable: too little memory or disk is left.
        """
        if guest.uuid in self.domains():
            raise GuestExists(guest.uuid)
        if guest.node not in self._nodes:
            there = ", ".join(self._nodes)
            raise HypervisorError(f"{self.host} has no node {guest.node!r}; it has: {there}")
        options, used = self._options, self.usage(guest.node)
        twice_memory, twice_disk = self._counted_twice(guest, disk_gb)
        memory = (options.memory_mb - options.reserved_memory_mb) * options.ram_allocation_ratio
        disk = (options.disk_gb - options.reserved_disk_gb) * options.disk_allocation_ratio
        for what, unit, asked, free in (
            ("memory", "MiB", guest.memory_mb, int(memory) - used.memory_mb + twice_memory),
            ("disk", "GiB", disk_gb, int(disk) - used.disk_gb + twice_disk),
        ):
            if asked > free:
                told = f"{asked} {unit}", f"{max(free, 0)} {unit}"
                raise ComputeResourcesUnavailable(f"{what} on {guest.node}", *told)

    def _counted_twice(self, arriving: Guest, disk_gb: int) -> tuple[int, int]:
        """Return the memory and disk that guests have here in two sizes: only one of them runs."""
        here = {uuid: (each.memory_mb, each.disk_gb) for uuid, each in self.domains().items()}
        here[arriving.uuid] = arriving.memory_mb, disk_gb
        kept = [each for each in self.state.kept.values() if each.node == arriving.node]
        sizes = [(here.get(each.uuid, (0, 0)), each) for each in kept]
        return (
            sum(min(memory, each.memory_mb) for (memory, _disk), each in sizes),
            sum(min(disk, each.disk_gb) for (_memory, disk), each in sizes),
        )

    def choose(self, node: str, wanted: Sequence[Device]) -> tuple[Device, ...]:
        """Give each wanted device the address of a free one. See `choose_devices`."""
        return choose_devices(
            wanted, node, self.devices(node), self.state.claims, self.state.provider_names
        )

    def claim(self, owner: str, node: str, devices: Sequence[Device]) -> None:
        """Let `owner` have devices that were chosen."""
        for device in devices:
            if device.address is not None:
                self.state.claims[claim_key(node, device.address)] = owner

    def disclaim(self, owner: str, node: str, address: str | None = None) -> None:
        """Take from `owner` one device, or all that it has."""
        claims = self.state.claims
        keys = [claim_key(node, address)] if address is not None else list(claims)
        for key in keys:
            if claims.get(key) == owner:
                del claims[key]

    def define(self, domain: Domain, place: dict[str, Domain]) -> None:
        """Put a domain among those of `place`, and count what it takes."""
        place[domain.uuid] = domain
        add_usage(self.usage(domain.node), domain, 1)

    def undefine(self, uuid: str, place: dict[str, Domain], owner: str) -> Domain | None:
        """Take a domain out of `place` with all that `owner` holds; None where it is not there."""
        domain = place.pop(uuid, None)
        if domain is None:
            return None
        if domain.power_state in _OPEN:
            self.locks.close(uuid, self.volumes(domain))
        add_usage(self.usage(domain.node), domain, -1)
        self.disclaim(owner, domain.node)
        self._read.pop(uuid, None)
        return domain

    # Running

    def enter(self, domain: Domain, power_state: PowerState) -> None:
        """Bring a domain into a power state, opening or closing its disks.

        Raises:
            HypervisorError: another guest has one of its volumes open; nothing has changed.
        """
        was_open, is_open = domain.power_state in _OPEN, power_state in _OPEN
        if is_open and not was_open:
            self.locks.open(domain.uuid, self.volumes(domain))
            domain.boots += 1
        if was_open and not is_open:
            self.locks.close(domain.uuid, self.volumes(domain))
        domain.power_state = power_state
        # One that is suspended goes on as what it was.
        if not is_open and power_state is not PowerState.SUSPENDED and domain.lasting is not None:
            domain.document, domain.lasting = domain.lasting, None

    def part(self, domain: Domain) -> None:
        """Let what a domain that runs will be when it is started again be changed on its own."""
        if domain.power_state in _OPEN and domain.lasting is None:
            domain.lasting = domain.document

    @contextmanager
    def editing(self, domain: Domain) -> Iterator[tuple[_Element, ...]]:
        """Change a domain's document, and with it what it will be when it is started again.

        If its disks then conflict with others, nothing changes.

        Yields:
            The one, and the other where it is another.

        Raises:
            HypervisorError: another guest has a volume open that was added.
        """
        before, had = (domain.document, domain.lasting), self.volumes(domain)
        roots = tuple(cellrig_domxml.parse(each) for each in before if each is not None)
        try:
            yield roots
            domain.document = cellrig_domxml.serialize(roots[0])
            if domain.lasting is not None:
                domain.lasting = cellrig_domxml.serialize(roots[-1])
            if domain.power_state in _OPEN:
                has = self.volumes(domain)
                self.locks.open(domain.uuid, has)
                kept = {disk.serial for disk in has}
                self.locks.close(domain.uuid, [disk for disk in had if disk.serial not in kept])
        except BaseException:
            domain.document, domain.lasting = before
            raise
        finally:
            if domain.lasting == domain.document:
                domain.lasting = None

    # Live migration, over the wire

    @staticmethod
    def arrivals(host: str) -> str:
        """The place of the fabric where guests arrive at `host`."""
        return f"guests arriving at {host}"

    @staticmethod
    def expected(host: str) -> str:
        """The place of the fabric where `host` says which guests it expects."""
        return f"guests expected at {host}"

    def _arrive(self, uuid: str) -> None:
        arrival = self._fabric.take(self.arrivals(self.host), uuid, Arrival)
        domain = self.state.incoming.pop(uuid, None)
        self._fabric.remove(self.expected(self.host), uuid)
        if domain is None or arrival is None:
            return
        self.state.domains[uuid] = domain
        self.enter(domain, arrival.power_state)
        if arrival.document is not None:
            self.part(domain)
            root = cellrig_domxml.parse(domain.document)
            cellrig_domxml.keep_swapped_volumes(root, cellrig_domxml.parse(arrival.document))
            domain.document = cellrig_domxml.serialize(root)

    # Keeping and bringing back

    def checkpoint(self) -> bytes:
        """Return the whole state as one value."""
        return msgspec.msgpack.encode(self.state)

    def restore(self, state: bytes) -> None:
        """Go back to what `checkpoint` returned."""
        self.state = msgspec.msgpack.decode(state, type=HypervisorState)
        self._usage = self.state.usage_by_node()
        self._read = {}
