"""Moves of running servers, of servers whose host is dead, and of servers that are put away."""

from __future__ import annotations

from collections.abc import Callable

from cellrig.compute.api.migrations import chosen
from cellrig.compute.api.moves import Moves
from cellrig.compute.api.policy import check_admin
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.tasks import Tasks
from cellrig.compute.interface import ComputeService
from cellrig.context import RequestContext
from cellrig.errors import Invalid
from cellrig.model import (
    Migration,
    MigrationStatus,
    MigrationType,
    TaskState,
    VmState,
)

_LIVE = (VmState.ACTIVE, VmState.PAUSED)
_EVACUABLE = (VmState.ACTIVE, VmState.STOPPED, VmState.ERROR)
_ABORTABLE = (MigrationStatus.QUEUED, MigrationStatus.PREPARING, MigrationStatus.RUNNING)


class RunningMoves:
    """Live migrations and evacuations.

    Args:
        around: the compute API's surroundings.
        tasks: to begin them with.
        moves: to check destinations with.
    """

    def __init__(self, around: Surroundings, tasks: Tasks, moves: Moves) -> None:
        self._around = around
        self._tasks = tasks
        self._moves = moves

    def live_migrate(
        self,
        context: RequestContext,
        server_id: str,
        host: str | None = None,
        *,
        force: bool = False,
        block_migration: bool | None = None,
    ) -> None:
        """Move a running server to another host (administrators).

        Args:
            context, server_id: who asks, for which server.
            host: where to; None lets the scheduler choose.
            force: to `host` past the filters (until microversion 2.67).
            block_migration: copy local disks; None (``auto``): where the hosts do not share them.

        Raises:
            Invalid: its host is down; `host` is its own, of another cell, does not exist, is down
                or (unless forced) disabled; or `force` without a host.
            Conflict: the server's state.
        """
        check_admin(context, "live-migrate a server")
        if force and host is None:
            raise Invalid("force takes a host to go to; none was given")
        cell, instance, source = self._tasks.find_to_move(context, server_id, "live-migrate", _LIVE)
        if host is not None:
            self._moves.check_destination(cell, instance, host)
            if not force:
                self._tasks.check_target(cell, host)
        for needed in (source, host) if force else (source,):
            if needed is not None and not self._tasks.is_up(cell, needed):
                raise Invalid(
                    f"the compute service of host {needed} is down: server {server_id} cannot be "
                    "live-migrated from or to it"
                )
        conductor = self._around.conductor
        self._tasks.begin(
            context,
            cell,
            instance,
            "live-migration",
            TaskState.MIGRATING,
            _LIVE,
            lambda: conductor.live_migrate_server(context, server_id, host, force, block_migration),
        )

    def evacuate(
        self,
        context: RequestContext,
        server_id: str,
        host: str | None = None,
        *,
        stopped: bool = False,
    ) -> None:
        """Build a server on another host, because its own is dead (administrators).

        Args:
            context, server_id: who asks, for which server.
            host: where to; None lets the scheduler choose.
            stopped: leave it off, as microversion 2.95 does.

        Raises:
            NotFound: `host` does not exist.
            Invalid: its host's service is up; or `host` is its own, of another cell, down or
                disabled.
            Conflict: the server's state.
        """
        check_admin(context, "evacuate a server")
        cell, instance, source = self._tasks.find_to_move(
            context, server_id, "evacuate", _EVACUABLE
        )
        if self._tasks.is_up(cell, source):
            raise Invalid(
                f"the compute service of host {source} is up: server {server_id} is evacuated "
                "from a host that is down"
            )
        if host is not None:
            self._around.api.mappings.cell_of_host(host)
            self._moves.check_destination(cell, instance, host)
            self._tasks.check_target(cell, host)
        self._tasks.begin(
            context,
            cell,
            instance,
            "evacuate",
            TaskState.REBUILDING,
            _EVACUABLE,
            lambda: self._around.conductor.evacuate_server(context, server_id, host, stopped),
        )

    def abort(self, context: RequestContext, server_id: str, migration_id: int | str) -> None:
        """End a live migration that waits or runs; the server stays (microversion 2.24, 2.65).

        Raises:
            NotFound: the server has no such migration.
            Invalid: it is none that can be ended.
        """
        self._tell_source(
            context,
            server_id,
            migration_id,
            "live_migration_abort",
            _ABORTABLE,
            lambda compute, migration: compute.live_migration_abort(
                context, server_id, migration.uuid
            ),
        )

    def force_complete(
        self, context: RequestContext, server_id: str, migration_id: int | str
    ) -> None:
        """Let a live migration that runs end now, though the guest stops for it (2.22).

        Raises:
            NotFound: the server has no such migration.
            Invalid: it does not run.
        """
        self._tell_source(
            context,
            server_id,
            migration_id,
            "live_migration_force_complete",
            (MigrationStatus.RUNNING,),
            lambda compute, migration: compute.live_migration_force_complete(
                context, server_id, migration.uuid
            ),
        )

    def _tell_source(
        self,
        context: RequestContext,
        server_id: str,
        migration_id: int | str,
        action: str,
        statuses: tuple[MigrationStatus, ...],
        send: Callable[[ComputeService, Migration], None],
    ) -> None:
        check_admin(context, "end a live migration")
        cell, instance = self._tasks.placed(context, server_id)
        migration = chosen(cell.migrations.of_instance(server_id), server_id, migration_id)
        is_live = migration.type == MigrationType.LIVE_MIGRATION
        if not is_live or migration.status not in statuses:
            raise Invalid(
                f"migration {migration_id} of server {server_id} is a {migration.type} that is "
                f"{migration.status}; this takes a {MigrationType.LIVE_MIGRATION} that is "
                f"{' or '.join(statuses)}"
            )
        self._tasks.record(context, cell, instance, action)
        compute = self._around.compute(migration.source_compute)
        self._around.seams.insist(lambda: send(compute, migration), "tell a source")
