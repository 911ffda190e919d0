"""The volumes that are connected to a host, and the sessions over which they are.

Beside its guests a host has what block storage was asked to connect: a device for each volume, and
a session with each target, which several volumes may share. Both outlive a guest that is lost, and
both are told by nobody but the host itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cellrig.driver import (
    Disk,
    DriverContext,
    DriverError,
    HostConnections,
    HypervisorError,
    VolumeConnection,
)
from cellrig.runtime import DeadlineExceeded
from cellrig_fake.hypervisor import Hypervisor
from cellrig_fake.options import FakeOptions
from cellrig_fake.state import Connected


class Connections:
    """The connected volumes of one host.

    Connecting and disconnecting take the time that the options' latencies give to
    ``connect_volume`` and ``disconnect_volume``, and just there two of them may meet: who logs
    out of a target does not see who comes to it meanwhile. Whoever calls must keep them apart.

    Args:
        hypervisor: the host's.
        options: the driver's.
        context: the driver's.
    """

    __slots__ = ("_context", "_hypervisor", "_options")

    def __init__(
        self, hypervisor: Hypervisor, options: FakeOptions, context: DriverContext
    ) -> None:
        self._hypervisor = hypervisor
        self._options = options
        self._context = context

    def report(self) -> HostConnections:
        """What is connected, in the order in which it was."""
        state = self._hypervisor.state
        volumes = (
            VolumeConnection(volume_id=volume_id, target=each.target, guests=tuple(each.guests))
            for volume_id, each in state.connections.items()
        )
        return HostConnections(volumes=tuple(volumes), sessions=tuple(state.sessions))

    @contextmanager
    def held(self, guest_uuid: str, disks: Sequence[Disk]) -> Iterator[None]:
        """Connect volumes for a guest; when what is done with them fails, disconnect them again.

        Those that the guest had before stay, and connecting them again is harmless.

        Raises:
            HypervisorError: a volume's session ended while it was being connected.
        """
        connections = self._hypervisor.state.connections
        ids = [volume_id_of(disk) for disk in disks]
        before = {
            each for each in ids if each in connections if guest_uuid in connections[each].guests
        }
        try:
            for disk in disks:
                self._connect(guest_uuid, disk)
            yield
        except (DriverError, DeadlineExceeded):
            for volume_id in ids:
                if volume_id not in before:
                    self._disconnect(guest_uuid, volume_id)
            raise

    def release(self, guest_uuid: str, disk: Disk) -> None:
        """Disconnect a volume, unless another guest of this host has it. Twice is harmless."""
        self._disconnect(guest_uuid, volume_id_of(disk))

    def release_all(self, guest_uuid: str) -> None:
        """Disconnect all volumes of a guest that no other guest of this host has."""
        for volume_id, connected in list(self._hypervisor.state.connections.items()):
            if guest_uuid in connected.guests:
                self._disconnect(guest_uuid, volume_id)

    def _connect(self, guest_uuid: str, disk: Disk) -> None:
        state, volume_id = self._hypervisor.state, volume_id_of(disk)
        connected = state.connections.get(volume_id)
        if connected is None:
            connected = state.connections[volume_id] = Connected(target_of(disk), [])
        if guest_uuid not in connected.guests:
            connected.guests.append(guest_uuid)
        if connected.ready:
            return
        if connected.target not in state.sessions:
            state.sessions.append(connected.target)
        self._wait("connect_volume")
        if connected.target not in state.sessions:
            raise HypervisorError(
                f"volume {volume_id} did not appear: the session with target "
                f"{connected.target!r} ended while it was being connected"
            )
        connected.ready = True

    def _disconnect(self, guest_uuid: str, volume_id: str) -> None:
        state = self._hypervisor.state
        connected = state.connections.get(volume_id)
        if connected is None or guest_uuid not in connected.guests:
            return
        connected.guests.remove(guest_uuid)
        if connected.guests:
            return
        del state.connections[volume_id]
        target = connected.target
        # A volume that is still being connected has no device yet by which to see it.
        idle = not any(each.ready and each.target == target for each in state.connections.values())
        self._wait("disconnect_volume")
        if idle and target in state.sessions:
            state.sessions.remove(target)

    def _wait(self, step: str) -> None:
        latency = self._options.latencies.get(step, 0)
        if latency:
            self._context.runtime.sleep(latency)


def volume_id_of(disk: Disk) -> str:
    """The volume that a disk is: its serial, unless block storage says otherwise."""
    return str(_data(disk).get("volume_id") or disk.serial)


def target_of(disk: Disk) -> str:
    """The target that a volume is reached at; one of its own where none is named."""
    data = _data(disk)
    return str(data.get("target") or data.get("target_iqn") or f"volume-{volume_id_of(disk)}")


def _data(disk: Disk) -> dict[str, object]:
    data: dict[str, object] | None = disk.connection_info.get("data")
    return data or {}
