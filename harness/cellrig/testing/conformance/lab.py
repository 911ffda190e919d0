"""The cloud of one case, with the driver under test on every host."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any

from msgspec.structs import replace

from cellrig.compute.options import ComputeOptions
from cellrig.driver import (
    Capabilities,
    ComputeDriver,
    Disk,
    DriverError,
    Guest,
    GuestEvent,
    GuestInfo,
    HostConnections,
    HostState,
    ReportsConnections,
)
from cellrig.errors import CellrigError, NotFound
from cellrig.image import StoredImage
from cellrig.model import BlockDevice, Flavor, Server, SourceType
from cellrig.rig import Rig, RigNotClean
from cellrig.testing.conformance.calls import Calls
from cellrig.testing.conformance.checking import Unmet, check
from cellrig.testing.conformance.leaks import Beginning, look, what_is_left
from cellrig.testing.conformance.setup import Options, Setup
from cellrig.testing.ending import end
from cellrig.topology import Cell, Host, Topology
from cellrig.volume.types import Volume

SMALL = Flavor("small", "small", vcpus=1, memory_mb=128, root_gb=1)
LARGE = Flavor("large", "large", vcpus=2, memory_mb=256, root_gb=2)

#: How often a call is made that must be harmless twice.
TIMES = 10

_VOLUME_TYPES = {"plain": {}, "shared": {"multiattach": "<is> True"}}


def no_more(_setup: Setup, _host: str) -> Options:
    """Give hosts their own options and nothing besides."""
    return {}


class LeftBehind(Unmet):
    """Something is left when a case has ended, or could not be given back."""


class Lab:
    """Two hosts with the driver under test, a whole control plane above them, and block storage.

    Whatever a case makes here is given back when it ends, last made first; then it is looked what
    is left.

    Args:
        setup: the hosts.
        compute: how compute services work.
        more_options: what hosts get beside their own options.
        seed: draws the order of tasks; None runs them first-in first-out.

    Attributes:
        rig: the cloud. Everything can be asked of it.
        calls: what was asked of drivers.
    """

    def __init__(
        self,
        setup: Setup,
        compute: ComputeOptions | None = None,
        *,
        more_options: Callable[[Setup, str], Options] = no_more,
        seed: int | None = None,
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
            compute=compute or ComputeOptions(),
            volume_backends=setup.volume_backends(),
            volume_types=_VOLUME_TYPES,
        )
        self.rig = Rig(topology, seed=seed, live=setup.live, plugins=("audit", "faults"))
        if seed is None:
            # Two runs beside each other, or on what an earlier one has left, must not meet.
            self.rig.random("uuids").seed(uuid.uuid4().int)
        self.calls = Calls(self.rig.runtime.now)
        self._given_back = ExitStack()
        self._storage_given_back = ExitStack()
        self._refused: list[str] = []
        self.ours: list[str] = []
        self._beginning: dict[str, Beginning] = {}

    def __enter__(self) -> Lab:
        self.rig.start()
        self.rig.plugins.register(self.calls, "conformance")
        self._beginning = {host: look(self, host) for host in self.hosts}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave what the case has made for `end` to give back."""

    def end(self) -> None:
        """Give everything back and stop the cloud.

        Raises:
            LeftBehind: with what could not be given back, and what is left.
        """
        self._given_back.close()
        self._storage_given_back.close()
        findings = [*self._refused, *what_is_left(self, self._beginning)]
        try:
            end(self.rig)
        except RigNotClean as error:
            # What others have on the hypervisors is no database's, and no case's either.
            findings += [each for each in error.args[0] if not self._is_about_strangers(each)]
        if findings:
            raise LeftBehind("; ".join(dict.fromkeys(findings)))

    def _is_about_strangers(self, finding: str) -> bool:
        if any(each in finding for each in self.ours):
            return False
        strangers = {uuid_ for before in self._beginning.values() for uuid_ in before.guests}
        return any(each in finding for each in strangers) or (
            not self.setup.exact and "that no database knows" in finding
        )

    def last(self, what: str, action: Callable[[], object]) -> None:
        """Do something when the case ends; if it fails, that fails the case."""
        self._given_back.callback(self._give_back, what, action)

    def _give_back(self, what: str, action: Callable[[], object]) -> None:
        try:
            action()
        except NotFound:
            return  # the case did it itself
        except Exception as error:  # noqa: BLE001 - a driver may raise anything, and all is told
            self._refused.append(f"{what} failed: {type(error).__name__}: {error}")

    # -- what is there ---------------------------------------------------------------------------

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
        return self.rig.guest(server)

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
        return self.rig.runtime.run(driver.volume_connections, name="look at connections")

    def connected_for(self, host: str, volume: Volume) -> tuple[str, ...] | None:
        """Return the guests that a volume is connected for; None where the driver does not tell."""
        connections = self.connections(host)
        return None if connections is None else connections.guests(volume.id)

    # -- what cases make -------------------------------------------------------------------------

    def server(
        self,
        host: str | None = None,
        *,
        flavor: str = SMALL.id,
        volumes: Sequence[Volume] = (),
        block_devices: Sequence[BlockDevice] = (),
        image: str | None = None,
    ) -> Server:
        """Make a server on a host, the first one where none is named, that is ACTIVE.

        Raises:
            Unmet: it did not become so; with its fault.
        """
        server = self.try_server(
            host, flavor=flavor, volumes=volumes, block_devices=block_devices, image=image
        )
        if server.status != "ACTIVE":
            fault = "no fault" if server.fault is None else server.fault.message
            raise Unmet(f"a server is {server.status} and not ACTIVE: {fault}")
        return server

    def try_server(self, host: str | None = None, **wanted: Any) -> Server:
        """Make a server, whatever becomes of it."""
        name = f"conformance-{uuid.uuid4().hex[:12]}"
        server: Server = self.rig.servers.create(name=name, host=host or self.first, **wanted)
        self.ours.append(server.id)
        self.last(f"deleting server {server.id}", lambda: self._delete(server))
        return server

    def _delete(self, server: Server) -> None:
        self.rig.servers.delete(server)
        with suppress(NotFound):
            left = self.rig.servers.show(server)
            fault = "" if left.fault is None else f": {left.fault.message}"
            raise Unmet(f"it is {left.status} after that{fault}")

    def volume(self, *, size: int = 1, multiattach: bool = False, **more: Any) -> Volume:
        """Make a volume."""
        kind = "shared" if multiattach else "plain"
        volume = self.rig.volumes.create(
            size=size, type=kind, name=f"conformance-{uuid.uuid4().hex[:12]}", **more
        )
        self.ours.append(volume.id)
        # Servers may have it until they are gone, however late they were made.
        self._storage_given_back.callback(
            self._give_back,
            f"deleting volume {volume.id}",
            lambda: self.rig.volumes.delete(volume),
        )
        return volume

    def root_volume(self) -> BlockDevice:
        """Make a volume to boot from."""
        volume = self.volume(image=self.rig.images.list()[0].id)
        return BlockDevice(source_type=SourceType.VOLUME, uuid=volume.id, boot_index=0)

    def image(self, disk_format: str, **properties: str) -> StoredImage:
        """Make an image."""
        uuid_ = self.rig.new_uuid()
        return self.rig.images.create(
            f"conformance-{uuid_}", id=uuid_, disk_format=disk_format, properties=properties
        )

    def attach(self, server: Server, *volumes: Volume, tag: str | None = None) -> None:
        """Give volumes to a server, and see that it has them."""
        for volume in volumes:
            self.rig.servers.attach_volume(server, volume, tag=tag)
            check(
                volume.id in self.serials(server),
                f"the guest has no disk with serial {volume.id} after it was attached",
            )

    # -- direct calls ----------------------------------------------------------------------------

    def call(self, host: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a driver beside the control plane, and let what follows from it settle."""
        function = getattr(self.driver(host), method)
        self.calls.note(
            host, method, {**{str(n): each for n, each in enumerate(args)}, **kwargs}, "the case"
        )
        return self.rig.request(lambda: function(*args, **kwargs), f"call {method}")

    def ten_times(self, host: str, method: str, *args: Any, **kwargs: Any) -> None:
        """Make a call that must be harmless twice ten times."""
        for time in range(1, TIMES + 1):
            try:
                self.call(host, method, *args, **kwargs)
            except CellrigError as error:
                raise Unmet(
                    f"{method} must be harmless twice; time {time} raised "
                    f"{type(error).__name__}: {error}"
                ) from error

    def refused(
        self, error: type[DriverError], host: str, method: str, *args: Any, **kwargs: Any
    ) -> None:
        """See that a call raises what the interface says."""
        try:
            self.call(host, method, *args, **kwargs)
        except error:
            return
        except Exception as other:
            raise Unmet(
                f"{method} raised {type(other).__name__} ({other}); it ought to be {error.__name__}"
            ) from other
        raise Unmet(f"{method} raised nothing; it ought to be {error.__name__}")

    def guest(self, server: Server) -> Guest:
        """Return a server's guest as its driver was given it last.

        Raises:
            Unmet: no driver was ever given it.
        """
        guest = self.calls.guest(server.id)
        if guest is None:
            raise Unmet(f"no driver was given the guest of server {server.id}")
        return guest

    def disk(self, server: Server, volume: Volume, host: str | None = None) -> Disk:
        """Return a server's volume as the driver of its host was given it last.

        Raises:
            Unmet: it was never given it.
        """
        disk = self.calls.disk(server.id, volume.id, host or self.first)
        if disk is None:
            raise Unmet(f"no driver was given volume {volume.id} for server {server.id}")
        return disk

    def stranger(self, host: str | None = None) -> Guest:
        """Return a guest that no hypervisor has."""
        uuid_ = self.rig.new_uuid()
        self.ours.append(uuid_)
        return Guest(
            uuid=uuid_,
            name=f"instance-{uuid_[:8]}",
            node=self.node(host or self.first),
            memory_mb=SMALL.memory_mb,
            vcpus=SMALL.vcpus,
            root_gb=SMALL.root_gb,
        )

    def foreign_disk(self) -> Disk:
        """Return a disk that no block storage has, and that no hypervisor can open."""
        serial = self.rig.new_uuid()
        self.ours.append(serial)
        data = {"volume_id": serial, "device_path": f"not/a/place/{serial}"}
        return Disk(serial=serial, connection_info={"driver_volume_type": "nonsense", "data": data})

    # -- time ------------------------------------------------------------------------------------

    def eventually(self, holds: Callable[[], bool], sentence: str, seconds: float = 30.0) -> None:
        """Wait until something holds, and check that it does.

        Args:
            holds: whether it does.
            sentence: what is wrong while it does not.
            seconds: how long to wait, on the rig's clock.
        """
        step = 0.1 if self.setup.live else 1.0
        until = self.rig.runtime.now() + seconds
        while not holds() and self.rig.runtime.now() < until:
            self.setup.breathe()
            self.rig.advance(step)
        check(holds(), sentence)

    def restart(self, host: str) -> None:
        """Let a host's compute service die, and start it again."""
        self.rig.restart(host)

    def lose(self, host: str, *guests: Guest) -> None:
        """Let a host lose its power, and have everybody know: its service is dead, guests are off.

        Args:
            host: which.
            guests: those that it has.
        """
        self.rig.crash(host)
        self.unwatched(host)
        for guest in guests:
            self.call(host, "power_off", guest)
        self.rig.services.force_down(host)
        self.last(f"bringing {host} back", lambda: self.bring_back(host))

    def unwatched(self, host: str) -> None:
        """Keep a host's events from its service, which would put right what is done beside it."""
        self.driver(host).register_event_listener(lambda _event: None)

    def listen(self, host: str) -> list[GuestEvent]:
        """Return a list that a host's driver fills with its events, until its service restarts."""
        events: list[GuestEvent] = []
        self.driver(host).register_event_listener(events.append)
        return events

    def bring_back(self, host: str) -> None:
        """Let a host that was lost be there again. Twice is harmless."""
        if self.rig.services.show(host).forced_down:
            self.rig.services.force_down(host, False)
            self.rig.restart(host)

    def as_large(self, guest: Guest) -> Guest:
        """Return a guest in the large size."""
        return replace(
            guest,
            memory_mb=LARGE.memory_mb,
            vcpus=LARGE.vcpus,
            root_gb=LARGE.root_gb,
            flavor="large",
        )
