"""Moves that were asked for and that no super-conductor goes on with: they are taken back."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from cellrig.conductor.cross_cell_moves import CrossCellMoves
from cellrig.conductor.moving import MoveInterrupted, MoveTools
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.db.hosts import COMPUTE
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.model import (
    Instance,
    InstanceChanges,
    InstanceFault,
    Migration,
    MigrationStatus,
    TaskState,
)

#: Seconds after which a move in which nothing has happened is nobody's: longer than any step
#: insists.
ABANDONED_AFTER = 600.0

_TASKS = (
    TaskState.RESIZE_PREP,
    TaskState.MIGRATING,
    TaskState.REBUILDING,
    TaskState.UNSHELVING,
)


class LostMoves:
    """Takes back what nobody has handed on.

    A super-conductor has died with it, or who asked for it has died, or has been told by a lost
    answer that it was not asked for.

    Args:
        tools: of the super-conductor.
        cross_cell: goes on with moves between cells.
    """

    def __init__(self, tools: MoveTools, cross_cell: CrossCellMoves) -> None:
        self._tools = tools
        self._cross_cell = cross_cell

    def sweep(self, new_context: Callable[[], RequestContext], age: float) -> None:
        """Take back every move that has had no destination for `age` seconds.

        Moves between cells are gone on with.
        """
        under_way: dict[str, list[Migration]] = {}
        for cell in self._tools.cells.with_hosts().values():
            try:
                under_way[cell.name] = cell.migrations.under_way()
                self._sweep_cell(cell, under_way[cell.name], self._tools.runtime.now() - age)
            except CellrigError as error:
                self._tools.seams.handled(error, "the next round sees the cell again")
        try:
            self._cross_cell.sweep(new_context, under_way)
        except CellrigError as error:
            self._tools.seams.handled(error, "the next round goes on with moves between cells")

    def _sweep_cell(self, cell: CellDatabase, under_way: list[Migration], limit: float) -> None:
        for migration in under_way:
            if _is_undecided(migration) and migration.updated_at <= limit:
                self._take_back(cell, migration)
        moving = {migration.instance_uuid for migration in under_way}
        for instance in cell.instances.all_in_task(_TASKS):
            is_idle = instance.updated_at <= limit and instance.uuid not in moving
            if is_idle and self._is_unbegun(cell, instance):
                self._end(cell, instance)

    def _take_back(self, cell: CellDatabase, migration: Migration) -> None:
        if migration.instance_uuid in self._tools.in_hand:
            return
        error = MoveInterrupted("the super-conductor")
        withdrawal = self._tools.withdrawal(cell)
        if migration.status == MigrationStatus.REVERTING:
            withdrawal.finish(migration, error)
        else:
            withdrawal.withdraw(migration, error)

    def _is_unbegun(self, cell: CellDatabase, instance: Instance) -> bool:
        """Whether a server waits for a move of which there is no record.

        A rebuild is its host's business; an evacuation is from a host that is down.
        """
        if instance.uuid in self._tools.in_hand:
            return False
        if instance.task_state == TaskState.UNSHELVING:
            return instance.host is None
        if instance.task_state != TaskState.REBUILDING:
            return True
        service = cell.hosts.service_get(str(instance.host), COMPUTE)
        return not service.is_up(self._tools.runtime.now())

    def _end(self, cell: CellDatabase, instance: Instance) -> None:
        """Let a server be what it was, and tell why it has not moved."""
        tools, insist = self._tools, self._tools.seams.insist
        error = MoveInterrupted("the super-conductor")
        fault = InstanceFault(
            instance.uuid,
            500,
            str(error),
            "".join(traceback.format_exception(error)),
            None,
            tools.runtime.now(),
        )
        ended = InstanceChanges(task_state=None)
        try:
            insist(
                lambda: cell.instances.update(
                    instance.uuid,
                    ended,
                    (instance.task_state, None),
                    expected_host=instance.host,
                    fault=fault,
                ),
                "end a task",
            )
            if instance.host is None:
                insist(lambda: tools.ownership.drop(instance.uuid), "give back a claim")
        except (Conflict, NotFound) as taken:
            tools.seams.handled(taken, "somebody goes on with it, or the user deletes it")


def _is_undecided(migration: Migration) -> bool:
    undecided = (MigrationStatus.ACCEPTED, MigrationStatus.REVERTING)
    return migration.status in undecided and migration.dest_compute is None
