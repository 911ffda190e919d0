"""What hosts do in a move from one cell to another, each asked by the super-conductor.

No host of a cell reaches another cell, so neither side tells the other anything. What a step has
come to stands in the record of the move, which the super-conductor carries from cell to cell.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from cellrig.compute.arrivals import Arrivals
from cellrig.compute.cold_arrivals import ColdArrivals
from cellrig.compute.cold_moves import SHUTDOWN_TIMEOUT, ColdMoves
from cellrig.compute.cross_cell_images import put_in_image
from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost
from cellrig.compute.leftovers import Leftovers
from cellrig.context import RequestContext
from cellrig.driver.errors import MigrationError
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
)

_TAKEN = (MigrationStatus.PRE_MIGRATING, MigrationStatus.MIGRATING)

_HERE = (TaskState.RESIZE_PREP, TaskState.RESIZE_MIGRATING, TaskState.RESIZE_MIGRATED)


class CrossCellMoves:
    """Lets servers of one host go to other cells, and takes in those that come from there.

    Args:
        host: which.
        arrivals: lets go of volumes.
        cold_moves, cold_arrivals: what is the same in moves within a cell.
        leftovers: of servers that have left the host.
    """

    def __init__(
        self,
        host: ComputeHost,
        arrivals: Arrivals,
        cold_moves: ColdMoves,
        cold_arrivals: ColdArrivals,
        leftovers: Leftovers,
    ) -> None:
        self._host = host
        self._arrivals = arrivals
        self._cold_moves = cold_moves
        self._cold_arrivals = cold_arrivals
        self._leftovers = leftovers

    # -- at the destination ----------------------------------------------------------------------

    def prep_arrival(self, context: RequestContext, move: Move) -> None:
        """See whether a server may come; see `ComputeService`."""
        host, group = self._host, move.group
        if not host.driver.capabilities.cold_migration:
            raise MigrationError(
                move.instance_uuid, f"the driver of host {host.name} cannot move it"
            )
        if group is not None:
            hosts = host.instances.hosts_of_group(group)
            others = [each for uuid in hosts if uuid != move.instance_uuid for each in hosts[uuid]]
            if not group.allows(host.name, others):
                raise GroupPolicyViolated(move.instance_uuid, host.name, group.policy, group.uuid)
        self._leftovers.clean_up_before(move.instance_uuid)

    def arrive_from_cell(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> str | None:
        """Bring up a guest that has been carried here; see `ComputeService`."""
        reasons: list[str | None] = []

        def take_in() -> None:
            reasons.append(self._cold_arrivals.take_in(context, instance_uuid, migration_uuid))

        self._outlast(f"bring up {instance_uuid}", take_in)
        return reasons[0]

    def leave_cell_again(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """Let a server go that is brought back; see `ComputeService`."""
        revert = partial(self._cold_arrivals.revert_resize, context, instance_uuid, migration_uuid)
        self._outlast(f"let {instance_uuid} go", revert)

    # -- at the source ---------------------------------------------------------------------------

    def leave_cell(self, context: RequestContext, move: Move) -> None:
        """Shut a guest down for a move to another cell; see `ComputeService`."""
        self._outlast(f"let {move.instance_uuid} go", partial(self._depart, context, move))

    def _depart(self, context: RequestContext, move: Move) -> None:
        host = self._host
        with host.lock(move.instance_uuid):
            try:
                taken = MigrationChanges(status=MigrationStatus.MIGRATING)
                migration = host.seams.insist(
                    lambda: host.migrations.update(move.migration_uuid, taken, _TAKEN),
                    "take a move up",
                )
            except CellrigError as error:
                host.seams.handled(error, "the move has been taken back, or is under way")
                return
            try:
                with host.event(context, move.instance_uuid, "compute_leave_cell"):
                    self._leave(context, move, migration)
            except (Conflict, NotFound) as error:
                host.seams.handled(error, "the user deletes the server")
            except Exception as error:  # noqa: BLE001 - the server is brought back
                self._bring_back(context, migration, error)

    def _bring_back(self, context: RequestContext, migration: Migration, error: Exception) -> None:
        """Bring a server back, unless it has been let go all the same and its record has left."""
        host = self._host
        staying = InstanceChanges(task_state=TaskState.RESIZE_MIGRATING)
        try:
            host.seams.insist(
                lambda: host.instances.update(migration.instance_uuid, staying, _HERE),
                "keep a server",
            )
        except CellrigError as gone:
            host.seams.handled(gone, "it has left, or the periodic work brings it back")
            host.seams.handled(error, "it has left, or the periodic work brings it back")
            return
        self._cold_moves.bring_back_here(context, migration, error)

    def _leave(self, context: RequestContext, move: Move, migration: Migration) -> None:
        host, insist = self._host, self._host.seams.insist
        leaving = InstanceChanges(task_state=TaskState.RESIZE_MIGRATING)
        tasks = (TaskState.RESIZE_PREP, TaskState.RESIZE_MIGRATING)
        instance = insist(
            lambda: host.instances.update(move.instance_uuid, leaving, tasks),
            "begin to move a server",
        )
        self._leftovers.clean_up_before(instance.uuid)
        mappings = host.block_devices.of_instance(instance.uuid)
        resized = replace(instance, node=move.selection.node, flavor=migration.new_flavor)
        with self._arrivals.section(context, mappings):
            if not instance.boots_from_volume:
                host.driver.power_off(guest_of(instance), SHUTDOWN_TIMEOUT)
                put_in_image(host, instance, migration)
            host.driver.migrate_disk_and_power_off(
                guest_of(instance),
                guest_of(resized),
                move.selection.host,
                disks_of(mappings),
                SHUTDOWN_TIMEOUT,
            )
            self._arrivals.let_go(context, instance, mappings)
        host.migrations.update(
            migration.uuid, MigrationChanges(status=MigrationStatus.POST_MIGRATING)
        )
        left = InstanceChanges(
            task_state=TaskState.RESIZE_MIGRATED, power_state=PowerState.SHUTDOWN
        )
        tasks = (TaskState.RESIZE_MIGRATING, TaskState.RESIZE_MIGRATED)
        insist(lambda: host.instances.update(instance.uuid, left, tasks), "let a server go")

    def erase_departed(
        self, context: RequestContext, instance: Instance, migration: Migration
    ) -> bool:
        """Erase what was kept of a server that is in another cell; see `ComputeService`."""
        with self._host.lock(instance.uuid):
            return self._leftovers.try_to_erase(instance, migration)

    def _outlast(self, name: str, work: Callable[[], None]) -> None:
        """Do what may take longer than a caller waits, and wait for it as long as the caller."""
        host = self._host
        host.runtime.spawn(work, name=f"{host.name}: {name}", owner=host.process).result()
