"""Cold moves and evacuation. One bug a class."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from cellrig.driver import Device, Disk, Guest, Image, MigrateData, PowerState
from cellrig_fake import FakeDriver
from cellrig_fake.building import define_and_enter, make_domain
from mutants.noting import caught_by


@caught_by("ColdMigration::test_a_guest_moves_and_the_move_is_confirmed", "still keeps guest")
class KeepsWhatIsConfirmed(FakeDriver):
    """What was kept for a revert is never given back."""

    def confirm_migration(self, guest: Guest, disks: Sequence[Disk]) -> None:
        """Erase nothing."""


@caught_by("ColdMigration::test_a_guest_that_was_shut_down_stays_so", "the power state there")
class StartsWhatMoves(FakeDriver):
    """A guest that was shut down runs at its destination."""

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
        super().finish_migration(guest, image, data, disks, devices, power_on=True)


@caught_by("ColdMigration::test_a_guest_is_resized", "the guest's vcpus and memory_mb")
class KeepsTheOldSize(FakeDriver):
    """A resized guest has the size that it had."""

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
        small = replace(guest, memory_mb=128, vcpus=1)
        super().finish_migration(small, image, data, disks, devices, power_on=power_on)


@caught_by(
    "ColdMigration::test_leaving_and_coming_back_are_harmless_ten_times",
    "migrate_disk_and_power_off must be harmless twice",
)
class LeavesOnlyOnce(FakeDriver):
    """It cannot be asked twice to let a guest go."""

    def migrate_disk_and_power_off(
        self,
        guest: Guest,
        resized: Guest,
        destination: str,
        disks: Sequence[Disk],
        timeout: int = 0,
    ) -> MigrateData:
        self.hypervisor.domain(guest.uuid)
        return super().migrate_disk_and_power_off(guest, resized, destination, disks, timeout)


@caught_by("ColdMigration::test_a_guest_moves_and_comes_back", "the volume")
class ComesBackUnconnected(FakeDriver):
    """A guest that comes back has volumes that its host is not connected to."""

    def finish_revert_migration(
        self,
        guest: Guest,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        *,
        power_on: bool = True,
    ) -> None:
        super().finish_revert_migration(guest, disks, devices, power_on=power_on)
        self.connections.release_all(guest.uuid)


@caught_by(
    "ResizeOnSameHost::test_a_guest_gets_its_old_size_back_here", "the guest's vcpus and memory_mb"
)
class RevertsToTheNewSize(FakeDriver):
    """A guest that is reverted keeps the size that it was to have."""

    def finish_revert_migration(
        self,
        guest: Guest,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        *,
        power_on: bool = True,
    ) -> None:
        super().confirm_migration(guest, disks)
        large = replace(guest, memory_mb=256, vcpus=2)
        with self.connections.held(guest.uuid, disks):
            domain = make_domain(self.hypervisor, large, None, disks, devices)
            define_and_enter(self.hypervisor, domain, PowerState.RUNNING)


@caught_by(
    "Evacuate::test_a_guest_is_built_again_on_another_host",
    "the guest is still on the host that was dead",
)
class LeavesWhatIsOff(FakeDriver):
    """A guest that is shut down cannot be removed."""

    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        domain = self.hypervisor.domains().get(guest.uuid)
        if domain is None or domain.power_state is not PowerState.SHUTDOWN:
            super().destroy(guest, disks, destroy_disks)
