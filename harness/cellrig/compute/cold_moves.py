"""Cold migrations and resizes, on their source and on their destination.

The destination prepares and calls the source, which shuts the guest down and calls the
destination, which defines it anew; all of it is kept at the source until the user confirms. What
fails before that is brought back to the source, and so is what the user reverts: one way back.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from cellrig.compute.arrivals import Arrivals
from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost, explain
from cellrig.compute.leftovers import Leftovers
from cellrig.context import RequestContext
from cellrig.driver.errors import MigrationError
from cellrig.driver.values import MigrateData
from cellrig.errors import CellrigError, Conflict, GroupPolicyViolated, NotFound
from cellrig.model import (
    Instance,
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    Move,
    PowerState,
    TaskState,
    VmState,
)
from cellrig.moves import Ownership

#: Seconds that a guest gets to shut itself down before it is moved (the field's default).
SHUTDOWN_TIMEOUT = 60


#: What a move is before and after a step that may be made twice: its answer can be lost.
_HANDED_ON = (MigrationStatus.PRE_MIGRATING, MigrationStatus.ACCEPTED)
_TAKEN = (MigrationStatus.PRE_MIGRATING, MigrationStatus.MIGRATING)


class MoveFailed(CellrigError):
    """A move failed on another host. Args: the host, what it said."""

    template = "the move failed on host {0}: {1}"


class ColdMoves:
    """Moves servers from and to one host.

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

    # -- there -----------------------------------------------------------------------------------

    def prep_resize(self, context: RequestContext, move: Move) -> None:
        """At the destination: see whether the server may come, and tell its source."""
        host = self._host
        with host.lock(move.instance_uuid):
            try:
                migration = self._on_its_way(move)
                if migration is None:
                    return
                with host.event(context, move.instance_uuid, "compute_prep_resize"):
                    self._check(move, migration)
                    source = host.compute(migration.source_compute)
                    host.seams.insist(
                        lambda: source.resize_instance(context, move), "tell a source"
                    )
            except Exception as error:  # noqa: BLE001 - ends on another host, or where it began
                self._hand_on(context, move, error)

    def _on_its_way(self, move: Move) -> Migration | None:
        """Return the migration; None where the message is out of date."""
        host = self._host
        try:
            migration = host.migrations.arrive(move.migration_uuid, host.name, move.group)
        except (Conflict, NotFound) as error:
            host.seams.handled(error, "the message is out of date")
            return None
        instance = host.instances.get(move.instance_uuid)
        return migration if instance.task_state == TaskState.RESIZE_PREP else None

    def _check(self, move: Move, migration: Migration) -> None:
        name, group = self._host.name, move.group
        if migration.dest_node is None and group is not None:
            raise GroupPolicyViolated(move.instance_uuid, name, group.policy, group.uuid)
        capabilities = self._host.driver.capabilities
        if migration.in_place and not capabilities.resize_on_same_host:
            raise MigrationError(move.instance_uuid, f"host {name} cannot resize in place")
        if not capabilities.cold_migration:
            raise MigrationError(move.instance_uuid, f"the driver of host {name} cannot move it")

    def _hand_on(self, context: RequestContext, move: Move, error: Exception) -> None:
        """Give up what is claimed here, and let the cell's conductor try the next host."""
        host = self._host
        handed = MigrationChanges(status=MigrationStatus.ACCEPTED)
        failed = replace(move, failures={**move.failures, host.name: explain(error)})
        try:
            migration = host.seams.insist(
                lambda: host.migrations.update(move.migration_uuid, handed, _HANDED_ON),
                "hand a move on",
            )
            host.seams.insist(
                lambda: self._ownership.drop_destination(migration), "give back a destination"
            )
            host.seams.insist(
                lambda: host.conductor.migrate_server(context, failed), "hand a move on"
            )
        except (Conflict, NotFound) as taken:
            host.seams.handled(taken, "the source has been told all the same")
        except CellrigError as lost:
            host.seams.handled(lost, "the move is left to the periodic work")
        host.seams.handled(error, "the cell's conductor tries the next host")

    def resize_instance(self, context: RequestContext, move: Move) -> None:
        """At the source: shut the guest down, send its disks, tell the destination."""
        host = self._host
        with host.lock(move.instance_uuid):
            try:
                taken = MigrationChanges(status=MigrationStatus.MIGRATING)
                migration = host.seams.insist(
                    lambda: host.migrations.update(move.migration_uuid, taken, _TAKEN),
                    "take a move up",
                )
            except (Conflict, NotFound) as error:
                host.seams.handled(error, "the move has been taken back, or is under way")
                return
            except CellrigError as error:
                host.seams.handled(error, "the move is left to the periodic work")
                return
            try:
                with host.event(context, move.instance_uuid, "compute_resize_instance"):
                    self._leave(context, move, migration)
            except (Conflict, NotFound) as error:
                host.seams.handled(error, "the user deletes the server")
            except Exception as error:  # noqa: BLE001 - the server is brought back
                self.bring_back_here(context, migration, error)

    def _leave(self, context: RequestContext, move: Move, migration: Migration) -> None:
        host = self._host
        selection = move.selection
        leaving = InstanceChanges(task_state=TaskState.RESIZE_MIGRATING)
        instance = host.seams.insist(
            lambda: host.instances.update(
                move.instance_uuid,
                leaving,
                (TaskState.RESIZE_PREP, TaskState.RESIZE_MIGRATING),
            ),
            "begin to move a server",
        )
        mappings = host.block_devices.of_instance(instance.uuid)
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
        host.migrations.update(
            migration.uuid,
            MigrationChanges(status=MigrationStatus.POST_MIGRATING, data=msgspec.to_builtins(data)),
        )
        left = InstanceChanges(
            host=selection.host,
            node=selection.node,
            availability_zone=selection.availability_zone,
            task_state=TaskState.RESIZE_MIGRATED,
            power_state=PowerState.SHUTDOWN,
        )
        host.seams.insist(
            lambda: host.instances.update(
                instance.uuid, left, (TaskState.RESIZE_MIGRATING, TaskState.RESIZE_MIGRATED)
            ),
            "let a server go",
        )
        destination = host.compute(selection.host)
        host.seams.insist(
            lambda: destination.finish_resize(context, instance.uuid, migration.uuid),
            "tell a destination",
        )

    def finish_resize(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the destination: define the guest anew, with its new size."""
        host = self._host
        with host.lock(instance_uuid):
            finishing = InstanceChanges(task_state=TaskState.RESIZE_FINISH)
            tasks = (TaskState.RESIZE_MIGRATED, TaskState.RESIZE_FINISH)
            try:
                migration = self._see(migration_uuid)
                instance = host.seams.insist(
                    lambda: host.instances.update(
                        instance_uuid, finishing, tasks, expected_host=host.name
                    ),
                    "take a server in",
                )
            except CellrigError as error:
                host.seams.handled(error, "it is out of date, or the periodic work ends it")
                return
            try:
                with host.event(context, instance_uuid, "compute_finish_resize"):
                    self._arrive(context, instance, migration)
            except (Conflict, NotFound) as error:
                self._unless_deleted(context, migration, error)
            except Exception as error:  # noqa: BLE001 - the server is sent back
                self._send_back(context, migration, error)

    def _unless_deleted(
        self, context: RequestContext, migration: Migration, error: CellrigError
    ) -> None:
        host = self._host
        instance = host.seams.insist(
            lambda: host.instances.get(migration.instance_uuid), "see what became of the server"
        )
        if instance.deleted or instance.task_state == TaskState.DELETING:
            host.seams.handled(error, "the user deletes the server")
        else:
            self._send_back(context, migration, error)

    def _arrive(self, context: RequestContext, instance: Instance, migration: Migration) -> None:
        host = self._host
        flavor = migration.new_flavor
        arrived = replace(instance, flavor=flavor, flavor_id=flavor.id)
        power_on = migration.old_vm_state != VmState.STOPPED
        data = msgspec.convert(migration.data, MigrateData)

        def define(arrival: Arrivals.Arrival) -> None:
            host.driver.finish_migration(
                guest_of(arrived),
                arrival.image,
                data,
                arrival.disks,
                arrival.devices,
                power_on=power_on,
            )

        self._arrivals.bring_up(context, arrived, define)
        info = host.driver.get_guest(instance.uuid)
        there = InstanceChanges(
            vm_state=VmState.RESIZED,
            task_state=None,
            power_state=info.power_state,
            flavor=flavor,
            flavor_id=flavor.id,
            launched_at=host.runtime.now(),
        )
        host.seams.insist(
            lambda: host.instances.update(instance.uuid, there, (TaskState.RESIZE_FINISH, None)),
            "finish a move",
        )
        finished = MigrationChanges(status=MigrationStatus.FINISHED)
        host.seams.insist(lambda: host.migrations.update(migration.uuid, finished), "finish a move")

    # -- confirmed -------------------------------------------------------------------------------

    def confirm_resize(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the source: erase what was kept, and let the migration hold nothing any more.

        Whatever the hypervisor says, the server has moved, and its resources here are free.
        """
        host = self._host
        with host.lock(instance_uuid):
            try:
                migration = self._see(migration_uuid)
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

    def forget_moved(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the source: erase what was kept of a server that was deleted after it had left."""
        host = self._host
        with host.lock(instance_uuid):
            try:
                instance = self._see_server(instance_uuid)
                migration = self._see(migration_uuid)
                with host.event(context, instance_uuid, "compute_forget_moved"):
                    self._leftovers.erase(instance, migration)
            except CellrigError as error:
                host.seams.handled(error, "what was kept stays until the periodic work")

    # -- and back --------------------------------------------------------------------------------

    def revert_resize(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the destination: destroy the guest, give everything back, tell the source."""
        host = self._host
        with host.lock(instance_uuid):
            try:
                migration = self._see(migration_uuid)
                instance = self._see_server(instance_uuid)
                if instance.host != host.name or migration.status != MigrationStatus.REVERTING:
                    return
                with host.event(context, instance_uuid, "compute_revert_resize"):
                    self.leave_again(context, migration, None)
            except Exception as error:  # noqa: BLE001 - told, and tried again
                host.seams.handled(error, "the periodic work reverts the move")

    def _send_back(self, context: RequestContext, migration: Migration, error: Exception) -> None:
        try:
            self.leave_again(context, migration, explain(error))
        except CellrigError as lost:
            self._host.seams.handled(lost, "the periodic work sends the server back")
        self._host.seams.handled(error, "the server is brought back to its source")

    def leave_again(
        self, context: RequestContext, migration: Migration, reason: str | None
    ) -> None:
        """Send a server back to where it came from; twice is harmless.

        Args:
            context, migration: under which, and which.
            reason: why the move failed; None of one that the user reverts.
        """
        host, insist = self._host, self._host.seams.insist
        uuid = migration.instance_uuid
        instance = insist(lambda: host.instances.get(uuid), "see what became of the server")
        if instance.deleted or instance.task_state == TaskState.DELETING:
            return
        reverting = MigrationChanges(status=MigrationStatus.REVERTING)
        insist(lambda: host.migrations.update(migration.uuid, reverting), "send a server back")
        mappings = insist(lambda: host.block_devices.of_instance(uuid), "see its volumes")
        here = replace(instance, node=migration.dest_node)
        with self._arrivals.section(context, mappings):
            # It must be gone before its source has its volumes again: else two guests write.
            host.undo(
                lambda: host.driver.destroy(
                    guest_of(here), disks_of(mappings), destroy_disks=_own_disks(migration)
                ),
                "destroy a guest",
            )
            self._arrivals.let_go(context, instance, mappings)
        insist(lambda: self._ownership.give_back(migration), "give resources back")
        flavor = migration.old_flavor
        try:
            insist(
                lambda: host.instances.update(
                    uuid,
                    InstanceChanges(
                        host=migration.source_compute,
                        node=migration.source_node,
                        availability_zone=migration.source_zone,
                        task_state=TaskState.RESIZE_REVERTING,
                        power_state=PowerState.SHUTDOWN,
                        flavor=flavor,
                        flavor_id=flavor.id,
                    ),
                    (TaskState.RESIZE_FINISH, TaskState.RESIZE_REVERTING, None),
                ),
                "send a server back",
            )
        except (Conflict, NotFound) as error:
            host.seams.handled(error, "the user deletes the server")
            return
        source = host.compute(migration.source_compute)
        insist(
            lambda: source.finish_revert_resize(context, uuid, migration.uuid, reason),
            "tell a source",
        )

    def bring_back_here(
        self, context: RequestContext, migration: Migration, error: Exception
    ) -> None:
        """At the source: bring a server back that has not left, or not quite."""
        host, insist = self._host, self._host.seams.insist
        try:
            insist(lambda: self._ownership.give_back(migration), "give resources back")
            insist(
                lambda: host.migrations.update(
                    migration.uuid, MigrationChanges(status=MigrationStatus.REVERTING)
                ),
                "bring a server back",
            )
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
                migration = self._see(migration_uuid)
                instance = self._see_server(instance_uuid)
                if instance.host != host.name or migration.status != MigrationStatus.REVERTING:
                    return
                with host.event(context, instance_uuid, "compute_finish_revert_resize"):
                    self.restore(context, migration, reason)
            except Exception as error:  # noqa: BLE001 - told, and tried again
                host.seams.handled(error, "the periodic work brings the server back")

    def restore(self, context: RequestContext, migration: Migration, reason: str | None) -> None:
        """Let a server run at its source again, as it was; twice is harmless.

        Where even that fails it is in ERROR, on this host, holding what it held.
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

        state: VmState = migration.old_vm_state
        failure: Exception | None = None if reason is None else MoveFailed(host.name, reason)
        try:
            host.undo(lambda: self._arrivals.bring_up(context, back, define), "bring a guest back")
            power = host.undo(lambda: host.driver.get_guest(uuid).power_state, "see how a guest is")
        except Exception as error:  # noqa: BLE001 - the server is in ERROR, with the reason
            state, power, failure = VmState.ERROR, PowerState.NOSTATE, error
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
        insist(
            lambda: host.migrations.update(migration.uuid, MigrationChanges(status=status)),
            "end a move",
        )

    def _see(self, migration_uuid: str) -> Migration:
        host = self._host
        return host.seams.insist(lambda: host.migrations.get(migration_uuid), "see a move")

    def _see_server(self, instance_uuid: str) -> Instance:
        host = self._host
        return host.seams.insist(
            lambda: host.instances.get(instance_uuid), "see what became of the server"
        )


def _own_disks(migration: Migration) -> bool:
    """Whether the guest's disks at the destination are not those that its source has kept."""
    data = msgspec.convert(migration.data, MigrateData) if migration.data else None
    return data is None or migration.in_place or not data.shared_storage
