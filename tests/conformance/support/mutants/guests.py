"""The life of guests. One bug a class."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from cellrig.driver import (
    Device,
    Disk,
    Guest,
    GuestInfo,
    HypervisorError,
    Image,
    PowerState,
    RebootKind,
)
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by("Guests::test_a_guest_stops_and_starts", "the power state when it was stopped")
class SaysThatGuestsRun(FakeDriver):
    """Whatever they do."""

    def get_guest(self, uuid: str) -> GuestInfo:
        return replace(super().get_guest(uuid), power_state=PowerState.RUNNING)


@caught_by("Guests::test_guests_are_listed_as_they_are_shown", "is not listed")
class ListsOnlyWhatRuns(FakeDriver):
    """Guests that are shut down are not listed."""

    def list_guests(self) -> list[GuestInfo]:
        return [i for i in super().list_guests() if i.power_state is not PowerState.SHUTDOWN]


@caught_by("Guests::test_a_guest_is_what_its_flavor_says", "the guest's memory_mb")
class HalvesMemory(FakeDriver):
    """A guest gets half the memory of its flavor."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        super().spawn(replace(guest, memory_mb=guest.memory_mb // 2), image, disks, devices)


@caught_by("Guests::test_deleting_one_guest_leaves_the_others", "the hypervisor has no guest")
class DestroysTooMuch(FakeDriver):
    """With one guest go all."""

    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        super().destroy(guest, disks, destroy_disks)
        for info in super().list_guests():
            self.lose_guest(info.uuid)


@caught_by(
    "Guests::test_a_deleted_guest_is_gone_and_deleting_is_harmless_ten_times",
    "destroy must be harmless twice",
)
class MindsThatAGuestIsGone(FakeDriver):
    """It cannot delete a guest twice."""

    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        self.hypervisor.domain(guest.uuid)
        super().destroy(guest, disks, destroy_disks)


@caught_by("Guests::test_a_second_guest_of_the_same_uuid_is_refused", "spawn raised nothing")
class ReplacesGuests(FakeDriver):
    """A guest that is there already is silently built again."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        self.lose_guest(guest.uuid)
        super().spawn(guest, image, disks, devices)


@caught_by("Guests::test_power_calls_are_harmless_ten_times", "power_on must be harmless twice")
class MindsThatAGuestRuns(FakeDriver):
    """It cannot start a guest twice."""

    def power_on(self, guest: Guest) -> None:
        if self.hypervisor.domain(guest.uuid).power_state is PowerState.RUNNING:
            raise HypervisorError("domain is already running")
        super().power_on(guest)


@caught_by("Guests::test_a_hard_reboot_brings_a_lost_guest_back_with_its_volumes", "its volumes")
class ForgetsVolumesOfLostGuests(FakeDriver):
    """A lost guest comes back without its volumes."""

    def reboot(
        self,
        guest: Guest,
        kind: RebootKind,
        disks: Sequence[Disk] = (),
        devices: Sequence[Device] = (),
    ) -> None:
        super().reboot(guest, kind, (), devices)


@caught_by("Guests::test_a_paused_guest_is_not_started_by_power_on", "power_on raised nothing")
class StartsPausedGuests(FakeDriver):
    """Power on lets a paused guest go on."""

    def power_on(self, guest: Guest) -> None:
        self.hypervisor.enter(self.hypervisor.domain(guest.uuid), PowerState.RUNNING)
