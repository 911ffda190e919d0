"""A backend without data. All that it knows is in block storage's database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec

from cellrig.driver.reports import Connector
from cellrig.image import StoredImage
from cellrig.volume.backends.interface import BackendContext, VolumeBackend
from cellrig.volume.types import AttachMode, Volume, VolumeSnapshot


class FakeOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a fake backend takes.

    Args:
        capacity_gb: GiB that all volumes may have together; None for no limit.
        multiattach: several hosts can have a volume at the same time.
        shared_targets: all volumes are behind one target.
        target: that target's name; None for one made of the backend's name.
        latency: seconds that every call takes.
    """

    capacity_gb: Annotated[int, msgspec.Meta(ge=0)] | None = None
    multiattach: bool = True
    shared_targets: bool = False
    target: str | None = None
    latency: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class FakeBackend(VolumeBackend):
    """Volumes that hold nothing, made at once."""

    Options: ClassVar[type[msgspec.Struct]] = FakeOptions

    def __init__(self, options: FakeOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        self._options = options

    @property
    def capacity_gb(self) -> int | None:
        """GiB that all volumes may have together."""
        return self._options.capacity_gb

    @property
    def multiattach(self) -> bool:
        """As the options say."""
        return self._options.multiattach

    @property
    def shared_targets(self) -> bool:
        """As the options say."""
        return self._options.shared_targets

    @property
    def keeps_data(self) -> bool:
        """Nothing is kept."""
        return False

    def create_volume(self, volume: Volume) -> str:
        """See `VolumeBackend`."""
        self._take_time()
        return f"{self.context.name}/{volume.id}"

    def create_volume_from_image(
        self, volume: Volume, image: StoredImage, data: Path | None
    ) -> str:
        """See `VolumeBackend`."""
        return self.create_volume(volume)

    def create_volume_from_volume(self, volume: Volume, source: Volume) -> str:
        """See `VolumeBackend`."""
        return self.create_volume(volume)

    def create_volume_from_snapshot(self, volume: Volume, snapshot: VolumeSnapshot) -> str:
        """See `VolumeBackend`."""
        return self.create_volume(volume)

    def delete_volume(self, volume: Volume) -> None:
        """See `VolumeBackend`."""
        self._take_time()

    def extend_volume(self, volume: Volume, size: int) -> None:
        """See `VolumeBackend`."""
        self._take_time()

    def create_snapshot(self, snapshot: VolumeSnapshot, volume: Volume) -> str:
        """See `VolumeBackend`."""
        self._take_time()
        return f"{self.context.name}/{snapshot.id}"

    def delete_snapshot(self, snapshot: VolumeSnapshot) -> None:
        """See `VolumeBackend`."""
        self._take_time()

    def initialize_connection(
        self, volume: Volume, connector: Connector, mode: AttachMode
    ) -> dict[str, Any]:
        """Return the target, and which of its volumes this is."""
        self._take_time()
        return {
            "driver_volume_type": "fake",
            "data": {
                "volume_id": volume.id,
                "target": self._target(volume),
                "location": volume.provider_location,
            },
        }

    def terminate_connection(self, volume: Volume, connector: Connector) -> None:
        """See `VolumeBackend`."""
        self._take_time()

    def data_path(self, volume: Volume) -> Path | None:
        """Return None: there are no data."""
        return None

    def write_data(self, volume: Volume, source: Path) -> None:
        """Forget what `source` holds."""
        self._take_time()

    def _target(self, volume: Volume) -> str:
        if self._options.shared_targets:
            return self._options.target or f"target-{self.context.name}"
        return f"target-{volume.provider_location}"

    def _take_time(self) -> None:
        if self._options.latency:
            self.context.runtime.sleep(self._options.latency)
