"""Pause, suspend and rescue. One bug a class."""

from __future__ import annotations

from cellrig.driver import Disk, Guest, HypervisorError, Image, PowerState
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by("Pause::test_a_guest_that_is_shut_down_is_not_paused", "pause raised nothing")
class PausesWhatIsOff(FakeDriver):
    """A guest that is shut down is started to be paused."""

    def pause(self, guest: Guest) -> None:
        super().power_on(guest)
        super().pause(guest)


@caught_by("Pause::test_pausing_is_harmless_ten_times", "the power state after pause")
class TogglesPause(FakeDriver):
    """The second pause lets the guest go on."""

    def pause(self, guest: Guest) -> None:
        if self.hypervisor.domain(guest.uuid).power_state is PowerState.PAUSED:
            super().unpause(guest)
        else:
            super().pause(guest)


@caught_by("Suspend::test_a_suspended_guest_comes_back", "the power state")
class OnlyPauses(FakeDriver):
    """A guest that is suspended stays in memory."""

    def suspend(self, guest: Guest) -> None:
        super().pause(guest)


@caught_by(
    "Rescue::test_a_rescued_guest_has_its_own_disk_beside_the_other",
    "the guest when it was unrescued",
)
class ForgetsVolumesInARescue(FakeDriver):
    """A guest that was rescued has lost its volumes."""

    def unrescue(self, guest: Guest) -> None:
        super().unrescue(guest)
        for disk in super().get_guest(guest.uuid).disks:
            if disk.serial is not None:
                super().detach_volume(guest, Disk(serial=disk.serial))


@caught_by("Rescue::test_rescuing_is_harmless_ten_times", "rescue must be harmless twice")
class RescuesOnce(FakeDriver):
    """It cannot rescue a guest twice."""

    def rescue(self, guest: Guest, image: Image) -> None:
        if self.hypervisor.domain(guest.uuid).own_document is not None:
            raise HypervisorError("disk.rescue is there already")
        super().rescue(guest, image)
