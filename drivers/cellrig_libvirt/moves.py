"""The libvirt driver's moves: its side of `cellrig.driver.moves`."""

# ruff: noqa: D102 - the interface documents its methods

from __future__ import annotations

from collections.abc import Sequence

from cellrig.driver import (
    Device,
    Disk,
    Guest,
    HostState,
    Image,
    MigrateData,
    Post,
    Progress,
    Recover,
)
from cellrig.driver.refusal import refuse
from cellrig_libvirt.errors import spoken
from cellrig_libvirt.host import LibvirtHost


class LibvirtMoves(LibvirtHost):
    """Cold and live moves."""

    @spoken
    def migrate_disk_and_power_off(
        self,
        guest: Guest,
        resized: Guest,
        destination: str,
        disks: Sequence[Disk],
        timeout: int = 0,
    ) -> MigrateData:
        return self.parts.cold.leave(guest, resized, self.context.host, destination, timeout)

    @spoken
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
        self.parts.cold.arrive(guest, image, data, disks, self.choose(devices), power_on)

    @spoken
    def confirm_migration(self, guest: Guest, disks: Sequence[Disk]) -> None:
        self.parts.cold.forget(guest)

    @spoken
    def finish_revert_migration(
        self,
        guest: Guest,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        *,
        power_on: bool = True,
    ) -> None:
        self.parts.cold.come_back(guest, disks, power_on)

    @spoken
    def check_can_live_migrate_destination(
        self,
        guest: Guest,
        source_state: HostState,
        block_migration: bool = False,
        disk_over_commit: bool = False,
    ) -> MigrateData:
        return self.parts.live.check_destination(guest, source_state, block_migration)

    @spoken
    def check_can_live_migrate_source(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData
    ) -> MigrateData:
        return self.parts.live.check_source(guest, data)

    @spoken
    def pre_live_migration(
        self, guest: Guest, disks: Sequence[Disk], devices: Sequence[Device], data: MigrateData
    ) -> MigrateData:
        return self.parts.live.prepare(guest, disks, self.choose(devices), data)

    def live_migration(
        self,
        guest: Guest,
        destination: str,
        post: Post,
        recover: Recover,
        data: MigrateData,
        *,
        progress: Progress | None = None,
    ) -> None:
        # Not `spoken`: its failures go to `recover`.
        if not self.capabilities.live_migration:
            refuse(self, "live_migration", "live_migration")
        self.parts.live.migrate(guest, post, recover, data, progress)

    @spoken
    def live_migration_abort(self, guest: Guest) -> None:
        self.parts.live.abort(guest)

    @spoken
    def live_migration_force_complete(self, guest: Guest) -> None:
        self.parts.live.force_complete(guest)

    @spoken
    def post_live_migration_at_source(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData
    ) -> None:
        self.parts.live.tidy_up(guest, data)

    @spoken
    def post_live_migration_at_destination(
        self, guest: Guest, disks: Sequence[Disk], devices: Sequence[Device], data: MigrateData
    ) -> None:
        self.emit(self.parts.live.make_lasting(guest))

    @spoken
    def rollback_live_migration_at_destination(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData, destroy_disks: bool = True
    ) -> None:
        self.parts.live.roll_back(guest, data, destroy_disks)
