"""A cell conductor's part of a move: the next alternate, after a destination has failed."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from cellrig.compute.interface import ComputeService
from cellrig.conductor.moving import MoveInterrupted
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import CellrigError, Conflict, MaxRetriesExceeded, NotFound
from cellrig.model import (
    MigrationChanges,
    MigrationStatus,
    Move,
    TaskState,
    VmState,
)
from cellrig.moves import Ownership, Withdrawal
from cellrig.placement.client import PlacementClient
from cellrig.placement.types import AllocationsWrite
from cellrig.runtime import Runtime
from cellrig.seams import Seams


class CellMoves:
    """Hands failed moves on to their alternates.

    Args:
        cell: the cell's database.
        placement: to claim alternates with.
        compute: makes the client of a host's compute service.
        runtime, seams: of the rig.
    """

    def __init__(
        self,
        cell: CellDatabase,
        placement: PlacementClient,
        compute: Callable[[str], ComputeService],
        runtime: Runtime,
        seams: Seams,
    ) -> None:
        self._cell = cell
        self._placement = placement
        self._ownership = Ownership(placement, seams)
        self._compute = compute
        self._seams = seams
        self._withdrawal = Withdrawal(
            cell.instances, cell.migrations, self._ownership, runtime.now, seams
        )
        self._in_hand: set[str] = set()

    def migrate_server(self, context: RequestContext, move: Move) -> None:
        """Try the next alternate; see `CellConductorService.migrate_server`."""
        if move.migration_uuid in self._in_hand:
            return  # a second copy of the message
        self._in_hand.add(move.migration_uuid)
        try:
            if self._is_ours(move):
                self._go_on(context, move)
        finally:
            self._in_hand.discard(move.migration_uuid)

    def _is_ours(self, move: Move) -> bool:
        """Whether the move waits for its next host: it is not taken back, nor handed on already."""
        try:
            migration = self._seams.insist(
                lambda: self._cell.migrations.get(move.migration_uuid), "see what became of a move"
            )
        except CellrigError as error:
            self._seams.handled(error, "the move is left to the periodic work")
            return False
        accepted = migration.status == MigrationStatus.ACCEPTED
        return accepted and migration.dest_compute == move.selection.host

    def _go_on(self, context: RequestContext, move: Move) -> None:
        failures = dict(move.failures)
        alternates = list(move.alternates)
        while alternates:
            selection = alternates.pop(0)
            attempt = replace(
                move, selection=selection, alternates=tuple(alternates), failures=failures
            )
            try:
                self._send(context, attempt)
            except Exception as error:  # noqa: BLE001 - whatever it was, the host is not the one
                self._seams.handled(error, "the next alternate is tried")
                failures[selection.host] = str(error)
                try:
                    self._take_back(move)
                except (Conflict, NotFound) as over:
                    self._seams.handled(over, "the server is deleted, or the move is taken back")
                    self._drop_of_deleted(move)
                    return
                continue
            return
        self._exhausted(move, failures)

    def _drop_of_deleted(self, move: Move) -> None:
        """Drop what was claimed for a server after its deletion had ended the move."""
        uuid = move.instance_uuid
        instance = self._seams.insist(
            lambda: self._cell.instances.get(uuid), "see what became of the server"
        )
        if instance.deleted or instance.task_state == TaskState.DELETING:
            self._seams.insist(lambda: self._ownership.drop(uuid), "give back a destination")

    def _send(self, context: RequestContext, move: Move) -> None:
        selection = move.selection
        self._placement.put_allocations(
            move.instance_uuid,
            AllocationsWrite(
                allocations=selection.allocations,
                project_id=move.spec.project_id,
                user_id=move.spec.user_id,
                consumer_generation=None,
                mappings=selection.mappings,
            ),
        )
        self._cell.migrations.update(
            move.migration_uuid,
            MigrationChanges(
                status=MigrationStatus.PRE_MIGRATING,
                dest_compute=selection.host,
                dest_node=selection.node,
                dest_zone=selection.availability_zone,
            ),
            (MigrationStatus.ACCEPTED,),
        )
        self._compute(selection.host).prep_resize(context, move)

    def _take_back(self, move: Move) -> None:
        """Let the move be in this conductor's hands again, with nothing claimed."""
        migration = self._seams.insist(
            lambda: self._cell.migrations.update(
                move.migration_uuid,
                MigrationChanges(status=MigrationStatus.ACCEPTED),
                (MigrationStatus.PRE_MIGRATING, MigrationStatus.ACCEPTED),
            ),
            "take a move back",
        )
        self._seams.insist(
            lambda: self._ownership.drop_destination(migration), "give back a destination"
        )

    def _exhausted(self, move: Move, failures: dict[str, str]) -> None:
        error = MaxRetriesExceeded(
            f"server {move.instance_uuid} could not be moved to any host that was chosen for it",
            failures,
        )
        migration = self._seams.insist(
            lambda: self._cell.migrations.get(move.migration_uuid), "see what became of a move"
        )
        # Where nothing has gone wrong the server is what it was; else its user shall look at it.
        has_failed = failures.keys() - move.incapable
        self._withdrawal.withdraw(migration, error, vm_state=VmState.ERROR if has_failed else None)

    def sweep_lost_moves(self) -> None:
        """Take back the moves that a dead conductor had in its hands: nobody else would."""
        for migration in self._cell.migrations.under_way():
            accepted = migration.status == MigrationStatus.ACCEPTED
            is_lost = accepted and migration.dest_compute is not None
            if is_lost and migration.uuid not in self._in_hand:
                self._withdrawal.withdraw(migration, MoveInterrupted("the cell's conductor"))
