"""Taking back a move that has not touched the server yet."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from msgspec import UNSET

from cellrig.db.instances import InstanceStore
from cellrig.db.migrations import MigrationStore
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.model import (
    InstanceChanges,
    InstanceFault,
    Migration,
    MigrationChanges,
    MigrationStatus,
    TaskState,
    VmState,
)
from cellrig.moves.ownership import Ownership
from cellrig.seams import Seams

#: Statuses in which a server is still where it was, running as it was.
UNTOUCHED = (
    MigrationStatus.ACCEPTED,
    MigrationStatus.QUEUED,
    MigrationStatus.PREPARING,
    MigrationStatus.PRE_MIGRATING,
)
_TASKS = (TaskState.RESIZE_PREP, TaskState.MIGRATING, TaskState.REBUILDING, None)


class Withdrawal:
    """Lets servers be again what they were before a move was tried.

    Whoever takes a move back owns it from its first step on, a change of status that only one can
    make. Should that one die, the source's compute service goes on.

    Args:
        instances, migrations: the cell's stores.
        ownership: of resources.
        now: the rig's clock.
        seams: of the rig.
    """

    def __init__(
        self,
        instances: InstanceStore,
        migrations: MigrationStore,
        ownership: Ownership,
        now: Callable[[], float],
        seams: Seams,
    ) -> None:
        self._instances = instances
        self._migrations = migrations
        self._ownership = ownership
        self._now = now
        self._seams = seams

    def withdraw(
        self,
        migration: Migration,
        error: Exception,
        *,
        host: str | None = None,
        vm_state: VmState | None = None,
        status: MigrationStatus = MigrationStatus.ERROR,
    ) -> bool:
        """Give everything back to the server, record the reason as its fault, end the move.

        Args:
            migration: the move.
            error: why it is taken back.
            host: who says so.
            vm_state: what the server is from now on; None: what it was.
            status: the move's from now on.

        Returns:
            False where somebody else goes on with the move, or has taken it back.
        """
        uuid = migration.uuid
        begun = MigrationChanges(status=MigrationStatus.REVERTING)
        allowed = [*UNTOUCHED]

        def begin() -> Migration:
            try:
                return self._migrations.update(uuid, begun, tuple(allowed))
            finally:
                allowed.append(MigrationStatus.REVERTING)  # it may have been done: see `insist`

        try:
            migration = self._seams.insist(begin, "begin to take a move back")
        except (Conflict, NotFound) as over:
            self._seams.handled(over, "somebody else goes on with the move")
            self._seams.handled(error, "somebody else goes on with the move")
            return False
        except CellrigError as lost:
            self._seams.handled(lost, "the move is left to the periodic work")
            self._seams.handled(error, "the move is left to the periodic work")
            return False
        try:
            self.finish(migration, error, host=host, vm_state=vm_state, status=status)
        except CellrigError as lost:
            self._seams.handled(lost, "the periodic work goes on to take the move back")
            self._seams.handled(error, "the periodic work goes on to take the move back")
        return True

    def finish(
        self,
        migration: Migration,
        error: Exception,
        *,
        host: str | None = None,
        vm_state: VmState | None = None,
        status: MigrationStatus = MigrationStatus.ERROR,
    ) -> None:
        """Go on with a move that is being taken back; see `withdraw`."""
        insist = self._seams.insist
        uuid = migration.instance_uuid
        insist(lambda: self._ownership.give_back(migration), "give resources back")
        changes = InstanceChanges(task_state=None, vm_state=vm_state or UNSET)
        fault = InstanceFault(
            uuid,
            500,
            _told(error),
            "".join(traceback.format_exception(error)),
            host,
            self._now(),
        )
        try:
            insist(lambda: self._instances.update(uuid, changes, _TASKS, fault=fault), "end a move")
        except (Conflict, NotFound) as gone:
            self._seams.handled(gone, "the server is being deleted")
        insist(
            lambda: self._migrations.update(migration.uuid, MigrationChanges(status=status)),
            "end a move",
        )
        self._seams.handled(error, "recorded as the server's fault, which is where it was")


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, CellrigError) else f"{type(error).__name__}: {error}"
