"""The part of the driver interface that moves guests between hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cellrig.driver.refusal import refuse
from cellrig.driver.reports import HostState, MigrationProgress
from cellrig.driver.values import (
    Device,
    Disk,
    Guest,
    Image,
    MigrateData,
    MigrationFailure,
)

#: What a live migration calls when the guest runs at the destination.
Post = Callable[[], None]
#: What a live migration calls when the guest still runs at the source.
Recover = Callable[[MigrationFailure], None]
#: What a live migration calls now and then.
Progress = Callable[[MigrationProgress], None]


class Moves:
    """Cold and live moves. `ComputeDriver` inherits it; a driver never does so itself."""

    # Cold

    def migrate_disk_and_power_off(
        self,
        guest: Guest,
        resized: Guest,
        destination: str,
        disks: Sequence[Disk],
        timeout: int = 0,
    ) -> MigrateData:
        """At the source: shut a guest down and send its local disks. Needs ``cold_migration``.

        Afterwards the guest is not listed any more, but all of it is kept until
        `confirm_migration` or `finish_revert_migration`. Twice is harmless.

        Args:
            guest: which, with its present size.
            resized: the same with its size at the destination.
            destination: the destination host's name; with ``resize_on_same_host`` it may be this.
            disks: its volumes; they are disconnected.
            timeout: seconds that the guest gets to shut itself down; 0 pulls the plug.

        Returns:
            What `finish_migration` at the destination has to know.

        Raises:
            GuestNotFound: the hypervisor has no such guest.
            MigrationError: it cannot be moved so; it is as it was.
        """
        return refuse(self, "migrate_disk_and_power_off", "cold_migration")

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
        """At the destination: define the guest with its new size. Needs ``cold_migration``.

        On failure leave nothing behind.

        Raises:
            GuestExists: the hypervisor has it already.
            ComputeResourcesUnavailable: too little is left here.
            MigrationError: its disks have not arrived.
        """
        refuse(self, "finish_migration", "cold_migration")

    def confirm_migration(self, guest: Guest, disks: Sequence[Disk]) -> None:
        """At the source: erase what was kept. Twice is harmless. Needs ``cold_migration``."""
        refuse(self, "confirm_migration", "cold_migration")

    def finish_revert_migration(
        self,
        guest: Guest,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        *,
        power_on: bool = True,
    ) -> None:
        """At the source: bring back what was kept, with `disks`. Needs ``cold_migration``.

        The volumes may be others than before: users attach and detach until they revert. Of a
        guest that is back already: harmless.

        Raises:
            GuestNotFound: nothing was kept.
        """
        refuse(self, "finish_revert_migration", "cold_migration")

    # Live

    def check_can_live_migrate_destination(
        self,
        guest: Guest,
        source_state: HostState,
        block_migration: bool = False,
        disk_over_commit: bool = False,
    ) -> MigrateData:
        """At the destination: see whether the guest can come. Changes nothing.

        Args:
            guest: which; `guest.node` is where it would go.
            source_state: the source node, as its driver tells.
            block_migration: local disks are to be copied.
            disk_over_commit: local disks count by what is in them, not by their size.

        Raises:
            MigrationPreCheckError: it cannot, and why.
        """
        return refuse(self, "check_can_live_migrate_destination", "live_migration")

    def check_can_live_migrate_source(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData
    ) -> MigrateData:
        """At the source: see whether the guest can go. Changes nothing.

        Returns:
            `data`, with what the source has to add.

        Raises:
            MigrationPreCheckError: it cannot, and why.
            GuestNotFound: the hypervisor has no such guest.
        """
        return refuse(self, "check_can_live_migrate_source", "live_migration")

    def pre_live_migration(
        self, guest: Guest, disks: Sequence[Disk], devices: Sequence[Device], data: MigrateData
    ) -> MigrateData:
        """At the destination: set aside all that the guest will need. Twice is harmless.

        Args:
            guest: which.
            disks: its volumes, connected to this host.
            devices: devices of this host for it.
            data: what the checks returned.

        Returns:
            `data`, with what the source has to know of it.

        Raises:
            ComputeResourcesUnavailable: too little is left here.
            MigrationError: it cannot be prepared; nothing is left behind.
        """
        return refuse(self, "pre_live_migration", "live_migration")

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
        """At the source: move the running guest, and end by calling one of `post` and `recover`.

        Exactly one of the two is called, once, also when the driver fails inside. Blocks until
        then. Nothing is raised that `recover` was told.

        Args:
            guest: which.
            destination: the destination host's name.
            post: called when the guest runs at the destination and has left this host.
            recover: called when it still runs here, with the reason.
            data: what `pre_live_migration` returned.
            progress: called now and then.
        """
        refuse(self, "live_migration", "live_migration")

    def live_migration_abort(self, guest: Guest) -> None:
        """At the source: end a running live migration; it recovers. Without one: harmless."""
        refuse(self, "live_migration_abort", "live_migration")

    def live_migration_force_complete(self, guest: Guest) -> None:
        """At the source: let a live migration end now, though the guest stops for it.

        Raises:
            MigrationError: the guest is not being migrated.
        """
        refuse(self, "live_migration_force_complete", "live_migration")

    def post_live_migration_at_source(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData
    ) -> None:
        """At the source: let go of what the guest left behind. Twice is harmless."""
        refuse(self, "post_live_migration_at_source", "live_migration")

    def post_live_migration_at_destination(
        self, guest: Guest, disks: Sequence[Disk], devices: Sequence[Device], data: MigrateData
    ) -> None:
        """At the destination: make the guest that arrived a lasting one. Twice is harmless.

        Raises:
            GuestNotFound: it has not arrived.
        """
        refuse(self, "post_live_migration_at_destination", "live_migration")

    def rollback_live_migration_at_destination(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData, destroy_disks: bool = True
    ) -> None:
        """At the destination: give back what `pre_live_migration` set aside. Twice is harmless."""
        refuse(self, "rollback_live_migration_at_destination", "live_migration")
