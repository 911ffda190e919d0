"""Cold migrations and resizes between cells, of which only the super-conductor sees both.

It asks the hosts step by step. After each step it looks at the server's record again, and what that
says is the next step: so it goes on in the same way after a failure, after its own death, and when
a cell that was down is back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from cellrig.conductor.cross_cell_ends import CrossCellEnds
from cellrig.conductor.crossings import Crossings, Place, Seen, is_up
from cellrig.conductor.moving import MoveInterrupted, MoveTools
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import CellrigError, Conflict, MaxRetriesExceeded, NotFound
from cellrig.image import ImageClient
from cellrig.model import (
    Instance,
    Migration,
    MigrationChanges,
    MigrationStatus,
    Move,
    TaskState,
)
from cellrig.placement.client import PlacementClient
from cellrig.placement.types import AllocationsWrite
from cellrig.runtime import Lock

_ARRIVING = (TaskState.RESIZE_MIGRATED, TaskState.RESIZE_FINISH)


class CrossCellMoves:
    """Moves servers between cells.

    Args:
        tools: of the super-conductor.
        placement: to claim alternates with.
        images: by which disks travel.
        allowed: whether such a move may begin; one that has begun comes to its end in any case.
        confirm_window: seconds after which a move is confirmed by itself; 0: never.
    """

    def __init__(
        self,
        tools: MoveTools,
        placement: PlacementClient,
        images: ImageClient,
        allowed: bool,
        confirm_window: int,
    ) -> None:
        self.allowed = allowed
        self._tools = tools
        self._placement = placement
        self._crossings = Crossings(tools)
        self._ends = CrossCellEnds(tools, images, confirm_window)
        self._locks: dict[str, tuple[Lock, int]] = {}

    # -- the beginning ---------------------------------------------------------------------------

    def send(
        self, context: RequestContext, cell: CellDatabase, migration: Migration, move: Move
    ) -> None:
        """Send a server to the first of the hosts of another cell that takes it.

        Raises:
            MaxRetriesExceeded: none does; nothing has been changed but what is claimed.
        """
        insist, uuid = self._tools.seams.insist, move.instance_uuid
        chosen = self._agreed(context, cell, move)
        selection = chosen.selection
        noted = MigrationChanges(
            status=MigrationStatus.PRE_MIGRATING,
            dest_compute=selection.host,
            dest_node=selection.node,
            dest_zone=selection.availability_zone,
            cross_cell=True,
        )
        unsent = (MigrationStatus.ACCEPTED, MigrationStatus.PRE_MIGRATING)
        with self._lock(uuid):
            insist(
                lambda: cell.migrations.update(migration.uuid, noted, unsent), "note a destination"
            )
            source = self._tools.compute(migration.source_compute)
            reason: Exception | None = None
            try:
                insist(lambda: source.leave_cell(context, chosen), "let a server leave its cell")
            except CellrigError as error:
                self._tools.seams.handled(error, "the record tells how far the source has come")
                reason = error
            self._go_on(context, uuid, reason)
            if move.spec.image is not None and not move.spec.boots_from_volume:
                self._ends.forget_image_in_vain(cell, migration)

    def _agreed(self, context: RequestContext, cell: CellDatabase, move: Move) -> Move:
        """Return the move to the first host that takes the server, claimed there."""
        tools, failures = self._tools, dict[str, str]()
        for number, selection in enumerate((move.selection, *move.alternates)):
            attempt = replace(move, selection=selection, alternates=(), failures=failures)
            try:
                if number:
                    self._claim(attempt)
                self._ends.clean_up_before(context, cell, move.instance_uuid, selection.host)
                tools.compute(selection.host).prep_arrival(context, attempt)
            except Exception as error:  # noqa: BLE001 - whatever it was, the host is not the one
                tools.seams.handled(error, "the next alternate is tried")
                failures = {**failures, selection.host: str(error)}
                tools.seams.insist(
                    lambda: tools.ownership.drop(move.instance_uuid), "give back a destination"
                )
            else:
                return attempt
        raise MaxRetriesExceeded(
            f"server {move.instance_uuid} could not be moved to any host that was chosen for it",
            failures,
        )

    def _claim(self, move: Move) -> None:
        write = AllocationsWrite(
            allocations=move.selection.allocations,
            project_id=move.spec.project_id,
            user_id=move.spec.user_id,
            consumer_generation=None,
            mappings=move.selection.mappings,
        )
        self._placement.put_allocations(move.instance_uuid, write)

    # -- step by step ----------------------------------------------------------------------------

    def go_on(self, context: RequestContext, instance_uuid: str) -> None:
        """Take the steps that a server's record asks for; see `SuperConductorService`."""
        with self._lock(instance_uuid):
            self._go_on(context, instance_uuid, None)

    def _go_on(self, context: RequestContext, instance_uuid: str, reason: Exception | None) -> None:
        """Go on until there is nothing to do, or somebody else's turn.

        Args:
            context, instance_uuid: under which, with which server.
            reason: why the step before has failed; None where it has not, or died.
        """
        why = reason
        before: object = None
        try:
            while (seen := self._look(instance_uuid)) is not None and seen.mark != before:
                before = seen.mark
                why = self._step(context, seen, why) or why
        except CellrigError as error:
            self._tools.seams.handled(error, "the next round goes on with the move")

    def _look(self, instance_uuid: str) -> Seen | None:
        """Return what is recorded now; None where the server is in no move between cells."""
        tools, insist = self._tools, self._tools.seams.insist
        cell = insist(lambda: tools.cells.of_instance(instance_uuid), "find a server")
        if cell is None:
            return None
        moves = insist(lambda: cell.migrations.of_instance(instance_uuid), "see its moves")
        for migration in moves:
            if migration.cross_cell and not migration.status.is_over:
                instance = insist(lambda: cell.instances.get(instance_uuid), "see a server")
                mappings = tools.api.mappings
                home = insist(lambda: mappings.cell_of_host(migration.source_compute), "see a cell")  # noqa: B023
                away = insist(
                    lambda: mappings.cell_of_host(str(migration.dest_compute)),  # noqa: B023
                    "see a cell",
                )
                return Seen(cell, instance, migration, home, away)
        return None

    def _step(
        self, context: RequestContext, seen: Seen, reason: Exception | None
    ) -> Exception | None:
        """Take one step; return why it has failed, where the server is to be told."""
        instance = seen.instance
        crosses = instance.task_state == TaskState.RESIZE_MIGRATED and seen.at_home
        if instance.hidden or (instance.leaving and not crosses):
            self._crossings.settle(seen.cell, instance)
        elif instance.deleted:
            self._ends.end_deleted(context, seen)
        elif instance.task_state == TaskState.DELETING:
            pass  # its host is at it
        elif seen.at_home:
            self._step_at_home(context, seen, reason)
        else:
            return self._step_away(context, seen, reason)
        return None

    def _step_at_home(self, context: RequestContext, seen: Seen, reason: Exception | None) -> None:
        status = seen.migration.status
        has_left = seen.instance.task_state == TaskState.RESIZE_MIGRATED
        if status == MigrationStatus.PRE_MIGRATING:
            error = reason or MoveInterrupted("the super-conductor")
            self._tools.withdrawal(seen.cell).withdraw(seen.migration, error)
        elif status == MigrationStatus.POST_MIGRATING and has_left:
            self._carry_away(context, seen)

    def _carry_away(self, context: RequestContext, seen: Seen) -> None:
        migration, tools = seen.migration, self._tools
        place = Place(
            seen.away,
            str(migration.dest_compute),
            str(migration.dest_node),
            migration.dest_zone,
        )
        try:
            spec = tools.api.requests.spec_get(seen.instance.uuid)
            group = tools.group(spec)
            self._crossings.carry(seen.cell, seen.instance, migration, place, group)
        except (Conflict, NotFound) as error:
            tools.seams.handled(error, "the user deletes the server")
        except CellrigError as error:
            tools.seams.handled(error, "the server is brought back to its source")
            self._stay_at_home(context, seen, error)

    def _stay_at_home(self, context: RequestContext, seen: Seen, error: CellrigError) -> None:
        """Let the source bring a server back whose record could not leave.

        Where the mapping has been changed all the same, it has left: then the move goes on.
        """
        tools, migration = self._tools, seen.migration
        cell = tools.seams.insist(
            lambda: tools.cells.of_instance(seen.instance.uuid), "see where a server is"
        )
        if cell is None or cell.name != seen.cell.name:
            return
        tools.seams.insist(lambda: tools.ownership.give_back(migration), "give resources back")
        reverting = MigrationChanges(status=MigrationStatus.REVERTING)
        allowed = (MigrationStatus.POST_MIGRATING, MigrationStatus.REVERTING)
        tools.seams.insist(
            lambda: seen.cell.migrations.update(migration.uuid, reverting, allowed),
            "bring a server back",
        )
        self._bring_up_at_home(context, seen, str(error))

    def _step_away(
        self, context: RequestContext, seen: Seen, reason: Exception | None
    ) -> Exception | None:
        status, instance = seen.migration.status, seen.instance
        if status == MigrationStatus.POST_MIGRATING:
            if instance.task_state in _ARRIVING:
                return self._arrive(context, seen)
        elif status == MigrationStatus.CONFIRMING:
            self._ends.confirm(context, seen)
        elif status == MigrationStatus.FINISHED:
            self._ends.confirm_overdue(seen)
        elif status == MigrationStatus.REVERTING:
            self._bring_home(context, seen, reason)
        return None

    def _arrive(self, context: RequestContext, seen: Seen) -> Exception | None:
        migration, tools = seen.migration, self._tools
        host = str(migration.dest_compute)
        if not is_up(self._tools, seen.away, host):
            return None
        compute, uuid = tools.compute(host), seen.instance.uuid
        told = tools.seams.insist(
            lambda: compute.arrive_from_cell(context, uuid, migration.uuid), "bring a guest up"
        )
        self._ends.forget_image(seen)
        return None if told is None else CellrigError(told)

    def _bring_home(self, context: RequestContext, seen: Seen, reason: Exception | None) -> None:
        migration, tools, uuid = seen.migration, self._tools, seen.instance.uuid
        if seen.instance.host is not None:
            host = str(migration.dest_compute)
            if is_up(self._tools, seen.away, host):
                compute = tools.compute(host)
                tools.seams.insist(
                    lambda: compute.leave_cell_again(context, uuid, migration.uuid),
                    "let a server go back",
                )
            return
        place = Place(
            seen.home, migration.source_compute, migration.source_node, migration.source_zone
        )
        try:
            self._crossings.carry(seen.cell, seen.instance, migration, place, None)
        except (Conflict, NotFound) as error:
            tools.seams.handled(error, "the user deletes the server")
            return
        told = None
        if all(status != MigrationStatus.FINISHED for status, _time in migration.history):
            told = str(reason or MoveInterrupted("the super-conductor"))
        self._bring_up_at_home(context, seen, told)

    def _bring_up_at_home(self, context: RequestContext, seen: Seen, reason: str | None) -> None:
        source = self._tools.compute(seen.migration.source_compute)
        uuid, migration_uuid = seen.instance.uuid, seen.migration.uuid
        self._tools.seams.insist(
            lambda: source.finish_revert_resize(context, uuid, migration_uuid, reason),
            "tell a source",
        )

    def end_deleted(self, context: RequestContext, instance_uuid: str) -> None:
        """Let nothing be left of the move of a server whose host deletes it."""
        with self._lock(instance_uuid):
            try:
                seen = self._look(instance_uuid)
                if seen is not None and _is_deleted(seen.instance):
                    self._ends.end_deleted(context, seen)
            except CellrigError as error:
                self._tools.seams.handled(error, "the next round ends the move")

    # -- again and again -------------------------------------------------------------------------

    def sweep(
        self, new_context: Callable[[], RequestContext], under_way: dict[str, list[Migration]]
    ) -> None:
        """Go on with every move that waits for something, and leave nothing of those that are over.

        Args:
            new_context: makes the contexts under which.
            under_way: cell name to its moves, of the cells that have told them.
        """
        tools = self._tools
        crossing: dict[str, list[str]] = {}
        for cell, migrations in under_way.items():
            for migration in migrations:
                if migration.cross_cell:
                    crossing.setdefault(migration.instance_uuid, []).append(cell)
        for uuid, cells in crossing.items():
            if uuid in tools.in_hand or uuid in self._locks:
                continue
            with self._lock(uuid):
                try:
                    self._tidy(uuid, cells)
                except CellrigError as error:
                    tools.seams.handled(error, "the next round removes half a crossing")
                self._go_on(new_context(), uuid, None)
        for cell in under_way:
            self._clean_up(new_context, tools.cells.databases[cell])
        if len(under_way) == len(tools.cells.with_hosts()):
            self._ends.forget_images(under_way)

    def _clean_up(self, new_context: Callable[[], RequestContext], cell: CellDatabase) -> None:
        tools = self._tools
        for migration in cell.migrations.left_between_cells():
            uuid = migration.instance_uuid
            if uuid in tools.in_hand or uuid in self._locks:
                continue
            with self._lock(uuid):
                try:
                    self._ends.clean_up(new_context(), cell, migration.uuid)
                except CellrigError as error:
                    tools.seams.handled(error, "the next round cleans up")

    def _tidy(self, instance_uuid: str, cells: list[str]) -> None:
        """Remove a server's record from those of `cells` that do not have it, by its mapping."""
        known = self._tools.cells.of_instance(instance_uuid)
        for cell in cells:
            if known is not None and cell != known.name:
                self._crossings.tidy(instance_uuid, self._tools.cells.databases[cell])

    @contextmanager
    def _lock(self, instance_uuid: str) -> Iterator[None]:
        """Let one task at a time take the steps of a server's move."""
        fresh = self._tools.runtime.lock(f"move {instance_uuid} between cells")
        lock, users = self._locks.get(instance_uuid) or (fresh, 0)
        self._locks[instance_uuid] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            _lock, users = self._locks[instance_uuid]
            if users == 1:
                del self._locks[instance_uuid]
            else:
                self._locks[instance_uuid] = (lock, users - 1)


def _is_deleted(instance: Instance) -> bool:
    return instance.deleted or instance.task_state == TaskState.DELETING
