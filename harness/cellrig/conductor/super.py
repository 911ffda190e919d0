"""The super-conductor: from a build request to a server in a cell, on its way to a host."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import msgspec

from cellrig.cells import Cells
from cellrig.compute.interface import ComputeService
from cellrig.compute.options import ComputeOptions
from cellrig.conductor.arrivals import Arrivals
from cellrig.conductor.cold_moves import ColdMoves
from cellrig.conductor.cross_cell_moves import CrossCellMoves
from cellrig.conductor.live_moves import LiveMoves
from cellrig.conductor.lost_moves import ABANDONED_AFTER, LostMoves
from cellrig.conductor.moving import MoveTools
from cellrig.context import RequestContext
from cellrig.db import ApiDatabase, CellDatabase
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.image import ImageClient
from cellrig.model import (
    CELL0,
    Build,
    BuildRequest,
    Instance,
    InstanceChanges,
    InstanceFault,
    RequestSpec,
    SchedulingRequest,
    Selection,
    ServerGroup,
    TaskState,
    VmState,
)
from cellrig.moves import Ownership
from cellrig.placement.client import PlacementClient
from cellrig.runtime import Runtime
from cellrig.scheduler.interface import SchedulerService
from cellrig.seams import Seams

#: Seconds that a conductor gives the messages that waited for it to come into its hands.
HANDING_OUT = 1.0


#: Seconds between looks at moves that nobody goes on with.
SWEEP_INTERVAL = 60.0


class SuperConductor:
    """See the module's text.

    Args:
        api, cells: the databases.
        scheduler: asked over the bus.
        placement: to give back what cannot be used.
        compute: makes the client of a host's compute service.
        max_attempts: hosts to try for one server, the first included.
        runtime, seams, new_uuid: of the rig.
        compute_options: how moves are done.
        images: by which the disks of servers go to other cells.
    """

    def __init__(
        self,
        api: ApiDatabase,
        cells: Cells,
        scheduler: SchedulerService,
        placement: PlacementClient,
        compute: Callable[[str], ComputeService],
        max_attempts: int,
        runtime: Runtime,
        seams: Seams,
        new_uuid: Callable[[], str],
        compute_options: ComputeOptions,
        images: ImageClient,
    ) -> None:
        self._api = api
        self._cells = cells
        self._scheduler = scheduler
        self._placement = placement
        self._compute = compute
        self._max_attempts = max_attempts
        self._runtime = runtime
        self._seams = seams
        self._in_hand: set[str] = set()
        tools = MoveTools(
            api=api,
            cells=cells,
            scheduler=scheduler,
            ownership=Ownership(placement, seams),
            compute=compute,
            runtime=runtime,
            seams=seams,
            new_uuid=new_uuid,
        )
        cross_cell = CrossCellMoves(
            tools,
            placement,
            images,
            compute_options.allow_cross_cell_moves,
            compute_options.resize_confirm_window,
        )
        self.go_on_across_cells = cross_cell.go_on
        self.end_deleted_across_cells = cross_cell.end_deleted
        self._cold_moves = ColdMoves(
            tools, cross_cell, max_attempts, compute_options.allow_resize_to_same_host
        )
        self.migrate_server = self._cold_moves.migrate_server
        self._arrivals = Arrivals(tools)
        self._lost_moves = LostMoves(tools, cross_cell)
        self.evacuate_server = self._arrivals.evacuate_server
        self.unshelve_server = self._arrivals.unshelve_server
        self.live_migrate_server = LiveMoves(tools, max_attempts).live_migrate_server

    def schedule_and_build_instances(
        self,
        context: RequestContext,
        requests: tuple[BuildRequest, ...],
        specs: tuple[RequestSpec, ...],
    ) -> None:
        """Place and start building; see `SuperConductorService`."""
        asked = {request.instance.uuid for request in requests}
        if asked & self._in_hand:
            return  # a second copy of the message
        self._in_hand |= asked
        try:
            self._schedule_and_build(context, requests, specs)
        finally:
            self._in_hand -= asked

    def _schedule_and_build(
        self,
        context: RequestContext,
        requests: tuple[BuildRequest, ...],
        specs: tuple[RequestSpec, ...],
    ) -> None:
        try:
            group = self._group_of(specs[0])
            selections = self._scheduler.select_destinations(
                context,
                SchedulingRequest(
                    spec=specs[0],
                    instance_uuids=tuple(request.instance.uuid for request in requests),
                    alternates=self._max_attempts - 1,
                    multiattach=any(each.multiattach for each in requests[0].block_devices),
                ),
            )
        except Exception as error:  # noqa: BLE001 - whatever it was, the servers end in cell0
            for request in requests:
                self._refuse(context, request, error)
            return
        for request, spec, choices in zip(requests, specs, selections, strict=True):
            self._build(context, request, spec, group, choices)

    def _refuse(self, context: RequestContext, request: BuildRequest, error: Exception) -> None:
        """Let a server that no host was found for end in cell0, unless it is in a cell already."""
        uuid = request.instance.uuid
        mapping = self._seams.insist(
            lambda: self._api.mappings.instance_get(uuid), "see where the server is"
        )
        if mapping.cell is not None:
            self._seams.handled(error, "an older copy of the request has placed the server")
            return
        self._release(uuid)
        self._bury(context, request, error)

    def _group_of(self, spec: RequestSpec) -> ServerGroup | None:
        return self._api.server_groups.get(spec.group_uuid) if spec.group_uuid else None

    def _build(
        self,
        context: RequestContext,
        request: BuildRequest,
        spec: RequestSpec,
        group: ServerGroup | None,
        choices: tuple[Selection, ...],
    ) -> None:
        selection, *alternates = choices
        cell = self._cells.databases[selection.cell]
        try:
            placed = self._place(context, request, selection, cell, _affine(group))
        except Exception as error:  # noqa: BLE001 - whatever it was, the server ends in cell0
            if not self._is_placed(request.instance.uuid, cell):
                self._take_back(request.instance.uuid, cell)
                self._bury(context, request, error)
                return
            self._seams.handled(error, "the server is in its cell all the same")
            placed = True
        if not placed:
            self._take_back(request.instance.uuid, cell)
            return
        build = Build(
            instance_uuid=request.instance.uuid,
            spec=spec,
            group=group,
            selection=selection,
            alternates=tuple(alternates),
            has_volumes=bool(request.block_devices),
        )
        try:
            self._compute(selection.host).build_and_run_instance(context, build)
        except Exception as error:  # noqa: BLE001 - whatever it was, the host does not build
            self._fail_in_cell(request.instance.uuid, cell, error)

    def _place(
        self,
        context: RequestContext,
        request: BuildRequest,
        selection: Selection,
        cell: CellDatabase,
        beside: str | None,
    ) -> bool:
        """Write the server into its cell; False when the user has deleted it meanwhile.

        Two members of an affinity group that are placed at the same moment do not see each other
        on any host yet; that they stay in one cell is decided here, in the API database.
        """
        instance = msgspec.structs.replace(
            request.instance,
            task_state=TaskState.SCHEDULING,
            availability_zone=selection.availability_zone or request.instance.availability_zone,
        )
        cell.instances.create(instance, request.tags)
        if request.block_devices:
            cell.block_devices.create(request.block_devices)
        _start_action(cell, context, instance)
        return self._api.mappings.instance_place(instance.uuid, cell.name, beside)

    def _is_placed(self, instance_uuid: str, cell: CellDatabase) -> bool:
        """Whether the server is in `cell` although placing it has failed: an answer was lost."""
        mapping = self._seams.insist(
            lambda: self._api.mappings.instance_get(instance_uuid), "see where the server is"
        )
        return mapping.cell == cell.name and not mapping.queued_for_delete

    def _take_back(self, instance_uuid: str, cell: CellDatabase) -> None:
        self._release(instance_uuid)
        try:
            self._seams.insist(lambda: cell.instances.purge(instance_uuid), "empty the cell")
        except CellrigError as error:
            self._seams.handled(error, f"cell {cell.name} never got the server")

    def _release(self, instance_uuid: str) -> None:
        self._seams.insist(
            lambda: self._placement.delete_allocations(instance_uuid), "give back a claim"
        )

    def _fail_in_cell(self, instance_uuid: str, cell: CellDatabase, error: Exception) -> None:
        """End a build whose host could not be told, unless the message got through after all."""
        try:
            self._seams.insist(
                lambda: cell.instances.update(
                    instance_uuid,
                    InstanceChanges(vm_state=VmState.ERROR, task_state=None),
                    expected_task_states=(TaskState.SCHEDULING, None),
                    expected_vm_states=(VmState.BUILDING, VmState.ERROR),
                    expected_host=None,
                ),
                "record a failure",
            )
        except (Conflict, NotFound) as taken:
            self._seams.handled(taken, "the host has it, or the user has deleted it")
            self._seams.handled(error, "the host was told after all")
            return
        self._release(instance_uuid)
        fault = self._fault(instance_uuid, error)
        self._seams.insist(lambda: cell.instances.add_fault(fault), "record a fault")
        self._seams.handled(error, "recorded as the server's fault")

    def _bury(self, context: RequestContext, request: BuildRequest, error: Exception) -> None:
        """Let a server that no host could take end in cell0, in ERROR with the reason."""
        cell0 = self._cells.databases[CELL0]
        instance = msgspec.structs.replace(
            request.instance, vm_state=VmState.ERROR, task_state=None
        )
        fault = self._fault(instance.uuid, error)

        def bury() -> None:
            cell0.instances.purge(instance.uuid)
            try:
                cell0.instances.create(instance, request.tags)
            except Conflict as written:
                self._seams.handled(written, "it is written already")
            if request.block_devices:
                cell0.block_devices.create(request.block_devices)
            _start_action(cell0, context, instance)
            cell0.actions.event_start(
                instance.uuid, context.request_id, "conductor_schedule_and_build_instances", None
            )
            cell0.actions.event_finish(
                instance.uuid,
                context.request_id,
                "conductor_schedule_and_build_instances",
                fault.details,
            )
            cell0.instances.add_fault(fault)
            if not self._api.mappings.instance_place(instance.uuid, CELL0):
                cell0.instances.purge(instance.uuid)

        self._seams.insist(bury, "bury the server in cell0")
        self._seams.handled(error, "recorded as the server's fault in cell0")

    def _fault(self, instance_uuid: str, error: Exception) -> InstanceFault:
        return InstanceFault(
            instance_uuid,
            500,
            str(error) if isinstance(error, CellrigError) else f"{type(error).__name__}: {error}",
            "".join(traceback.format_exception(error)),
            None,
            self._runtime.now(),
        )

    def sweep_lost_builds(self, context: RequestContext) -> None:
        """Bury the servers that a dead super-conductor had in its hands: nobody else would.

        Those whose message waited for this one are in its hands by now.
        """
        self._runtime.sleep(HANDING_OUT)
        for request in self._api.requests.build_all():
            if request.instance.uuid in self._in_hand:
                continue
            for cell in self._cells.with_hosts().values():
                self._take_back(request.instance.uuid, cell)
            self._bury(
                context,
                request,
                CellrigError("the super-conductor restarted while it placed the server"),
            )
        self._lost_moves.sweep(lambda: context, 0.0)

    def sweep_lost_moves(self, new_context: Callable[[], RequestContext]) -> None:
        """Take back, or go on with, the moves that are nobody's; done again and again."""
        try:
            self._lost_moves.sweep(new_context, ABANDONED_AFTER)
        except CellrigError as error:
            self._seams.handled(error, "the next round sees them again")


def _affine(group: ServerGroup | None) -> str | None:
    return group.uuid if group is not None and group.policy == "affinity" else None


def _start_action(cell: CellDatabase, context: RequestContext, instance: Instance) -> None:
    cell.actions.start(
        instance.uuid, "create", context.request_id, instance.project_id, instance.user_id
    )
