"""Volumes of several guests. One bug a class."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from cellrig.driver import Device, Disk, Guest, Image, MigrateData
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by("Multiattach::test_two_guests_on_two_hosts_share_a_volume", "the guest has no disk")
class ForgetsShareable(FakeDriver):
    """A volume that several guests may use is attached for one alone."""

    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        super().attach_volume(guest, replace(disk, multiattach=False))


@caught_by("Multiattach::test_a_guest_that_is_made_with_a_shared_volume_shares_it", "Failed to get")
class ForgetsShareableAtBirth(FakeDriver):
    """The same of volumes that a guest is made with."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        disks = [replace(disk, multiattach=False) for disk in disks]
        super().spawn(guest, image, disks, devices)


@caught_by(
    "Multiattach::test_a_shared_disk_stays_shareable_in_a_live_migration",
    "the server's status and host",
)
class ForgetsShareableOnTheWay(FakeDriver):
    """The same at the destination of a live migration."""

    def pre_live_migration(
        self, guest: Guest, disks: Sequence[Disk], devices: Sequence[Device], data: MigrateData
    ) -> MigrateData:
        disks = [replace(disk, multiattach=False) for disk in disks]
        return super().pre_live_migration(guest, disks, devices, data)


@caught_by(
    "Multiattach::test_a_shared_disk_stays_shareable_in_a_cold_migration", "the move did not happen"
)
class ForgetsShareableInAColdMigration(FakeDriver):
    """The same at the destination of a cold one."""

    def finish_migration(
        self,
        guest: Guest,
        image: Image | None,
        data: MigrateData,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        *,
        power_on: bool = True,
    ) -> None:
        disks = [replace(disk, multiattach=False) for disk in disks]
        super().finish_migration(guest, image, data, disks, devices, power_on=power_on)


@caught_by("Multiattach::test_two_guests_of_one_host_share_a_volume", "the volume")
class CutsOffTheOtherGuest(FakeDriver):
    """A volume is disconnected for all guests of the host when one lets go of it."""

    def detach_volume(self, guest: Guest, disk: Disk) -> None:
        super().detach_volume(guest, disk)
        for info in super().list_guests():
            self.connections.release(info.uuid, disk)
