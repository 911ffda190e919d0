"""The fake driver's moves: its side of `cellrig.driver.moves`."""

# ruff: noqa: D102 - the interface documents its methods

from __future__ import annotations

from collections.abc import Sequence

from cellrig.driver import (
    Device,
    Disk,
    Guest,
    GuestEventKind,
    HostState,
    Image,
    MigrateData,
    MigrationError,
    Post,
    PowerState,
    Progress,
    Recover,
)
from cellrig.driver.refusal import refuse
from cellrig_fake import cold_moves
from cellrig_fake.building import define_and_enter, make_domain
from cellrig_fake.host import FakeHost
from cellrig_fake.simulated import simulated


class FakeMoves(FakeHost):
    """Cold and live moves, guarded by what the driver is capable of."""

    # Moves

    @simulated
    def migrate_disk_and_power_off(
        self,
        guest: Guest,
        resized: Guest,
        destination: str,
        disks: Sequence[Disk],
        timeout: int = 0,
    ) -> MigrateData:
        same_host = destination == self.context.host
        needs = "resize_on_same_host" if same_host else "cold_migration"
        if not getattr(self.capabilities, needs):
            refuse(self, "migrate_disk_and_power_off", needs)
        shared = self.options.shared_storage
        data = cold_moves.leave(self.hypervisor, guest, resized, destination, shared)
        self.connections.release_all(guest.uuid)
        return data

    @simulated
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
        cold_moves.check_arrival(guest, data)
        power_state = PowerState.RUNNING if power_on else PowerState.SHUTDOWN
        with self.connections.held(guest.uuid, disks):
            domain = make_domain(self.hypervisor, guest, image, disks, devices)
            define_and_enter(self.hypervisor, domain, power_state)

    @simulated
    def confirm_migration(self, guest: Guest, disks: Sequence[Disk]) -> None:
        cold_moves.forget(self.hypervisor, guest)

    @simulated
    def finish_revert_migration(
        self,
        guest: Guest,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        *,
        power_on: bool = True,
    ) -> None:
        with self.connections.held(guest.uuid, disks):
            cold_moves.come_back(self.hypervisor, guest, disks, power_on)

    @simulated
    def check_can_live_migrate_destination(
        self,
        guest: Guest,
        source_state: HostState,
        block_migration: bool = False,
        disk_over_commit: bool = False,
    ) -> MigrateData:
        return self.live.check_destination(guest, source_state, block_migration)

    @simulated
    def check_can_live_migrate_source(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData
    ) -> MigrateData:
        return self.live.check_source(guest, data)

    @simulated
    def pre_live_migration(
        self, guest: Guest, disks: Sequence[Disk], devices: Sequence[Device], data: MigrateData
    ) -> MigrateData:
        with self.connections.held(guest.uuid, disks):
            return self.live.prepare(guest, disks, devices, data)

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
        # Not `simulated`: its failures go to `recover`, and aborting it cuts its latency short.
        if not self.capabilities.live_migration:
            refuse(self, "live_migration", "live_migration")
        self.live.migrate(guest, destination, post, recover, progress)

    @simulated
    def live_migration_abort(self, guest: Guest) -> None:
        self.live.end(guest, "abort")

    @simulated
    def live_migration_force_complete(self, guest: Guest) -> None:
        if not self.live.end(guest, "complete"):
            raise MigrationError(guest.uuid, "it is not being migrated")

    @simulated
    def post_live_migration_at_source(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData
    ) -> None:
        self.connections.release_all(guest.uuid)

    @simulated
    def post_live_migration_at_destination(
        self, guest: Guest, disks: Sequence[Disk], devices: Sequence[Device], data: MigrateData
    ) -> None:
        self.tell(self.hypervisor.domain(guest.uuid), GuestEventKind.MIGRATED)

    @simulated
    def rollback_live_migration_at_destination(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData, destroy_disks: bool = True
    ) -> None:
        self.live.roll_back(guest)
        self.connections.release_all(guest.uuid)
