"""The interface that every virt driver implements: the project's most public promise.

A driver serves one hypervisor endpoint with one or more nodes. It gets its validated options, a
`DriverContext` and frozen values; it never sees a database, the bus, placement, or another host's
objects. It may block. It raises the errors of `cellrig.driver.errors` only; whatever else it
raises is reported as its bug, with the server in ERROR and nothing leaked.

Calls for one guest come one at a time; calls for different guests may overlap.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol, runtime_checkable

import msgspec

from cellrig.driver.capabilities import Capabilities
from cellrig.driver.context import DriverContext, EventSink
from cellrig.driver.moves import Moves
from cellrig.driver.provider_tree import ProviderTree
from cellrig.driver.refusal import refuse
from cellrig.driver.reports import Connector, GuestEvent, GuestInfo, HostState, SnapshotInfo
from cellrig.driver.values import Device, Disk, Guest, Image, RebootKind

#: Major and minor version of this interface. A driver written for another major version is
#: refused; one written for an older minor version is adapted, or refused by name
#: (`cellrig.driver.versions`).
INTERFACE_VERSION = (1, 0)

#: What the guests of one host hold: consumer's uuid to provider's uuid to resource class to amount.
HostAllocations = dict[str, dict[str, dict[str, int]]]


class NoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of a driver that takes none."""


