"""Live migrations. One bug a class."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from cellrig.driver import Disk, Guest, MigrateData, Post, Progress, Recover
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by(
    "LiveMigration::test_post_is_called_once_when_the_guest_has_left",
    "how often post and recover were called",
)
class DropsPost(FakeDriver):
    """Nobody hears that a live migration has succeeded."""

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
        super().live_migration(guest, destination, _nothing, recover, data, progress=progress)


@caught_by(
    "LiveMigration::test_recover_is_called_once_when_nobody_expects_the_guest",
    "how often post and recover were called",
)
class DropsRecover(FakeDriver):
    """Nobody hears that a live migration has failed."""

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
        super().live_migration(guest, destination, post, _nothing, data, progress=progress)


@caught_by(
    "LiveMigration::test_recover_is_called_once_when_there_is_no_such_guest",
    "it ought to call recover",
)
class RaisesInALiveMigration(FakeDriver):
    """A guest that is not there is an error that no continuation is told."""

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
        self.hypervisor.domain(guest.uuid)
        super().live_migration(guest, destination, post, recover, data, progress=progress)


@caught_by(
    "LiveMigration::test_preparing_and_rolling_back_are_harmless_ten_times",
    "the destination, at vcpus_used",
)
class RollsNothingBack(FakeDriver):
    """What was set aside at the destination stays set aside."""

    def rollback_live_migration_at_destination(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData, destroy_disks: bool = True
    ) -> None:
        """Give nothing back."""


@caught_by(
    "LiveMigration::test_a_guest_that_is_shut_down_is_refused_before_anything_changes",
    "check_can_live_migrate_source raised nothing",
)
class ChecksNothing(FakeDriver):
    """Every guest may leave."""

    def check_can_live_migrate_source(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData
    ) -> MigrateData:
        return replace(data, source_host=self.context.host)


@caught_by(
    "LiveMigration::test_a_guest_moves_with_its_volumes", "on host1 the volume is connected for"
)
class StaysConnectedToWhatHasLeft(FakeDriver):
    """The source of a live migration stays connected to the volumes."""

    def post_live_migration_at_source(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData
    ) -> None:
        """Let go of nothing."""


@caught_by(
    "LiveMigration::test_without_a_migration_abort_is_harmless_and_force_is_refused",
    "live_migration_force_complete raised nothing",
)
class ForcesNothing(FakeDriver):
    """To force a migration that is not there is no error."""

    def live_migration_force_complete(self, guest: Guest) -> None:
        self.live.end(guest, "complete")


@caught_by(
    "SlowLiveMigration::test_an_aborted_migration_leaves_the_guest_where_it_was",
    "the hosts that have the guest",
)
class CompletesWhatIsAborted(FakeDriver):
    """A migration that is aborted ends at the destination."""

    def live_migration_abort(self, guest: Guest) -> None:
        self.live.end(guest, "complete")


@caught_by(
    "LiveMigration::test_recover_is_called_once_when_the_hypervisor_is_gone",
    "how often post and recover were called",
)
class MigratesWithoutAHypervisor(FakeDriver):
    """A live migration succeeds although nobody answers."""

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
        self.answer_again()
        super().live_migration(guest, destination, post, recover, data, progress=progress)


def _nothing(*_told: object) -> None:
    """Do nothing."""
