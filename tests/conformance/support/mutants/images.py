"""Images and snapshots. One bug a class."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from cellrig.driver import Device, Disk, Guest, Image, PowerState, SnapshotInfo
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by("Images::test_an_image_of_no_known_format_ends_the_build", "spawn raised nothing")
class BootsFromAnything(FakeDriver):
    """The format of an image is not looked at."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        super().spawn(guest, image and replace(image, format="raw"), disks, devices)


@caught_by("Images::test_the_bus_that_an_image_asks_for_is_given", "the bus of its disks")
class IgnoresImageProperties(FakeDriver):
    """What an image asks for is not given."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        super().spawn(guest, image and replace(image, properties={}), disks, devices)


@caught_by("Snapshot::test_an_image_is_made_and_the_guest_runs_on", "the guest, at power_state")
class StopsGuestsForSnapshots(FakeDriver):
    """A guest that is snapshotted does not run any more."""

    def snapshot(self, guest: Guest, image_id: str) -> SnapshotInfo:
        self.hypervisor.enter(self.hypervisor.domain(guest.uuid), PowerState.SHUTDOWN)
        return super().snapshot(guest, image_id)


@caught_by("ImageCache::test_an_image_is_fetched_once", "whether each call fetched it")
class FetchesAgainAndAgain(FakeDriver):
    """An image that is there is fetched once more."""

    def cache_image(self, image: Image) -> bool:
        super().cache_image(image)
        return True
