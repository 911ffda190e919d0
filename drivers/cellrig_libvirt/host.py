"""The parts of the libvirt driver, and how they come and go with its host's service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cellrig.driver import (
    ComputeDriver,
    Device,
    DriverContext,
    GuestEvent,
    GuestEventKind,
    HypervisorError,
    HypervisorUnavailable,
    PowerState,
)
from cellrig_libvirt.cold_moves import ColdMoves
from cellrig_libvirt.connection import Connection
from cellrig_libvirt.devices import Card, choose_devices, find_cards, host_devices
from cellrig_libvirt.disk_files import DiskFiles, NoDiskFiles, QemuDiskFiles
from cellrig_libvirt.errors import speaking
from cellrig_libvirt.events import Inbox
from cellrig_libvirt.hot_plug import HotPlug
from cellrig_libvirt.hypervisor import Hypervisor
from cellrig_libvirt.instances import Instances
from cellrig_libvirt.library import library
from cellrig_libvirt.live_moves import LiveMoves
from cellrig_libvirt.node import describe_node
from cellrig_libvirt.notices import Notices
from cellrig_libvirt.options import EVERYTHING, NEEDS_DATA, PRIVATE_MOCK, LibvirtOptions
from cellrig_libvirt.outgoing import Outgoing
from cellrig_libvirt.plugs import Plugs
from cellrig_libvirt.redefinition import Redefinition
from cellrig_libvirt.spawning import Spawning

#: What is told of a guest that is found in a power state after the connection was lost.
_FOUND = {
    PowerState.RUNNING: GuestEventKind.RESUMED,
    PowerState.PAUSED: GuestEventKind.PAUSED,
    PowerState.SUSPENDED: GuestEventKind.SUSPENDED,
    PowerState.CRASHED: GuestEventKind.DIED,
}

#: Of a mock hypervisor whose node nobody has described: 16 processors, 32 GiB.
_PLAIN_NODE = "<node><cpu><num>16</num></cpu><memory>33554432</memory></node>"


class Parts(NamedTuple):
    """What a driver that has been started works with."""

    connection: Connection
    hypervisor: Hypervisor
    spawning: Spawning
    cold: ColdMoves
    live: LiveMoves
    cards: tuple[Card, ...]


class LibvirtHost(ComputeDriver):
    """One hypervisor, reached through libvirt."""

    def __init__(self, options: LibvirtOptions, context: DriverContext) -> None:
        super().__init__(options, context)
        self.options = options
        self._parts: Parts | None = None
        self._inbox = Inbox(context, self.emit)
        #: Provider's uuid to name, as the tree last had them.
        self.provider_names: dict[str, str] = {}

    @property
    def library(self) -> Any:
        """The module `libvirt`.

        Raises:
            HypervisorUnavailable: it is not installed.
        """
        return library(self.context.host)

    @property
    def parts(self) -> Parts:
        """What the driver works with.

        Raises:
            HypervisorUnavailable: it has not been started.
        """
        if self._parts is None:
            raise HypervisorUnavailable(self.context.host, "its driver has not been started")
        return self._parts

    @property
    def hypervisor(self) -> Hypervisor:
        """The host's hypervisor; raises as `parts`."""
        return self.parts.hypervisor

    def connect(self) -> None:
        """Open the connection and see what the hypervisor is like. Twice is harmless."""
        if self._parts is None:
            connection = Connection(
                self.library,
                self._uri(),
                self.context,
                Notices(),
                self._inbox.put,
                self._look_again,
            )
            try:
                self._parts = self._make_parts(connection)
            except BaseException:
                connection.close()
                raise
        else:
            self._parts.connection.get()
        self._inbox.open()

    def disconnect(self) -> None:
        """Let go of the hypervisor. Twice is harmless."""
        self._inbox.close()
        if self._parts is not None:
            self._parts.connection.close()

    def _make_parts(self, connection: Connection) -> Parts:
        lv, options = self.library, self.options
        opened = connection.get()
        path = options.instances_path
        instances = Instances(
            self.context.state_directory / "instances" if path is None else Path(path)
        )
        instances.prepare()
        outgoing = Outgoing(self.context.logger)
        plugs, files = self._ways(connection, outgoing, instances)
        hypervisor = Hypervisor(
            connection, outgoing, plugs, instances, files.images, describe_node(lv, opened, options)
        )
        cards = find_cards(lv, opened, options.physical_networks)
        lacking = NEEDS_DATA if connection.is_mock else ()
        self.capabilities = EVERYTHING.without(*lacking, *(() if cards else ("sriov",)))
        return Parts(
            connection,
            hypervisor,
            Spawning(hypervisor, files),
            ColdMoves(hypervisor, files, options),
            LiveMoves(hypervisor, files, options, self.context),
            cards,
        )

    def _uri(self) -> str:
        if self.options.uri != PRIVATE_MOCK:
            return self.options.uri
        path = self.context.state_directory / "node.xml"
        path.write_text(_PLAIN_NODE)
        return f"test://{path}"

    def choose(self, devices: Sequence[Device]) -> tuple[Device, ...]:
        """Give each device the address of a free one of its provider.

        Raises:
            ComputeResourcesUnavailable: there is none.
        """
        if not devices:
            return ()
        known = tuple(host_devices(self.parts.cards, self.context.host, self.options.sriov_tree))
        return choose_devices(devices, self.hypervisor.owned_devices(known), self.provider_names)

    def _ways(
        self,
        connection: Connection,
        outgoing: Outgoing,
        instances: Instances,
    ) -> tuple[Plugs, DiskFiles]:
        path = self.options.images_path
        images = instances.path / "images" if path is None else Path(path)
        if connection.is_mock:
            return Redefinition(connection.library, outgoing), NoDiskFiles(images)
        images.mkdir(exist_ok=True)
        hot = HotPlug(connection, outgoing, self.options)
        return hot, QemuDiskFiles(images, path is not None, self.context.image_file)

    def _look_again(self) -> None:
        """Tell what guests do now: what happened while the connection was lost, nobody heard."""
        if self._parts is None:
            return
        try:
            with speaking(self.library, self.context.host):
                found = list(self._parts.hypervisor.infos())
        except (HypervisorError, HypervisorUnavailable) as error:
            self.context.logger.warning("guests are looked at when somebody asks: %s", error)
            return
        for info in found:
            kind = _FOUND.get(info.power_state, GuestEventKind.STOPPED)
            self._inbox.put(GuestEvent(info.uuid, kind, info.power_state))
