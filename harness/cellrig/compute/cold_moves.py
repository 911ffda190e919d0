"""Cold migrations and resizes, on their source.

The source shuts the guest down, tells the destination, and keeps all of it until the user confirms.
What fails before that is brought back here, and so is what the user reverts: one way back.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from cellrig.compute.arrivals import Arrivals
from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost, explain
from cellrig.compute.leftovers import Leftovers
from cellrig.context import RequestContext
from cellrig.driver.errors import GuestNotFound
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.model import (
    Instance,
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    Move,
    MovingServer,
    PowerState,
    Step,
    TaskState,
    VmState,
)
from cellrig.moves import Ownership

#: Seconds that a guest gets to shut itself down before it is moved (the field's default).
SHUTDOWN_TIMEOUT = 60

_RESIZE = "compute_resize_instance"
_TAKEN = (MigrationStatus.PRE_MIGRATING, MigrationStatus.MIGRATING)


class MoveFailed(CellrigError):
    """A move failed on another host. Args: the host, what it said."""

    template = "the move failed on host {0}: {1}"


class ColdMoves:
    """Moves servers away from one host, and brings back those that return.

    Args:
        host: which.
        arrivals: brings guests up here with their volumes and devices.
        ownership: of resources.
        leftovers: of servers that have left the host.
    """

    def __init__(
        self, host: ComputeHost, arrivals: Arrivals, ownership: Ownership, leftovers: Leftovers
    ) -> None:
        self._host = host
        self._leftovers = leftovers
        self._arrivals = arrivals
        self._ownership = ownership

    def resize_instance(self, context: RequestContext, move: Move) -> None:
        """At the source: shut the guest down, send its disks, tell the destination."""
        host = self._host
        with host.lock(move.instance_uuid):
            taken_up = Step(
                instance_uuid=move.instance_uuid,
                instance=InstanceChanges(task_state=TaskState.RESIZE_MIGRATING),
                tasks=(TaskState.RESIZE_PREP, TaskState.RESIZE_MIGRATING),
                migration_uuid=move.migration_uuid,
                migration=MigrationChanges(status=MigrationStatus.MIGRATING),
                statuses=_TAKEN,
                event=host.beginning(context, _RESIZE),
            )
            try:
                moving = host.take_step(taken_up, "take a move up")
            except (Conflict, NotFound) as error:
                host.seams.handled(error, "the move has been taken back, or is under way")
                return
            except CellrigError as error:
                host.seams.handled(error, "the move is left to the periodic work")
                return
            try:
                with host.begun_event(context, move.instance_uuid, _RESIZE):
                    self._leave(context, move, moving)
            except (Conflict, NotFound) as error:
                host.seams.handled(error, "the user deletes the server")
            except Exception as error:  # noqa: BLE001 - the server is brought back
                self.bring_back_here(context, moving.migration, error)

    def _leave(self, context: RequestContext, move: Move, moving: MovingServer) -> None:
        host, selection = self._host, move.selection
        instance, migration, mappings = moving.instance, moving.migration, moving.mappings
        if host.name in moving.left_at:
            self._leftovers.clean_up_before(instance.uuid)
        resized = replace(instance, node=selection.node, flavor=migration.new_flavor)
        with self._arrivals.section(context, mappings):
            data = host.driver.migrate_disk_and_power_off(
                guest_of(instance),
                guest_of(resized),
                selection.host,
                disks_of(mappings),
                SHUTDOWN_TIMEOUT,
            )
            self._arrivals.let_go(context, instance, mappings)
        left = Step(
            instance_uuid=instance.uuid,
            instance=InstanceChanges(
                host=selection.host,
                node=selection.node,
                availability_zone=selection.availability_zone,
                task_state=TaskState.RESIZE_MIGRATED,
                power_state=PowerState.SHUTDOWN,
            ),
            tasks=(TaskState.RESIZE_MIGRATING, TaskState.RESIZE_MIGRATED),
            migration_uuid=migration.uuid,
            migration=MigrationChanges(
                status=MigrationStatus.POST_MIGRATING, data=msgspec.to_builtins(data)
            ),
        )
        host.note_step(left, "let a server go")
        destination = host.compute(selection.host)
        host.seams.insist(
            lambda: destination.finish_resize(context, instance.uuid, migration.uuid),
            "tell a destination",
        )

    def confirm_resize(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the source: erase what was kept, and let the migration hold nothing any more.

        Whatever the hypervisor says, the server has moved, and its resources here are free.
        """
        host = self._host
        with host.lock(instance_uuid):
            try:
                migration = see_move(host, migration_uuid)
                if migration.status != MigrationStatus.CONFIRMING:
                    return
                with host.event(context, instance_uuid, "compute_confirm_resize"):
                    self.confirm(migration)
            except Exception as error:  # noqa: BLE001 - told, and tried again
                host.seams.handled(error, "the periodic work confirms the move")

    def confirm(self, migration: Migration) -> None:
        """Do what `confirm_resize` does; twice is harmless."""
        host, insist = self._host, self._host.seams.insist
        instance = insist(
            lambda: host.instances.get(migration.instance_uuid), "see what became of the server"
        )
        self._leftovers.erase(instance, migration)
        stopped = instance.power_state == PowerState.SHUTDOWN
        changes = InstanceChanges(
            vm_state=VmState.STOPPED if stopped else VmState.ACTIVE, task_state=None
        )
        try:
            insist(
                lambda: host.instances.update(
                    instance.uuid, changes, (TaskState.RESIZE_CONFIRMING, None), (VmState.RESIZED,)
                ),
                "confirm a move",
            )
        except (Conflict, NotFound) as error:
            host.seams.handled(error, "the server is being deleted, or it is confirmed already")
        confirmed = MigrationChanges(status=MigrationStatus.CONFIRMED)
        insist(lambda: host.migrations.update(migration.uuid, confirmed), "confirm a move")

    def bring_back_here(
        self, context: RequestContext, migration: Migration, error: Exception
    ) -> None:
        """At the source: bring a server back that has not left, or not quite; twice is harmless."""
        host, insist = self._host, self._host.seams.insist
        try:
            # First the record: who finds the move without it goes on to the destination.
            insist(
                lambda: host.migrations.update(
                    migration.uuid, MigrationChanges(status=MigrationStatus.REVERTING)
                ),
                "bring a server back",
            )
            insist(lambda: self._ownership.give_back(migration), "give resources back")
            self._arrivals.finish_letting_go(context, migration.instance_uuid)
            self.restore(context, migration, explain(error))
        except CellrigError as lost:
            host.seams.handled(lost, "the periodic work brings the server back")
        host.seams.handled(error, "the server is brought back")

    def finish_revert_resize(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str, reason: str | None
    ) -> None:
        """At the source: bring the guest back as it was."""
        host = self._host
        with host.lock(instance_uuid):
            try:
                migration = see_move(host, migration_uuid)
                instance = see_server(host, instance_uuid)
                if instance.host != host.name or migration.status != MigrationStatus.REVERTING:
                    return
                with host.event(context, instance_uuid, "compute_finish_revert_resize"):
                    self.restore(context, migration, reason)
            except Exception as error:  # noqa: BLE001 - told, and tried again
                host.seams.handled(error, "the periodic work brings the server back")

    def restore(self, context: RequestContext, migration: Migration, reason: str | None) -> None:
        """Let a server run at its source again, as it was; twice is harmless.

        Where even that fails it is in ERROR, on this host, holding what it held, and what has been
        kept of it stays for the periodic work to bring back.
        """
        host = self._host
        uuid = migration.instance_uuid
        instance = host.seams.insist(
            lambda: host.instances.get(uuid), "see what became of the server"
        )
        if instance.deleted or instance.task_state == TaskState.DELETING:
            return
        flavor = migration.old_flavor
        back = replace(
            instance,
            host=host.name,
            node=migration.source_node,
            flavor=flavor,
            flavor_id=flavor.id,
        )
        power_on = migration.old_vm_state != VmState.STOPPED

        def define(arrival: Arrivals.Arrival) -> None:
            host.driver.finish_revert_migration(
                guest_of(back), arrival.disks, arrival.devices, power_on=power_on
            )
            if migration.cross_cell and power_on:
                host.driver.power_on(guest_of(back))  # it was off before it was kept

        state: VmState = migration.old_vm_state
        failure: Exception | None = None if reason is None else MoveFailed(host.name, reason)
        try:
            host.undo(
                lambda: self._arrivals.bring_up(
                    context, back, host.block_devices.of_instance(uuid), define
                ),
                "bring a guest back",
            )
            power = host.undo(lambda: host.driver.get_guest(uuid).power_state, "see how a guest is")
        except Exception as error:  # noqa: BLE001 - the server is in ERROR, with the reason
            state, power, failure = VmState.ERROR, PowerState.NOSTATE, error
            if not isinstance(error, GuestNotFound):
                self._leftovers.note(migration)
        self._end_restore(migration, state, power, failure, reason)

    def _end_restore(
        self,
        migration: Migration,
        state: VmState,
        power: PowerState,
        failure: Exception | None,
        reason: str | None,
    ) -> None:
        host, insist = self._host, self._host.seams.insist
        flavor = migration.old_flavor
        changes = InstanceChanges(
            host=host.name,
            node=migration.source_node,
            availability_zone=migration.source_zone,
            flavor=flavor,
            flavor_id=flavor.id,
            vm_state=state,
            task_state=None,
            power_state=power,
        )
        tasks = (
            TaskState.RESIZE_PREP,
            TaskState.RESIZE_MIGRATING,
            TaskState.RESIZE_MIGRATED,
            TaskState.RESIZE_REVERTING,
            None,
        )
        if failure is None:
            try:
                insist(
                    lambda: host.instances.update(migration.instance_uuid, changes, tasks),
                    "bring a server back",
                )
            except (Conflict, NotFound) as error:
                host.seams.handled(error, "the user deletes the server")
        else:
            host.fail(
                migration.instance_uuid, failure, changes, "the server is at its source", tasks
            )
        reverted = reason is None and state != VmState.ERROR
        status = MigrationStatus.REVERTED if reverted else MigrationStatus.ERROR
        over = MigrationChanges(status=status, left_at=UNSET if state == VmState.ERROR else None)
        insist(lambda: host.migrations.update(migration.uuid, over), "end a move")


def see_move(host: ComputeHost, migration_uuid: str) -> Migration:
    """Return what a move's record says now, asked for until it is told."""
    return host.seams.insist(lambda: host.migrations.get(migration_uuid), "see a move")


def see_server(host: ComputeHost, instance_uuid: str) -> Instance:
    """Return what a server's record says now, asked for until it is told."""
    return host.seams.insist(
        lambda: host.instances.get(instance_uuid), "see what became of the server"
    )
