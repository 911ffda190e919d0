"""Volumes as raw files in a directory, for hypervisors on the same machine."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec

from cellrig.driver.reports import Connector
from cellrig.image import StoredImage
from cellrig.volume.backends.files import VolumeFiles, copy_sparse, write_image
from cellrig.volume.backends.interface import BackendContext, VolumeBackend
from cellrig.volume.types import AttachMode, Volume, VolumeSnapshot


class FileOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file backend takes.

    Args:
        directory: where the files are, an existing one; None for one that goes with the rig.
        capacity_gb: GiB that all volumes may have together; None for no limit.
    """

    directory: str | None = None
    capacity_gb: Annotated[int, msgspec.Meta(ge=0)] | None = None


class FileBackend(VolumeBackend):
    """Volumes in raw sparse files, which a hypervisor on this machine opens.

    A location is the name of a file. A snapshot is a copy, which shares its blocks with the volume
    where the file system can do that.
    """

    Options: ClassVar[type[msgspec.Struct]] = FileOptions

    def __init__(self, options: FileOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        self._capacity_gb = options.capacity_gb
        given = options.directory
        self.files = VolumeFiles(lambda: context.state_directory if given is None else Path(given))

    @property
    def capacity_gb(self) -> int | None:
        """As the options say."""
        return self._capacity_gb

    def create_volume(self, volume: Volume) -> str:
        """See `VolumeBackend`."""
        return self.files.create(location_of(volume), volume.size)

    def create_volume_from_image(
        self, volume: Volume, image: StoredImage, data: Path | None
    ) -> str:
        """See `VolumeBackend`; without data it is blank."""
        if data is None:
            return self.create_volume(volume)
        driver = type(self).__name__
        fill = lambda target: write_image(image, data, target, driver)  # noqa: E731
        return self.files.create(location_of(volume), volume.size, fill)

    def create_volume_from_volume(self, volume: Volume, source: Volume) -> str:
        """See `VolumeBackend`."""
        return self._copy(location_of(volume), volume.size, location_of(source))

    def create_volume_from_snapshot(self, volume: Volume, snapshot: VolumeSnapshot) -> str:
        """See `VolumeBackend`."""
        return self._copy(location_of(volume), volume.size, snapshot_location(snapshot))

    def delete_volume(self, volume: Volume) -> None:
        """See `VolumeBackend`."""
        self.files.delete(location_of(volume))

    def extend_volume(self, volume: Volume, size: int) -> None:
        """See `VolumeBackend`."""
        self.files.extend(location_of(volume), size)

    def create_snapshot(self, snapshot: VolumeSnapshot, volume: Volume) -> str:
        """See `VolumeBackend`."""
        return self._copy(snapshot_location(snapshot), snapshot.size, location_of(volume))

    def delete_snapshot(self, snapshot: VolumeSnapshot) -> None:
        """See `VolumeBackend`."""
        self.files.delete(snapshot_location(snapshot))

    def initialize_connection(
        self, volume: Volume, connector: Connector, mode: AttachMode
    ) -> dict[str, Any]:
        """Return the file's path."""
        return {
            "driver_volume_type": "local",
            "data": {"device_path": str(self.files.path(location_of(volume)))},
        }

    def terminate_connection(self, volume: Volume, connector: Connector) -> None:
        """Do nothing: who knows a file can open it."""

    def data_path(self, volume: Volume) -> Path | None:
        """Return the file."""
        return self.files.path(location_of(volume))

    def write_data(self, volume: Volume, source: Path) -> None:
        """See `VolumeBackend`."""
        copy_sparse(source, self.files.path(location_of(volume)))

    def _copy(self, name: str, size: int, source: str) -> str:
        return self.files.create(name, size, partial(copy_sparse, self.files.path(source)))


def location_of(volume: Volume) -> str:
    """Return the name of a volume's file, also of one that has not been made."""
    return volume.provider_location or f"volume-{volume.id}"


def snapshot_location(snapshot: VolumeSnapshot) -> str:
    """Return the name of a snapshot's file, also of one that has not been made."""
    return snapshot.provider_location or f"snapshot-{snapshot.id}"
