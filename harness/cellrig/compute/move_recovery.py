"""Bringing moves to an end whose services died, or whose messages were lost."""

from __future__ import annotations

from typing import Protocol

from cellrig.compute.cold_arrivals import ColdArrivals
from cellrig.compute.cold_moves import ColdMoves
from cellrig.compute.evacuations import Evacuations
from cellrig.compute.host import ComputeHost, has_guest
from cellrig.compute.leftovers import Leftovers
from cellrig.compute.live_arrivals import LiveArrivals
from cellrig.compute.live_moves import LiveMoves
from cellrig.context import RequestContext
from cellrig.errors import CellrigError
from cellrig.model import (
    Instance,
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    MigrationType,
    Step,
    TaskState,
    VmState,
)
from cellrig.moves import Withdrawal
from cellrig.moves.withdrawal import UNTOUCHED

_COLD = (MigrationType.MIGRATION, MigrationType.RESIZE)
#: Tasks of servers that their source has begun to send, and no destination to bring up.
_NOT_ARRIVED = (TaskState.RESIZE_MIGRATING, TaskState.RESIZE_MIGRATED)


class MoveInterrupted(CellrigError):
    """A service died while a server moved. Args: the host whose service that was, the server."""

    template = "the compute service of host {0} was interrupted while server {1} moved"


class Movers(Protocol):
    """What moves servers from and to one host."""

    cold_moves: ColdMoves
    cold_arrivals: ColdArrivals
    live_moves: LiveMoves
    live_arrivals: LiveArrivals
    evacuations: Evacuations


