"""What every kind of move takes of the super-conductor."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cellrig.cells import Cells
from cellrig.compute.interface import ComputeService
from cellrig.context import RequestContext
from cellrig.db import ApiDatabase, CellDatabase
from cellrig.errors import CellrigError, NotFound
from cellrig.model import (
    Flavor,
    Instance,
    Migration,
    MigrationStatus,
    MigrationType,
    RequestSpec,
    SchedulingRequest,
    Selection,
    ServerGroup,
    TaskState,
)
from cellrig.moves import Ownership, Withdrawal
from cellrig.runtime import Runtime
from cellrig.scheduler.interface import SchedulerService
from cellrig.seams import Seams


class MoveInterrupted(CellrigError):
    """A service died while it had a move in its hands. Args: which service."""

    template = "{0} restarted while it had the move in its hands"


class MoveTools:
    """What every kind of move takes of the super-conductor.

    Args:
        api, cells: the databases.
        scheduler: asked over the bus.
        ownership: of resources.
        compute: makes the client of a host's compute service.
        runtime, seams: of the rig.
        new_uuid: the rig's source of uuids.

    Attributes:
        in_hand: the servers whose moves the super-conductor is working on.
    """

    def __init__(
        self,
        *,
        api: ApiDatabase,
        cells: Cells,
        scheduler: SchedulerService,
        ownership: Ownership,
        compute: Callable[[str], ComputeService],
        runtime: Runtime,
        seams: Seams,
        new_uuid: Callable[[], str],
    ) -> None:
        self.api = api
        self.cells = cells
        self.scheduler = scheduler
        self.ownership = ownership
        self.compute = compute
        self.runtime = runtime
        self.seams = seams
        self.new_uuid = new_uuid
        self.in_hand: set[str] = set()

    def withdrawal(self, cell: CellDatabase) -> Withdrawal:
        """Return what takes moves of a cell's servers back."""
        return Withdrawal(
            cell.instances, cell.migrations, self.ownership, self.runtime.now, self.seams
        )

    def take_back(self, cell: CellDatabase, migration: Migration, error: Exception) -> None:
        """Take back a move that could not be handed on.

        A server that was deleted meanwhile has ended its moves: what has been claimed for it since
        is dropped (bug 1848343).
        """
        if self.withdrawal(cell).withdraw(migration, error):
            return
        uuid, insist = migration.instance_uuid, self.seams.insist
        try:
            instance = insist(lambda: cell.instances.get(uuid), "see what became of the server")
            if instance.deleted or instance.task_state == TaskState.DELETING:
                insist(lambda: self.ownership.drop(uuid), "give back a destination")
                insist(lambda: self.ownership.drop(migration.uuid), "give back a source")
        except CellrigError as lost:
            self.seams.handled(lost, "the periodic work of the hosts gives it back")
        self.seams.handled(error, "the move is over")

    def record_failure(
        self, context: RequestContext, cell: CellDatabase, instance_uuid: str, step: str, why: str
    ) -> None:
        """Let the request's action end with an error: no host has made anything of it.

        Args:
            context, cell, instance_uuid: whose action, and where.
            step: what the super-conductor has tried.
            why: the traceback.
        """
        actions, request = cell.actions, context.request_id
        try:
            self.seams.insist(
                lambda: actions.event_start(instance_uuid, request, step, None), "record a step"
            )
            self.seams.insist(
                lambda: actions.event_finish(instance_uuid, request, step, why), "record its end"
            )
        except CellrigError as error:
            self.seams.handled(error, "the server's fault tells it")

    def begin(
        self,
        context: RequestContext,
        cell: CellDatabase,
        instance: Instance,
        kind: MigrationType,
        new_flavor: Flavor,
    ) -> Migration:
        """Write the record of a move."""
        migration = Migration(
            uuid=self.new_uuid(),
            instance_uuid=instance.uuid,
            type=kind,
            status=MigrationStatus.ACCEPTED,
            source_compute=instance.host or "",
            source_node=instance.node or "",
            source_zone=instance.availability_zone,
            user_id=context.user_id,
            project_id=context.project_id,
            old_vm_state=instance.vm_state,
            old_flavor=instance.flavor,
            new_flavor=new_flavor,
        )
        return self.seams.insist(lambda: cell.migrations.create(migration), "begin a move")

    def find(self, instance_uuid: str, task: TaskState) -> tuple[CellDatabase, Instance] | None:
        """Return a server that waits for a move to begin, and its cell.

        Insisted upon, because nobody else knows yet that the move is wanted.

        Returns:
            None where the message is out of date: the user deletes the server, or it moves already.
        """
        insist = self.seams.insist
        cell = insist(lambda: self.cells.of_instance(instance_uuid), "find a server")
        if cell is None:
            return None
        instance = insist(lambda: cell.instances.get(instance_uuid), "see what is asked")
        if instance.deleted or instance.task_state != task:
            return None
        is_moving = insist(lambda: self._is_moving(cell, instance), "see its moves")
        return None if is_moving else (cell, instance)

    def _is_moving(self, cell: CellDatabase, instance: Instance) -> bool:
        """Whether a move of the server has begun; one that is taken back is none any more."""
        return any(
            each.status != MigrationStatus.REVERTING
            for each in cell.migrations.under_way_of(instance.uuid)
        )

    def spec(self, instance: Instance, flavor: Flavor, host: str | None) -> RequestSpec:
        """Return what a server needs of its next host; `host` binds this move only.

        The flavor that is remembered is brought up to date where a cell has confirmed a resize by
        itself: it cannot.
        """
        remembered = self.api.requests.spec_get(instance.uuid)
        if remembered.flavor != instance.flavor:
            remembered = msgspec.structs.replace(remembered, flavor=instance.flavor)
            self.api.requests.spec_save(remembered)
        return msgspec.structs.replace(remembered, flavor=flavor, requested_host=host)

    def group(self, spec: RequestSpec) -> ServerGroup | None:
        """Return the server's group; None where it is in none, or the group is deleted."""
        if spec.group_uuid is None:
            return None
        try:
            return self.api.server_groups.get(spec.group_uuid)
        except NotFound as error:
            self.seams.handled(error, "the group has been deleted; its policy no longer holds")
            return None

    def shares_volumes(self, cell: CellDatabase, instance: Instance) -> bool:
        """Whether a server has a volume that several servers may have."""
        return any(mapping.multiattach for mapping in cell.block_devices.of_instance(instance.uuid))

    def select(self, context: RequestContext, request: SchedulingRequest) -> tuple[Selection, ...]:
        """Return a claimed host for one server, then its alternates.

        Raises:
            NoValidHost: there is none.
        """
        return self.scheduler.select_destinations(context, request)[0]
