"""What block storage asks of a backend. One object serves one backend of one rig."""

from __future__ import annotations

import abc
from collections.abc import Callable
from logging import Logger
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from cellrig.driver.reports import Connector
from cellrig.image import StoredImage
from cellrig.runtime import Runtime
from cellrig.volume.types import AttachMode, Volume, VolumeSnapshot


class NoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of a backend that takes none."""


class BackendContext:
    """The surroundings of one backend.

    Args:
        name: what the topology calls the backend.
        runtime: the clock, and where a backend sleeps and waits.
        make_state_directory: makes the directory that belongs to this backend alone and returns
            it; called once, when it is first needed.
        new_uuid: the rig's source of uuids.
        logger: where a backend writes what a person may want to read.
    """

    __slots__ = (
        "_make_state_directory",
        "_state_directory",
        "logger",
        "name",
        "new_uuid",
        "runtime",
    )

    def __init__(
        self,
        *,
        name: str,
        runtime: Runtime,
        make_state_directory: Callable[[], Path],
        new_uuid: Callable[[], str],
        logger: Logger,
    ) -> None:
        self.name = name
        self.runtime = runtime
        self.new_uuid = new_uuid
        self.logger = logger
        self._make_state_directory = make_state_directory
        self._state_directory: Path | None = None

    @property
    def state_directory(self) -> Path:
        """A directory that the backend owns. It is made when it is first asked for."""
        if self._state_directory is None:
            self._state_directory = self._make_state_directory()
        return self._state_directory


class VolumeBackend(abc.ABC):
    """A place for volumes.

    What a backend knows of a volume is its `provider_location`, which it chose itself when the
    volume was made: a volume that migrates keeps its id and gets the location of its new data.
    Every method may be called again after it has failed or after its caller has died, with the
    same volume, and then ends as if it had been called once. Whatever a method raises is reported
    as the backend's failure.

    Args:
        options: an `Options`, validated.
        context: the backend's surroundings.

    Attributes:
        Options: a frozen `msgspec.Struct` with a default for every field.
    """

    Options: ClassVar[type[msgspec.Struct]] = NoOptions

    def __init__(self, options: msgspec.Struct, context: BackendContext) -> None:
        self.options = options
        self.context = context

    # -- what it is ----------------------------------------------------------------------------

    @property
    def capacity_gb(self) -> int | None:
        """GiB that all volumes may have together; None for no limit."""
        return None

    @property
    def multiattach(self) -> bool:
        """Whether several hosts can have a volume at the same time."""
        return True

    @property
    def shared_targets(self) -> bool:
        """Whether a host reaches several volumes by one target (Block Storage API 3.48)."""
        return False

    @property
    def keeps_data(self) -> bool:
        """Whether volumes hold what is written to them, and so want the data of their images."""
        return True

    def close(self) -> None:  # noqa: B027 - most have nothing to end
        """End what runs for the backend: processes, connections. Twice is harmless."""

    # -- volumes -------------------------------------------------------------------------------

    @abc.abstractmethod
    def create_volume(self, volume: Volume) -> str:
        """Make a blank volume; return its location."""

    @abc.abstractmethod
    def create_volume_from_image(
        self, volume: Volume, image: StoredImage, data: Path | None
    ) -> str:
        """Make a volume with an image on it; return its location.

        Args:
            volume: to be made.
            image: what is put on it.
            data: a file with the image's data; None where the image service keeps none.
        """

    @abc.abstractmethod
    def create_volume_from_volume(self, volume: Volume, source: Volume) -> str:
        """Make a copy of another volume of this backend; return its location."""

    @abc.abstractmethod
    def create_volume_from_snapshot(self, volume: Volume, snapshot: VolumeSnapshot) -> str:
        """Make a volume out of a snapshot of this backend; return its location."""

    @abc.abstractmethod
    def delete_volume(self, volume: Volume) -> None:
        """Delete a volume's data; harmless where there is none."""

    @abc.abstractmethod
    def extend_volume(self, volume: Volume, size: int) -> None:
        """Let a volume be `size` GiB; harmless where it is."""

    # -- snapshots -----------------------------------------------------------------------------

    @abc.abstractmethod
    def create_snapshot(self, snapshot: VolumeSnapshot, volume: Volume) -> str:
        """Keep what a volume holds at this moment; return the snapshot's location."""

    @abc.abstractmethod
    def delete_snapshot(self, snapshot: VolumeSnapshot) -> None:
        """Delete a snapshot's data; harmless where there is none."""

    # -- connections ---------------------------------------------------------------------------

    @abc.abstractmethod
    def initialize_connection(
        self, volume: Volume, connector: Connector, mode: AttachMode
    ) -> dict[str, Any]:
        """Let a host reach a volume; return ``driver_volume_type`` and ``data``, of JSON types.

        Asked again for a host that reaches it, the answer is as good as the first.
        """

    @abc.abstractmethod
    def terminate_connection(self, volume: Volume, connector: Connector) -> None:
        """Let a host no longer reach a volume; harmless where it does not.

        Called when the last attachment of the volume on that host goes, however many there were.
        """

    # -- migration -----------------------------------------------------------------------------

    @abc.abstractmethod
    def data_path(self, volume: Volume) -> Path | None:
        """Return where a volume's data can be read on this machine; None where it has none."""

    @abc.abstractmethod
    def write_data(self, volume: Volume, source: Path) -> None:
        """Let a volume, which is at least as large, hold what the file `source` holds."""
