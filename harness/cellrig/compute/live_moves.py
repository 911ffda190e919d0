"""Live migrations, on their source: prepare the destination, move the guest, or take it back.

Volumes are connected at the destination by attachments of their own before the guest moves, which
the migration's record names; the server's mappings name those at the source until the guest has
left it. So what is taken back is only what the move has made.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from cellrig.compute.connections import Connections
from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost, has_guest
from cellrig.compute.leftovers import Leftovers
from cellrig.compute.live_progress import LiveProgress, watch_live_migration
from cellrig.compute.second_attachments import SecondAttachments
from cellrig.compute.turns import TurnGivenUp, Turns
from cellrig.context import RequestContext
from cellrig.driver.values import Disk, MigrateData, MigrationFailure
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.model import (
    Instance,
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    Step,
    TaskState,
)
from cellrig.moves import Ownership, Withdrawal

_MIGRATE = "compute_live_migration"
_UNHEARD = MigrationChanges()
_WAITING = (MigrationStatus.ACCEPTED, MigrationStatus.QUEUED)


class LiveMigrationFailed(CellrigError):
    """A guest still runs where it was. Args: the server, the reason."""

    template = "server {0} was not migrated: {1}"


class LiveMigrationCancelled(CellrigError):
    """A guest still runs where it was, as somebody has asked. Args: the server, the reason."""

    template = "the migration of server {0} was cancelled: {1}"


class LiveMoves:
    """Moves running guests away from one host.

    Args:
        host: which.
        connections, second: of the host: its ways to volumes, and those that moves add.
        leftovers: of servers that have left the host.
        ownership: of resources.
        withdrawal: takes back moves that have not begun.
    """

    def __init__(
        self,
        host: ComputeHost,
        connections: Connections,
        second: SecondAttachments,
        leftovers: Leftovers,
        ownership: Ownership,
        withdrawal: Withdrawal,
    ) -> None:
        self._host = host
        self._connections = connections
        self._second = second
        self._leftovers = leftovers
        self._ownership = ownership
        self._withdrawal = withdrawal
        self._turns = Turns(
            host.runtime,
            host.options.max_concurrent_live_migrations,
            f"a live migration from {host.name}",
        )
        #: Instance to the migration that waits or runs here.
        self._in_hand: dict[str, str] = {}
        #: Migrations that somebody wants to end.
        self._aborted: set[str] = set()

    def live_migration(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """Move a server whose destination has been checked; see `ComputeService`."""
        host = self._host
        with host.lock(instance_uuid):
            try:
                migration = host.seams.insist(
                    lambda: host.migrations.get(migration_uuid), "see a move"
                )
                if migration.status != MigrationStatus.ACCEPTED:
                    return  # a second copy of the message, or it has been taken back
                if self._turns.would_wait():
                    queued = MigrationChanges(status=MigrationStatus.QUEUED)
                    migration = host.seams.insist(
                        lambda: host.migrations.update(migration_uuid, queued, _WAITING),
                        "let a move wait",
                    )
            except CellrigError as error:
                host.seams.handled(error, "the move is left to the periodic work")
                return
            self._in_hand[instance_uuid] = migration_uuid
            try:
                with self._turns.take(migration_uuid):
                    self._take_turn(context, migration)
            except TurnGivenUp as error:
                cancelled = LiveMigrationCancelled(instance_uuid, str(error))
                self._withdrawal.withdraw(
                    migration, cancelled, host=host.name, status=MigrationStatus.CANCELLED
                )
            finally:
                del self._in_hand[instance_uuid]
                self._aborted.discard(migration_uuid)

    def _take_turn(self, context: RequestContext, migration: Migration) -> None:
        host = self._host
        begins = Step(
            instance_uuid=migration.instance_uuid,
            migration_uuid=migration.uuid,
            migration=MigrationChanges(status=MigrationStatus.PREPARING),
            statuses=(*_WAITING, MigrationStatus.PREPARING),
            event=host.beginning(context, _MIGRATE),
        )
        try:
            moving = host.take_step(begins, "begin to prepare a move")
        except (Conflict, NotFound) as error:
            host.seams.handled(error, "the move has been taken back")
            return
        except CellrigError as error:
            self._withdrawal.withdraw(migration, error, host=host.name)
            return
        try:
            with host.begun_event(context, migration.instance_uuid, _MIGRATE):
                self._move(context, moving.instance, moving.migration)
        except Exception as error:  # noqa: BLE001 - the guest is where it was
            self.go_on(context, moving.migration, error)

    def _move(self, context: RequestContext, instance: Instance, migration: Migration) -> None:
        host = self._host
        if instance.task_state != TaskState.MIGRATING:
            raise LiveMigrationCancelled(instance.uuid, "the user deletes the server")
        destination = host.compute(str(migration.dest_compute))
        data = destination.pre_live_migration(context, instance.uuid, migration.uuid)
        running = MigrationChanges(status=MigrationStatus.RUNNING, data=msgspec.to_builtins(data))
        self._check_wanted(migration)
        allowed = (MigrationStatus.PREPARING, MigrationStatus.RUNNING)
        host.migrations.update(migration.uuid, running, allowed)
        progress = LiveProgress(host, instance, migration.uuid, self._aborted)
        failure = self._run(instance, migration, data, progress)
        if failure is not None and failure.cancelled:
            raise LiveMigrationCancelled(instance.uuid, failure.reason)
        if failure is not None:
            raise LiveMigrationFailed(instance.uuid, failure.reason)
        self.leave(context, migration, progress.last)

    def _check_wanted(self, migration: Migration) -> None:
        if migration.uuid in self._aborted:
            raise LiveMigrationCancelled(migration.instance_uuid, "it was aborted")

    def _run(
        self, instance: Instance, migration: Migration, data: MigrateData, progress: LiveProgress
    ) -> MigrationFailure | None:
        """Let the driver move the guest; return why it has not, None where it has."""
        host = self._host
        outcomes: list[MigrationFailure | None] = []
        over = host.runtime.event(f"the end of migration {migration.uuid}")
        watch_live_migration(host, instance, over)
        try:
            host.driver.live_migration(
                guest_of(instance),
                str(migration.dest_compute),
                lambda: outcomes.append(None),
                outcomes.append,
                data,
                progress=progress.note,
            )
        finally:
            over.set()
        if not outcomes:
            raise LiveMigrationFailed(instance.uuid, "its driver has not said how it ended")
        return outcomes[0]

    def go_on(self, context: RequestContext, migration: Migration, error: Exception) -> None:
        """Go forward where the guest has left although something failed, else back."""
        host = self._host
        try:
            uuid = migration.instance_uuid
            if host.undo(lambda: has_guest(host, uuid), "see where a guest is"):
                self.roll_back(context, migration, error)
            else:
                host.seams.handled(error, "the guest has left all the same")
                self.leave(context, migration)
        except Exception as lost:  # noqa: BLE001 - the record says how far the move has come
            host.seams.handled(lost, "the move is left to the periodic work")
            host.seams.handled(error, "the move is left to the periodic work")

    # -- it has left -----------------------------------------------------------------------------

    def leave(
        self,
        context: RequestContext,
        migration: Migration,
        progress: MigrationChanges = _UNHEARD,
    ) -> None:
        """Let go of a server that runs at its destination; twice is harmless.

        There is no way back from here, so nothing that fails stops the rest.

        Args:
            context: who asks.
            migration: the server's.
            progress: the last that was heard of it.
        """
        host, insist = self._host, self._host.seams.insist
        uuid = migration.instance_uuid
        gone = Step(
            instance_uuid=uuid,
            migration_uuid=migration.uuid,
            migration=replace(progress, status=MigrationStatus.POST_MIGRATING),
        )
        moving = host.take_step(gone, "note a move")
        instance, migration, mappings = moving.instance, moving.migration, moving.mappings
        with self._connections.section(context, mappings):
            self._tidy_up(instance, migration, disks_of(mappings))
            self._second.change_over(context, migration, mappings)
        if instance.host == host.name:
            moved = InstanceChanges(
                host=migration.dest_compute,
                node=migration.dest_node,
                availability_zone=migration.dest_zone,
            )
            try:
                insist(lambda: host.instances.update(uuid, moved), "note a move")
            except NotFound as error:
                host.seams.handled(error, "the server is deleted")
        destination = host.compute(str(migration.dest_compute))
        insist(
            lambda: destination.post_live_migration_at_destination(context, uuid, migration.uuid),
            "tell a destination",
        )

    def _tidy_up(self, instance: Instance, migration: Migration, disks: Sequence[Disk]) -> None:
        host = self._host
        data = msgspec.convert(migration.data, MigrateData)
        left = replace(instance, host=host.name, node=migration.source_node)
        try:
            host.undo(
                lambda: host.driver.post_live_migration_at_source(guest_of(left), disks, data),
                "let go of a guest that has left",
            )
        except Exception as error:  # noqa: BLE001 - the guest runs elsewhere
            host.seams.handled(error, "what is left of the guest is cleaned up")
            self._clean_up(left, migration, disks)

    def _clean_up(self, left: Instance, migration: Migration, disks: Sequence[Disk]) -> None:
        try:
            self._host.driver.cleanup(guest_of(left), disks, destroy_disks=False)
        except Exception as error:  # noqa: BLE001 - the guest runs elsewhere
            self._host.seams.handled(error, "the periodic work lets go of what is left")
            self._leftovers.note(migration, disks)

    # -- it stays --------------------------------------------------------------------------------

    def roll_back(self, context: RequestContext, migration: Migration, error: Exception) -> None:
        """Let a server that still runs here stay; twice is harmless."""
        host, insist = self._host, self._host.seams.insist
        cancelled = isinstance(error, LiveMigrationCancelled)
        reverting = MigrationChanges(status=MigrationStatus.REVERTING)
        insist(lambda: host.migrations.update(migration.uuid, reverting), "take a move back")
        uuid = migration.instance_uuid
        insist(lambda: self._ownership.give_back(migration), "give resources back")
        changes = InstanceChanges(task_state=None)
        if cancelled:
            self._end_quietly(uuid, changes, error)
        else:
            tasks = (TaskState.MIGRATING, None)
            host.fail(uuid, error, changes, "the server is where it was", tasks)
        # Only now: the destination ends the move, and after that nobody looks at the server.
        destination = host.compute(str(migration.dest_compute))
        insist(
            lambda: destination.rollback_live_migration(context, uuid, migration.uuid, cancelled),
            "tell a destination",
        )

    def _end_quietly(self, uuid: str, changes: InstanceChanges, error: Exception) -> None:
        host = self._host
        try:
            host.seams.insist(
                lambda: host.instances.update(uuid, changes, (TaskState.MIGRATING, None)),
                "end a move",
            )
        except (Conflict, NotFound) as gone:
            host.seams.handled(gone, "the user deletes the server")
        host.seams.handled(error, "the server is where it was")

    # -- asked for meanwhile ---------------------------------------------------------------------

    def abort(self, context: RequestContext, instance_uuid: str, migration_uuid: str) -> None:
        """End a live migration that waits for its turn, or runs; the server stays."""
        host = self._host
        if self._in_hand.get(instance_uuid) == migration_uuid:
            self._aborted.add(migration_uuid)
        try:
            if self._turns.give_up(migration_uuid):
                return
            with host.event(context, instance_uuid, "compute_live_migration_abort"):
                host.driver.live_migration_abort(guest_of(host.instances.get(instance_uuid)))
        except Exception as error:  # noqa: BLE001 - told, and may be asked for again
            host.seams.handled(error, "the migration goes on, or is over")

    def break_off(self, context: RequestContext, instance_uuid: str) -> None:
        """Let a server's live migration end early, if there is one: its user deletes it."""
        migration_uuid = self._in_hand.get(instance_uuid)
        if migration_uuid is not None:
            self.abort(context, instance_uuid, migration_uuid)

    def force_complete(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """Let a live migration that runs end now, though the guest stops for it."""
        host = self._host
        try:
            with host.event(context, instance_uuid, "compute_live_migration_force_complete"):
                instance = host.instances.get(instance_uuid)
                host.driver.live_migration_force_complete(guest_of(instance))
        except Exception as error:  # noqa: BLE001 - told, and may be asked for again
            host.seams.handled(error, "the migration goes on, or is over")
