"""What goes wrong. One bug a class."""

from __future__ import annotations

from cellrig.driver import (
    Disk,
    DiskNotFound,
    Guest,
    GuestInfo,
    GuestNotFound,
    HypervisorUnavailable,
)
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by("Errors::test_calls_of_an_unknown_guest_say_so_ten_times", "get_console_output raised")
class RaisesAKeyError(FakeDriver):
    """A guest that is not there is a KeyError."""

    def get_console_output(self, guest: Guest) -> str:
        try:
            return super().get_console_output(guest)
        except GuestNotFound as error:
            raise KeyError(guest.uuid) from error


@caught_by("Errors::test_a_hypervisor_that_is_gone_says_so_and_comes_back", "list_guests raised")
class RaisesAnOSError(FakeDriver):
    """A hypervisor that does not answer is an OSError."""

    def list_guests(self) -> list[GuestInfo]:
        try:
            return super().list_guests()
        except HypervisorUnavailable as error:
            raise OSError(111, "Connection refused") from error


@caught_by("Errors::test_a_hypervisor_that_goes_in_the_middle_leaves_nothing", "still connected")
class ConnectsBeforeItLooks(FakeDriver):
    """A volume stays connected for which there is no hypervisor."""

    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        try:
            super().attach_volume(guest, disk)
        except HypervisorUnavailable:
            self.connections._connect(guest.uuid, disk)
            raise

    def detach_volume(self, guest: Guest, disk: Disk) -> None:
        if disk.serial not in {each.serial for each in super().get_guest(guest.uuid).disks}:
            raise DiskNotFound(guest.uuid, disk.serial)
        super().detach_volume(guest, disk)
