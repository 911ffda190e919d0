"""Volumes that change under a running guest. One bug a class."""

from __future__ import annotations

from cellrig.driver import Disk, Guest, HypervisorError
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by("SwapVolume::test_a_disk_goes_on_with_another_volume", "the old volume")
class StaysConnectedAfterASwap(FakeDriver):
    """The volume that was swapped away stays connected."""

    def swap_volume(self, guest: Guest, old: Disk, new: Disk) -> None:
        super().swap_volume(guest, old, new)
        self.connections._connect(guest.uuid, old)


@caught_by(
    "SwapVolume::test_a_failed_swap_keeps_the_old_volume", "the guest after a failed swap, at disks"
)
class LosesADiskInAFailedSwap(FakeDriver):
    """When the new volume cannot be had, the old one is gone as well."""

    def swap_volume(self, guest: Guest, old: Disk, new: Disk) -> None:
        try:
            super().swap_volume(guest, old, new)
        except HypervisorError:
            super().detach_volume(guest, old)
            raise


@caught_by(
    "ExtendVolume::test_a_guest_sees_that_its_volume_has_grown", "the size that the guest sees"
)
class DoesNotGrow(FakeDriver):
    """A guest does not see that its volume has grown."""

    def extend_volume(self, guest: Guest, disk: Disk, new_size: int) -> None:
        super().extend_volume(guest, disk, 1 << 30)
