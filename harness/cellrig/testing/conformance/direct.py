"""Direct calls of drivers, beside the control plane."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cellrig.driver import Disk, DriverError, Guest
from cellrig.errors import CellrigError
from cellrig.model import Server
from cellrig.testing.conformance.checking import Unmet
from cellrig.testing.conformance.hosts import LARGE, SMALL, Hosts
from cellrig.volume.types import Volume

#: How often a call is made that must be harmless twice.
TIMES = 10


class DirectCalls(Hosts):
    """What a case asks of a driver itself, and what it asks it with."""

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

    def as_large(self, guest: Guest) -> Guest:
        """Return a guest in the large size."""
        return replace(
            guest,
            memory_mb=LARGE.memory_mb,
            vcpus=LARGE.vcpus,
            root_gb=LARGE.root_gb,
            flavor="large",
        )
