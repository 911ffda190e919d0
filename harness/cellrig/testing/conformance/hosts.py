"""The cloud of one case, and what can be seen of it: hosts, guests, connections."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from cellrig.compute.options import ComputeOptions
from cellrig.driver import (
    Capabilities,
    ComputeDriver,
    GuestInfo,
    HostConnections,
    HostState,
    ReportsConnections,
)
from cellrig.model import Flavor, Server
from cellrig.rig import Rig
from cellrig.testing.conformance.calls import Calls
from cellrig.testing.conformance.checking import check
from cellrig.testing.conformance.limit import beside
from cellrig.testing.conformance.setup import Options, Setup
from cellrig.topology import Cell, Host, Topology
from cellrig.volume.types import Volume

T = TypeVar("T")

SMALL = Flavor("small", "small", vcpus=1, memory_mb=128, root_gb=1)
LARGE = Flavor("large", "large", vcpus=2, memory_mb=256, root_gb=2)

_VOLUME_TYPES = {"plain": {}, "shared": {"multiattach": "<is> True"}}


class Hosts:
    """Two hosts with the driver under test, a whole control plane above them, and block storage.

    Args:
        setup: the hosts.
        compute: how compute services work.
        more_options: what hosts get beside their own options.
        seed: draws the order of tasks; None runs them first-in first-out.
        storage: whose block storage it is; None for the set-up's own.
    """

    def __init__(
        self,
        setup: Setup,
        compute: ComputeOptions,
        more_options: Callable[[Setup, str], Options],
        seed: int | None,
        storage: Setup | None = None,
    ) -> None:
        self.setup = setup
        hosts = [
            Host(name, setup.driver, {**setup.options_of(name), **more_options(setup, name)})
            for name in setup.hosts
        ]
        topology = Topology(
            cells=[Cell("cell1", hosts)],
            driver=setup.driver,
            flavors=(SMALL, LARGE),
            compute=compute,
            volume_backends=(storage or setup).volume_backends(),
            volume_types=_VOLUME_TYPES,
        )
        self.rig = Rig(topology, seed=seed, live=setup.live, plugins=("audit", "faults"))
        if seed is None:
            # Two runs beside each other, or on what an earlier one has left, must not meet.
            self.rig.random("uuids").seed(uuid.uuid4().int)
        self.calls = Calls(self.rig.runtime.now)
        self.rig.plugins.register(self.calls, "conformance")
        self.ours: list[str] = []
        #: What a case tells of itself, for whoever compares two drivers.
        self.told: list[str] = []

    def reach(self, function: Callable[[], T]) -> T:
        """Call what may reach a hypervisor: one that never answers must not keep the case.

        On the live runtime that is beside the case. On the virtual one all is of one thread.
        """
        return beside(function) if self.setup.live else function()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the hosts."""
        return self.setup.hosts

    @property
    def first(self) -> str:
        """The host that servers are on unless a case says otherwise."""
        return self.hosts[0]

    @property
    def second(self) -> str:
        """The other host."""
        return self.hosts[1]

    @property
    def capabilities(self) -> Capabilities:
        """What the first host's driver declares."""
        return self.driver(self.first).capabilities

    def driver(self, host: str) -> ComputeDriver:
        """Return the driver of a host."""
        return self.rig.driver(host)

    def call(self, host: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a driver beside the control plane, and let what follows from it settle."""
        function = getattr(self.driver(host), method)
        arguments = {**{str(n): each for n, each in enumerate(args)}, **kwargs}
        with self.calls.of_the_case(host, method, arguments):
            return self.reach(
                lambda: self.rig.request(lambda: function(*args, **kwargs), f"call {method}")
            )

    def node(self, host: str) -> str:
        """Return the name of a host's first node."""
        nodes: list[str] = self.call(host, "get_available_nodes")
        check(bool(nodes), f"{host} has no node")
        return nodes[0]

    def state(self, host: str) -> HostState:
        """Return what a host's driver says of its first node."""
        state: HostState = self.call(host, "get_host_state", self.node(host))
        return state

    def info(self, server: Server | str) -> GuestInfo:
        """Return a server's guest, as its hypervisor has it."""
        return self.reach(lambda: self.rig.guest(server))

    def whereabouts(self, uuid: str) -> tuple[str, ...]:
        """Return the hosts whose hypervisor has a guest."""
        return tuple(host for host in self.hosts if uuid in self.uuids(host))

    def uuids(self, host: str) -> list[str]:
        """Return the guests that a host's driver lists."""
        return [info.uuid for info in self.call(host, "list_guests")]

    def serials(self, server: Server) -> set[str]:
        """Return the volumes that a server's guest has."""
        return {disk.serial for disk in self.info(server).disks if disk.serial is not None}

    def connections(self, host: str) -> HostConnections | None:
        """Return the volumes that a host is connected to; None where its driver does not tell."""
        driver = self.driver(host)
        if not isinstance(driver, ReportsConnections):
            return None
        look = driver.volume_connections
        return self.reach(lambda: self.rig.runtime.run(look, name="look at connections"))

    def connected_for(self, host: str, volume: Volume) -> tuple[str, ...] | None:
        """Return the guests that a volume is connected for; None where the driver does not tell."""
        connections = self.connections(host)
        return None if connections is None else connections.guests(volume.id)
