"""Cold migrations and resizes, on their destination.

The destination sees whether the server may come, and calls the source; when the source has let go
it defines the guest anew. Where that fails, or the user reverts it, it sends the server back.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from cellrig.compute.arrivals import Arrivals
from cellrig.compute.cold_moves import see_move, see_server
from cellrig.compute.cross_cell_images import spawn_from_image
from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost, explain
from cellrig.compute.leftovers import Leftovers
from cellrig.context import RequestContext
from cellrig.driver.errors import MigrationError
from cellrig.driver.values import MigrateData
from cellrig.errors import CellrigError, Conflict, GroupPolicyViolated, NotFound
from cellrig.model import (
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

_PREPARE = "compute_prep_resize"
_FINISH = "compute_finish_resize"
#: What a move is before and after a step that may be made twice: its answer can be lost.
_HANDED_ON = (MigrationStatus.PRE_MIGRATING, MigrationStatus.ACCEPTED)


class Incapable(MigrationError):
    """A host's driver does no such thing, whatever the guest. Args: as of its base."""


class ColdArrivals:
    """Takes in servers that move to one host, and sends back those that cannot stay.

    Args:
        host: which.
        arrivals: brings guests up here with their volumes and devices.
        leftovers: of servers that have left the host.
        ownership: of resources.
    """

    def __init__(
        self, host: ComputeHost, arrivals: Arrivals, leftovers: Leftovers, ownership: Ownership
    ) -> None:
        self._host = host
        self._arrivals = arrivals
        self._leftovers = leftovers
        self._ownership = ownership

    def prep_resize(self, context: RequestContext, move: Move) -> None:
        """At the destination: see whether the server may come, and tell its source."""
        host = self._host
        with host.lock(move.instance_uuid):
            try:
                arrived = self._on_its_way(context, move)
                if arrived is None:
                    return
                migration, moving = arrived
                with host.begun_event(context, move.instance_uuid, _PREPARE):
                    self._check(move, migration)
                    if host.name in moving.left_at:
                        self._leftovers.clean_up_before(move.instance_uuid)
                    source = host.compute(migration.source_compute)
                    host.seams.insist(
                        lambda: source.resize_instance(context, move), "tell a source"
                    )
            except Exception as error:  # noqa: BLE001 - ends on another host, or where it began
                self._hand_on(context, move, error)

    def _on_its_way(
        self, context: RequestContext, move: Move
    ) -> tuple[Migration, MovingServer] | None:
        """Let the server come as far as its group's policy lets it; None: it is out of date."""
        host = self._host
        begins = Step(
            instance_uuid=move.instance_uuid,
            tasks=(TaskState.RESIZE_PREP,),
            migration_uuid=move.migration_uuid,
            event=host.beginning(context, _PREPARE),
        )
        try:
            migration = host.migrations.arrive(move.migration_uuid, host.name, move.group)
            return migration, host.take_step(begins, "begin to prepare a move")
        except (Conflict, NotFound) as error:
            host.seams.handled(error, "the message is out of date")
            return None

    def _check(self, move: Move, migration: Migration) -> None:
        name, group = self._host.name, move.group
        if migration.dest_node is None and group is not None:
            raise GroupPolicyViolated(move.instance_uuid, name, group.policy, group.uuid)
        capabilities = self._host.driver.capabilities
        if migration.in_place and not capabilities.resize_on_same_host:
            raise Incapable(move.instance_uuid, f"host {name} cannot resize in place")
        if not capabilities.cold_migration:
            raise Incapable(move.instance_uuid, f"the driver of host {name} cannot move it")

    def _hand_on(self, context: RequestContext, move: Move, error: Exception) -> None:
        """Give up what is claimed here, and let the cell's conductor try the next host."""
        host = self._host
        handed = MigrationChanges(status=MigrationStatus.ACCEPTED)
        incapable = {host.name} if isinstance(error, Incapable) else set()
        failed = replace(
            move,
            failures={**move.failures, host.name: explain(error)},
            incapable=move.incapable | incapable,
        )
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

    def finish_resize(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the destination: define the guest anew, with its new size."""
        self.take_in(context, instance_uuid, migration_uuid)

    def take_in(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> str | None:
        """Do what `finish_resize` does; return why the server is sent back, where it is."""
        host = self._host
        with host.lock(instance_uuid):
            comes = Step(
                instance_uuid=instance_uuid,
                instance=InstanceChanges(task_state=TaskState.RESIZE_FINISH),
                tasks=(TaskState.RESIZE_MIGRATED, TaskState.RESIZE_FINISH),
                on_host=host.name,
                migration_uuid=migration_uuid,
                event=host.beginning(context, _FINISH),
            )
            try:
                moving = host.take_step(comes, "take a server in")
            except CellrigError as error:
                host.seams.handled(error, "it is out of date, or the periodic work ends it")
                return None
            migration = moving.migration
            try:
                with host.begun_event(context, instance_uuid, _FINISH):
                    self._arrive(context, moving)
            except (Conflict, NotFound) as error:
                self._unless_deleted(context, migration, error)
                return explain(error)
            except Exception as error:  # noqa: BLE001 - the server is sent back
                self._send_back(context, migration, error)
                return explain(error)
        return None

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

    def _arrive(self, context: RequestContext, moving: MovingServer) -> None:
        host = self._host
        instance, migration = moving.instance, moving.migration
        flavor = migration.new_flavor
        arrived = replace(instance, flavor=flavor, flavor_id=flavor.id)
        power_on = migration.old_vm_state != VmState.STOPPED

        def define(arrival: Arrivals.Arrival) -> None:
            host.driver.finish_migration(
                guest_of(arrived),
                arrival.image,
                msgspec.convert(migration.data, MigrateData),
                arrival.disks,
                arrival.devices,
                power_on=power_on,
            )

        def define_from_image(arrival: Arrivals.Arrival) -> None:
            spawn_from_image(host, arrived, migration, arrival)

        way = define_from_image if migration.cross_cell else define
        self._arrivals.bring_up(context, arrived, moving.mappings, way)
        info = host.driver.get_guest(instance.uuid)
        there = Step(
            instance_uuid=instance.uuid,
            instance=InstanceChanges(
                vm_state=VmState.RESIZED,
                task_state=None,
                power_state=info.power_state,
                flavor=flavor,
                flavor_id=flavor.id,
                launched_at=host.runtime.now(),
            ),
            tasks=(TaskState.RESIZE_FINISH, None),
            migration_uuid=migration.uuid,
            migration=MigrationChanges(status=MigrationStatus.FINISHED),
        )
        host.note_step(there, "finish a move")

    def revert_resize(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the destination: destroy the guest, give everything back, tell the source."""
        host = self._host
        with host.lock(instance_uuid):
            try:
                migration = see_move(host, migration_uuid)
                instance = see_server(host, instance_uuid)
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
        # Of its source in another cell this cell knows nothing: it is on no host until it is there.
        home = (migration.source_compute, migration.source_node)
        source_host, source_node = (None, None) if migration.cross_cell else home
        try:
            insist(
                lambda: host.instances.update(
                    uuid,
                    InstanceChanges(
                        host=source_host,
                        node=source_node,
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
        if migration.cross_cell:
            return  # the super-conductor carries its record to the source's cell, and goes on there
        source = host.compute(migration.source_compute)
        insist(
            lambda: source.finish_revert_resize(context, uuid, migration.uuid, reason),
            "tell a source",
        )


def _own_disks(migration: Migration) -> bool:
    """Whether the guest's disks at the destination are not those that its source has kept."""
    data = msgspec.convert(migration.data, MigrateData) if migration.data else None
    return data is None or migration.in_place or not data.shared_storage
