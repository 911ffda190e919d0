"""How far a live migration has come, and what becomes of one that takes too long."""

from __future__ import annotations

from collections.abc import Container

from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost
from cellrig.driver.reports import MigrationProgress
from cellrig.errors import CellrigError
from cellrig.model import Instance, MigrationChanges
from cellrig.runtime import DeadlineExceeded, Event

#: Seconds between two records of how far a migration has come. Drivers tell more often.
PROGRESS_INTERVAL = 1.0


def watch_live_migration(host: ComputeHost, instance: Instance, over: Event) -> None:
    """End a migration that copies memory for too long, in the way that the cloud wants.

    Args:
        host: the source.
        instance: what moves.
        over: set when it has moved, or has not.
    """
    seconds = host.options.live_migration_completion_timeout
    if not seconds:
        return

    def watch() -> None:
        try:
            with host.runtime.deadline(seconds, "a live migration"):
                over.wait()
        except DeadlineExceeded as error:
            host.seams.handled(error, "the live migration is ended")
            _end_early(host, instance)

    host.runtime.spawn(watch, name=f"{host.name} watches a live migration", owner=host.process)


def _end_early(host: ComputeHost, instance: Instance) -> None:
    try:
        if host.options.live_migration_timeout_action == "force_complete":
            host.driver.live_migration_force_complete(guest_of(instance))
        else:
            host.driver.live_migration_abort(guest_of(instance))
    except CellrigError as error:
        host.seams.handled(error, "the live migration goes on, or is over")


class LiveProgress:
    """Records how far one migration has come: at first, and each second.

    Attributes:
        last: what was told last, for whoever records that the guest has left.

    Args:
        host: the source.
        instance, migration_uuid: what moves, and the record.
        aborted: migrations that somebody wants to end.
    """

    def __init__(
        self, host: ComputeHost, instance: Instance, migration_uuid: str, aborted: Container[str]
    ) -> None:
        self._host = host
        self._instance = instance
        self._migration_uuid = migration_uuid
        self._aborted = aborted
        self._next = host.runtime.now()
        self.last = MigrationChanges()

    def note(self, progress: MigrationProgress) -> None:
        """Take what the driver tells; that it is not recorded does not stop the migration."""
        host = self._host
        if self._migration_uuid in self._aborted:
            # Asked for before the driver had begun, and so in vain.
            self._abort_again()
        self.last = MigrationChanges(
            memory_total=progress.memory_total,
            memory_processed=progress.memory_processed,
            memory_remaining=progress.memory_remaining,
            disk_total=progress.disk_total,
            disk_processed=progress.disk_processed,
            disk_remaining=progress.disk_remaining,
        )
        now = host.runtime.now()
        if now < self._next:
            return
        self._next = now + PROGRESS_INTERVAL
        try:
            host.migrations.update(self._migration_uuid, self.last)
        except CellrigError as error:
            host.seams.handled(error, "progress is not recorded this time")

    def _abort_again(self) -> None:
        try:
            self._host.driver.live_migration_abort(guest_of(self._instance))
        except Exception as error:  # noqa: BLE001 - the driver's own work calls this
            self._host.seams.handled(error, "it is asked for again with the next progress")