class MoveRecovery:
    """Looks after the moves from and to one host.

    What a move's record and its server's task say is enough to go on from. A move that has reached
    its destination goes forward, one that has not is taken back.

    Args:
        host: which.
        parts: what moves servers from and to it.
        leftovers: of servers that have left it.
        withdrawal: takes moves back that have not touched their servers.
    """

    def __init__(
        self,
        host: ComputeHost,
        parts: Movers,
        leftovers: Leftovers,
        withdrawal: Withdrawal,
    ) -> None:
        self._host = host
        self._cold_moves = parts.cold_moves
        self._cold_arrivals = parts.cold_arrivals
        self._live_moves = parts.live_moves
        self._live_arrivals = parts.live_arrivals
        self._evacuations = parts.evacuations
        self._leftovers = leftovers
        self._withdrawal = withdrawal

    def recover(self, context: RequestContext, age: float) -> None:
        """Look at every move that nobody has been working on for `age` seconds."""
        host = self._host
        limit = host.runtime.now() - age
        for migration in host.migrations.under_way(host.name):
            if migration.updated_at <= limit and not host.is_locked(migration.instance_uuid):
                self._recover_one(context, migration, limit)

    def clean_up(self, context: RequestContext, age: float) -> None:
        """Clean up after moves that are over, `age` seconds after the hypervisor has failed to."""
        host = self._host
        limit = host.runtime.now() - age
        for migration in host.migrations.left_at(host.name):
            if migration.updated_at <= limit and not host.is_locked(migration.instance_uuid):
                self._clean_up_one(context, migration)

    def _clean_up_one(self, context: RequestContext, found: Migration) -> None:
        host = self._host
        with host.lock(found.instance_uuid):
            try:
                migration = host.migrations.get(found.uuid)
                if migration.left_at != host.name or not migration.status.is_over:
                    return
                instance = host.instances.get(found.instance_uuid)
                if self._is_to_come_back(instance, migration):
                    error = MoveInterrupted(host.name, instance.uuid)
                    reason = None if _was_finished(migration) else str(error)
                    self._cold_moves.restore(context, migration, reason)
                else:
                    self._leftovers.clean_up(instance, migration)
            except Exception as error:  # noqa: BLE001 - a driver may raise anything
                host.seams.handled(error, "the next round cleans up")

    def _is_to_come_back(self, instance: Instance, migration: Migration) -> bool:
        """Whether a server is in ERROR here because its guest could not be brought back."""
        host = self._host
        has_failed = migration.type in _COLD and migration.status == MigrationStatus.ERROR
        is_idle = instance.task_state is None and not instance.deleted
        return (
            has_failed
            and is_idle
            and instance.host == host.name
            and not has_guest(host, instance.uuid)
        )

    def _recover_one(self, context: RequestContext, found: Migration, limit: float) -> None:
        host = self._host
        with host.lock(found.instance_uuid):
            try:
                migration = host.migrations.get(found.uuid)
                instance = host.instances.get(found.instance_uuid)
                unchanged = migration.status == found.status
                being_deleted = instance.task_state == TaskState.DELETING
                if not unchanged or instance.deleted or being_deleted:
                    return
                if migration.type in _COLD:
                    self._recover_cold(context, migration, instance, limit)
                elif migration.type == MigrationType.LIVE_MIGRATION:
                    self._recover_live(context, migration, instance)
                else:
                    self._recover_evacuation(context, migration)
            except CellrigError as error:
                host.seams.handled(error, "the next round sees the move again")

    def _recover_cold(
        self, context: RequestContext, migration: Migration, instance: Instance, limit: float
    ) -> None:
        status, me = migration.status, self._host.name
        error = MoveInterrupted(me, instance.uuid)
        if status in UNTOUCHED:
            self._withdrawal.withdraw(migration, error, host=me)
        elif status == MigrationStatus.MIGRATING:
            if migration.source_compute == me:
                self._cold_moves.bring_back_here(context, migration, error)
        elif status == MigrationStatus.POST_MIGRATING:
            self._recover_arriving(context, migration, instance, error)
        elif status == MigrationStatus.CONFIRMING:
            if migration.source_compute == me:
                self._cold_moves.confirm(migration)
        elif status == MigrationStatus.REVERTING:
            self._recover_reverting(context, migration, instance, error)
        elif status == MigrationStatus.FINISHED and instance.host == me:
            self._end_unbegun(instance, error, limit)

    def _end_unbegun(self, instance: Instance, error: MoveInterrupted, limit: float) -> None:
        """Let a user ask again who was to confirm or revert, and died, or was told wrongly."""
        if instance.task_state is not None and instance.updated_at <= limit:
            self._host.fail(
                instance.uuid,
                error,
                InstanceChanges(task_state=None),
                "the move still waits for its user",
                (instance.task_state, None),
            )

    def _recover_arriving(
        self,
        context: RequestContext,
        migration: Migration,
        instance: Instance,
        error: MoveInterrupted,
    ) -> None:
        host, task = self._host, instance.task_state
        is_source = migration.source_compute == host.name
        is_destination = migration.dest_compute == host.name
        if task == TaskState.RESIZE_MIGRATING and is_source:
            self._cold_moves.bring_back_here(context, migration, error)
        elif task == TaskState.RESIZE_MIGRATED:
            if migration.cross_cell:
                return  # it is the super-conductor's
            destination = host.compute(str(migration.dest_compute))
            destination.finish_resize(context, instance.uuid, migration.uuid)
        elif task == TaskState.RESIZE_FINISH and is_destination:
            self._cold_arrivals.leave_again(context, migration, str(error))
        elif instance.vm_state == VmState.RESIZED and is_destination:
            finished = MigrationChanges(status=MigrationStatus.FINISHED)
            host.migrations.update(migration.uuid, finished)

    def _recover_reverting(
        self,
        context: RequestContext,
        migration: Migration,
        instance: Instance,
        error: MoveInterrupted,
    ) -> None:
        host = self._host
        is_source = migration.source_compute == host.name
        reason = None if _was_finished(migration) else str(error)
        if instance.task_state == TaskState.RESIZE_PREP:
            if is_source:
                self._withdrawal.finish(migration, error, host=host.name)
        elif instance.task_state is None and instance.vm_state != VmState.RESIZED:
            status = MigrationStatus.ERROR if reason else MigrationStatus.REVERTED
            host.migrations.update(migration.uuid, MigrationChanges(status=status))
        elif instance.host is None:
            return  # the super-conductor has it, on its way to its source's cell
        elif instance.task_state in _NOT_ARRIVED:
            if is_source:
                self._cold_moves.bring_back_here(context, migration, error)
        elif not _has_left(instance, migration):
            if migration.dest_compute == host.name:
                self._cold_arrivals.leave_again(context, migration, reason)
        elif is_source:
            self._cold_moves.restore(context, migration, reason)
        elif not migration.cross_cell:
            source = host.compute(migration.source_compute)
            source.finish_revert_resize(context, instance.uuid, migration.uuid, reason)

    def _recover_live(
        self, context: RequestContext, migration: Migration, instance: Instance
    ) -> None:
        """Go on with a live migration; where the guest is tells which way."""
        host, status = self._host, migration.status
        is_source = migration.source_compute == host.name
        error = MoveInterrupted(host.name, instance.uuid)
        if status in (MigrationStatus.ACCEPTED, MigrationStatus.QUEUED):
            # Without a destination the super-conductor has it in hand, with claims of its own.
            if is_source and migration.dest_compute is not None:
                self._withdrawal.withdraw(migration, error, host=host.name)
        elif status in (MigrationStatus.PREPARING, MigrationStatus.RUNNING):
            if is_source:
                self._live_moves.go_on(context, migration, error)
        elif status == MigrationStatus.POST_MIGRATING:
            if is_source:
                self._live_moves.leave(context, migration)
            elif instance.host == host.name:
                seen = Step(instance_uuid=instance.uuid, migration_uuid=migration.uuid)
                self._live_arrivals.end(context, self._host.take_step(seen, "see a move"))
        elif status == MigrationStatus.REVERTING:
            if is_source and not _was_prepared(migration):
                self._withdrawal.finish(migration, error, host=host.name)
            elif is_source:
                self._live_moves.roll_back(context, migration, error)
            else:
                self._live_arrivals.take_back(context, migration, cancelled=False)

    def _recover_evacuation(self, context: RequestContext, migration: Migration) -> None:
        """Take back an evacuation to this host; of one from here the destination knows."""
        me = self._host.name
        if migration.dest_compute != me:
            return
        error = MoveInterrupted(me, migration.instance_uuid)
        if migration.status in UNTOUCHED:
            self._withdrawal.withdraw(migration, error, host=me)
        elif migration.status == MigrationStatus.REVERTING:
            self._withdrawal.finish(migration, error, host=me)
        elif migration.status == MigrationStatus.MIGRATING:
            self._evacuations.give_up(context, migration, error)


def _was_finished(migration: Migration) -> bool:
    """Whether a cold move had arrived before it was sent back: its user reverts it."""
    return any(status == MigrationStatus.FINISHED for status, _time in migration.history)


def _was_prepared(migration: Migration) -> bool:
    """Whether the destination of a live migration has, or may have, made anything."""
    return any(status == MigrationStatus.PREPARING for status, _time in migration.history)


def _has_left(instance: Instance, migration: Migration) -> bool:
    """Whether a server that is sent back is its source's again, by its record."""
    if migration.in_place:
        is_sent = instance.task_state == TaskState.RESIZE_REVERTING
        return is_sent and instance.flavor == migration.old_flavor
    return instance.host == migration.source_compute
