"""Volumes as raw files that qemu-nbd serves: a network block device that several hosts can open."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from cellrig.driver.reports import Connector
from cellrig.volume.backends.file import FileBackend, FileOptions, location_of
from cellrig.volume.backends.interface import BackendContext
from cellrig.volume.backends.nbd_server import NbdServer, server_program
from cellrig.volume.types import AttachMode, Volume


class NbdOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an NBD backend takes.

    Args:
        directory: where the files are, an existing one; None for one that goes with the rig.
        capacity_gb: GiB that all volumes may have together; None for no limit.
        address: IPv4 address that volumes are served on.
    """

    directory: str | None = None
    capacity_gb: Annotated[int, msgspec.Meta(ge=0)] | None = None
    address: str = "127.0.0.1"


class _Export(msgspec.Struct, frozen=True):
    """A server, and the hosts that have it open."""

    server: NbdServer
    hosts: set[str]


class NbdBackend(FileBackend):
    """Raw sparse files, each served by qemu-nbd from its first connection to its last.

    A volume that some hosts may write to and others may not has a server for each. A server tells
    the size that its file had when it started: who has a volume open when it grows sees that
    after connecting anew.

    Raises:
        ToolMissing: qemu-nbd is not installed.
    """

    Options: ClassVar[type[msgspec.Struct]] = NbdOptions

    def __init__(self, options: NbdOptions, context: BackendContext) -> None:
        super().__init__(FileOptions(options.directory, options.capacity_gb), context)
        server_program()
        self._address = options.address
        self._exports: dict[tuple[str, AttachMode], _Export] = {}

    def close(self) -> None:
        """End all servers."""
        while self._exports:
            _key, export = self._exports.popitem()
            export.server.close()

    def delete_volume(self, volume: Volume) -> None:
        """See `VolumeBackend`."""
        for mode in AttachMode:
            self._end(location_of(volume), mode)
        super().delete_volume(volume)

    def initialize_connection(
        self, volume: Volume, connector: Connector, mode: AttachMode
    ) -> dict[str, Any]:
        """Return where the volume is served, after starting that where it is not."""
        name = location_of(volume)
        export = self._exports.get((name, mode))
        if export is None:
            server = NbdServer(
                self.files.path(name), name, self._address, read_only=mode is AttachMode.READ_ONLY
            )
            export = self._exports[name, mode] = _Export(server, set())
        export.hosts.add(connector.host)
        return {
            "driver_volume_type": "nbd",
            "data": {
                "host": self._address,
                "port": export.server.port,
                "export": name,
                "url": f"nbd://{self._address}:{export.server.port}/{name}",
            },
        }

    def terminate_connection(self, volume: Volume, connector: Connector) -> None:
        """End the volume's servers that no other host has open."""
        name = location_of(volume)
        for mode in AttachMode:
            export = self._exports.get((name, mode))
            if export is not None:
                export.hosts.discard(connector.host)
                if not export.hosts:
                    self._end(name, mode)

    def _end(self, name: str, mode: AttachMode) -> None:
        export = self._exports.pop((name, mode), None)
        if export is not None:
            export.server.close()