class ComputeDriver(Moves, abc.ABC):
    """One hypervisor endpoint, serving one or more nodes.

    A subclass sets the class attributes, takes ``(options, context)`` and implements the abstract
    methods and those its capabilities oblige (`cellrig.driver.capabilities.METHODS`).

    Attributes:
        interface_version: the `INTERFACE_VERSION` that the driver was written for.
        version: the driver's own.
        Options: a frozen `msgspec.Struct` with a default for every field; what a topology may say.
        capabilities: what the driver can do; an object of the class may set fewer for itself.
    """

    interface_version: ClassVar[tuple[int, int]]
    version: ClassVar[str] = "0"
    Options: ClassVar[type[msgspec.Struct]] = NoOptions
    capabilities: Capabilities = Capabilities()
    context: DriverContext

    # Inventory and life

    @abc.abstractmethod
    def init_host(self) -> None:
        """Connect to the hypervisor. Called once before anything else; twice is harmless.

        Raises:
            HypervisorUnavailable: it does not answer; the service does not start.
        """

    @abc.abstractmethod
    def cleanup_host(self) -> None:
        """Let go of the hypervisor: connections, threads. Guests run on. Twice is harmless."""

    @abc.abstractmethod
    def get_available_nodes(self) -> list[str]:
        """Return the names of the nodes that are there now; at least one, unique in the cloud."""

    @abc.abstractmethod
    def update_provider_tree(
        self, tree: ProviderTree, nodename: str, allocations: HostAllocations | None = None
    ) -> None:
        """Describe a node's resources, by editing what placement knows of it.

        Talk to the tree only, never to placement. The tree has the node itself as root, named
        `nodename`. Called at start and again and again: with nothing changed it edits nothing.

        Args:
            tree: the node's providers as placement has them.
            nodename: one of `get_available_nodes`.
            allocations: what guests hold in this tree; given only after `ReshapeNeeded`, and
                then edited like the tree: each consumer holds what it held, but elsewhere.

        Raises:
            ReshapeNeeded: what guests hold has to move to other providers; nothing was edited.
        """

    @abc.abstractmethod
    def get_host_state(self, nodename: str) -> HostState:
        """Return what the hypervisor says of a node: type, version, processors, memory, disk.

        Raises:
            HypervisorUnavailable: it does not answer.
        """

    @abc.abstractmethod
    def list_guests(self) -> list[GuestInfo]:
        """Return all guests of all nodes, as the hypervisor has them, also those shut down.

        The truth for the audit: read it from the hypervisor, not from what was once asked for.
        A guest that is kept for a revert (`migrate_disk_and_power_off`) is not among them.
        """

    @abc.abstractmethod
    def get_guest(self, uuid: str) -> GuestInfo:
        """Return one guest, as the hypervisor has it.

        Raises:
            GuestNotFound: it has none.
        """

    def register_event_listener(self, callback: EventSink) -> None:
        """Call `callback` with each guest event from now on, in place of the one before.

        It may be called from any task or thread, and does not block.
        """
        self._listener = callback

    def emit(self, event: GuestEvent) -> None:
        """Hand an event to the listener, or to the context's event sink where there is none."""
        (getattr(self, "_listener", None) or self.context.event_sink)(event)

    def __init__(self, options: msgspec.Struct, context: DriverContext) -> None:
        self.context = context

    # Guests

    @abc.abstractmethod
    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        """Define a guest and start it. On failure leave nothing behind.

        Args:
            guest: what to build; `guest.node` says where.
            image: what its root disk is made from; None where it boots from a volume.
            disks: volumes, connected to this host.
            devices: devices of the host, as allocated, and network interfaces.

        Raises:
            GuestExists: the hypervisor has it already.
            ComputeResourcesUnavailable: too little is left here; another host may do.
            BuildAbort: no host will do.
            HypervisorError: the hypervisor refused.
        """

    @abc.abstractmethod
    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        """Stop a guest, undefine it and give back all that it held.

        A guest that is not there is not an error: twice is harmless.

        Args:
            guest: which.
            disks: its volumes; they are disconnected, never erased.
            destroy_disks: erase the local disks. False keeps them for whoever needs them next.
        """

    @abc.abstractmethod
    def cleanup(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        """Remove what is left of a guest that the hypervisor has no more. Twice is harmless."""

    @abc.abstractmethod
    def reboot(
        self,
        guest: Guest,
        kind: RebootKind,
        disks: Sequence[Disk] = (),
        devices: Sequence[Device] = (),
    ) -> None:
        """Reboot a guest.

        Args:
            guest: which.
            kind: soft asks the guest; hard pulls the plug, and works in every power state.
            disks: its volumes; a hard reboot of a guest that the hypervisor has lost defines it
                anew with them.
            devices: its devices, for the same.

        Raises:
            GuestNotFound: of a soft reboot.
            GuestBusy: a soft reboot of a guest that is not running.
        """

    @abc.abstractmethod
    def power_on(self, guest: Guest) -> None:
        """Start a guest that is shut down or has crashed. Of a running guest: harmless.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            GuestBusy: it is paused or suspended.
            HypervisorError: it cannot start, for example because of another writer of its volume.
        """

    @abc.abstractmethod
    def power_off(self, guest: Guest, timeout: int = 0) -> None:
        """Shut a guest down. Of one that is shut down already: harmless.

        Args:
            guest: which.
            timeout: seconds that it gets to do so itself; 0 pulls the plug.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
        """

    def pause(self, guest: Guest) -> None:
        """Stop a running guest in memory. Of a paused guest: harmless. Needs ``pause``.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            GuestBusy: it is not running.
        """
        refuse(self, "pause", "pause")

    def unpause(self, guest: Guest) -> None:
        """Let a paused guest go on. Of a running guest: harmless. Needs ``pause``.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            GuestBusy: it is neither.
        """
        refuse(self, "unpause", "pause")

    def suspend(self, guest: Guest) -> None:
        """Put a running guest's memory on disk. Of a suspended one: harmless. Needs ``suspend``.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            GuestBusy: it is not running.
        """
        refuse(self, "suspend", "suspend")

    def resume(self, guest: Guest) -> None:
        """Bring a suspended guest back. Of a running guest: harmless. Needs ``suspend``.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            GuestBusy: it is neither.
        """
        refuse(self, "resume", "suspend")

    def rescue(self, guest: Guest, image: Image) -> None:
        """Boot a guest from `image`, its own root disk beside it. Twice is harmless.

        Needs ``rescue``, and for a guest that boots from a volume ``rescue_volume_backed``.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
        """
        refuse(self, "rescue", "rescue")

    def unrescue(self, guest: Guest) -> None:
        """Boot a rescued guest from its own disk again. Of one not rescued: harmless.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
        """
        refuse(self, "unrescue", "rescue")

    def snapshot(self, guest: Guest, image_id: str) -> SnapshotInfo:
        """Make an image of a guest's root disk. Each call makes it anew. Needs ``snapshot``.

        Args:
            guest: which; it may run.
            image_id: the image to fill.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
        """
        return refuse(self, "snapshot", "snapshot")

    @abc.abstractmethod
    def get_console_output(self, guest: Guest) -> str:
        """Return what the guest wrote to its serial console since it was started.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
        """

    def cache_image(self, image: Image) -> bool:
        """Fetch an image ahead of its use. Needs ``image_cache``.

        Returns:
            True where it was fetched, False where it was there already: twice is harmless.
        """
        return refuse(self, "cache_image", "image_cache")

    # Devices

    def attach_interface(self, guest: Guest, device: Device) -> None:
        """Give a guest a network interface while it runs. Needs ``attach_interface``.

        One with the port that the guest has already: harmless.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            ComputeResourcesUnavailable: the device is not free.
        """
        refuse(self, "attach_interface", "attach_interface")

    def detach_interface(self, guest: Guest, device: Device) -> None:
        """Take a network interface away. Needs ``attach_interface``.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            DeviceNotFound: the guest has no such interface; so the second of two calls fails.
        """
        refuse(self, "detach_interface", "attach_interface")

    # Volumes

    @abc.abstractmethod
    def get_volume_connector(self, guest: Guest) -> Connector:
        """Return how block storage reaches this host on behalf of `guest`."""

    @abc.abstractmethod
    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        """Connect a volume to this host and give it to a guest.

        With the serial of a disk that the guest has already: harmless. On failure the volume is
        disconnected again.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            HypervisorError: the hypervisor refused, for example because of another writer.
        """

    @abc.abstractmethod
    def detach_volume(self, guest: Guest, disk: Disk) -> None:
        """Take a volume from a guest and disconnect it from this host.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            DiskNotFound: the guest has no such disk, which the core takes as detached; so the
                second of two calls fails, and changes nothing.
        """

    def swap_volume(self, guest: Guest, old: Disk, new: Disk) -> None:
        """Copy a disk onto another volume and go on with that. Needs ``swap_volume``.

        Twice is harmless where both have the same serial: that of a volume which block storage
        moves, and which keeps its id.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            DiskNotFound: the guest does not have `old`.
            HypervisorError: the copy failed; the guest still has `old`.
        """
        refuse(self, "swap_volume", "swap_volume")

    def extend_volume(self, guest: Guest, disk: Disk, new_size: int) -> None:
        """Let a guest see that a volume has grown. Twice is harmless. Needs ``extend_volume``.

        Args:
            guest: which.
            disk: the volume.
            new_size: its size now, in bytes.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            DiskNotFound: the guest has no such disk.
        """
        refuse(self, "extend_volume", "extend_volume")


@runtime_checkable
class Checkpointable(Protocol):
    """A driver that can take part in `rig.snapshot()` and `rig.restore()`."""

    def checkpoint(self) -> bytes:
        """Return the whole state of the hypervisor as one value. Changes nothing."""

    def restore(self, state: bytes) -> None:
        """Go back to what `checkpoint` returned, byte for byte."""


DriverFactory = Callable[[msgspec.Struct, DriverContext], ComputeDriver]
