"""The conductor of one cell: it owns the cell's database, and hands failed builds on.

It is built without the API database and without the scheduler, so a reschedule cannot depend on
anything above the cell.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

import msgspec

from cellrig.compute.interface import ComputeService
from cellrig.conductor.cell_moves import CellMoves
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import CellrigError, Conflict, MaxRetriesExceeded, NotFound
from cellrig.model import Build, Instance, InstanceChanges, InstanceFault, TaskState, VmState
from cellrig.placement.client import PlacementClient
from cellrig.placement.types import AllocationsWrite
from cellrig.runtime import Runtime
from cellrig.seams import Seams

#: Seconds that a conductor gives the messages that waited for it to come into its hands.
HANDING_OUT = 1.0


class CellConductor:
    """See the module's text.

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
        self._compute = compute
        self._runtime = runtime
        self._seams = seams
        self._in_hand: set[str] = set()
        self._moves = CellMoves(cell, placement, compute, runtime, seams)
        self.migrate_server = self._moves.migrate_server

    def build_instances(self, context: RequestContext, build: Build) -> None:
        """Try the next alternate; see `CellConductorService.build_instances`."""
        if build.instance_uuid in self._in_hand:
            return  # a second copy of the message
        self._in_hand.add(build.instance_uuid)
        try:
            if self._take_over(build):
                self._go_on(context, build)
        finally:
            self._in_hand.discard(build.instance_uuid)

    def _go_on(self, context: RequestContext, build: Build) -> None:
        failures = dict(build.failures)
        alternates = list(build.alternates)
        while alternates:
            selection = alternates.pop(0)
            attempt = msgspec.structs.replace(
                build, selection=selection, alternates=tuple(alternates), failures=failures
            )
            try:
                self._claim(attempt)
                self._compute(selection.host).build_and_run_instance(context, attempt)
            except Exception as error:  # noqa: BLE001 - whatever it was, the host does not build
                self._seams.handled(error, "the next alternate is tried")
                failures[selection.host] = str(error)
                self._release(build.instance_uuid)
                continue
            return
        self._exhausted(context, build.instance_uuid, failures)

    def _take_over(self, build: Build) -> bool:
        """Take the server from the host that has failed it; False when somebody else has it."""
        uuid = build.instance_uuid

        def take() -> None:
            self._cell.instances.update(
                uuid,
                InstanceChanges(host=None, node=None, task_state=TaskState.SCHEDULING),
                expected_task_states=(TaskState.SPAWNING,),
                expected_vm_states=(VmState.BUILDING,),
                expected_host=build.selection.host,
            )

        try:
            self._seams.insist(take, "take over a failed build")
        except (Conflict, NotFound) as error:
            # Deleted meanwhile, or a second copy of the message; or this has been done, and the
            # answer was lost.
            self._seams.handled(error, "the server is no longer on the host")
            return self._is_lost(self._cell.instances.get(uuid))
        except CellrigError as error:
            self._seams.handled(error, "the build is left to the periodic work of its host")
            return False
        return True

    def _is_lost(self, instance: Instance) -> bool:
        """Whether a build is in nobody's hands: on no host, with nothing claimed for it.

        One that holds a claim is on its way to the host where that is, which ends it if the
        message is lost.
        """
        return (
            instance.vm_state == VmState.BUILDING
            and instance.task_state == TaskState.SCHEDULING
            and instance.host is None
            and not instance.deleted
            and self._placement.get_allocations(instance.uuid) is None
        )

    def _claim(self, build: Build) -> None:
        selection = build.selection
        self._placement.put_allocations(
            build.instance_uuid,
            AllocationsWrite(
                allocations=selection.allocations,
                project_id=build.spec.project_id,
                user_id=build.spec.user_id,
                consumer_generation=None,
                mappings=selection.mappings,
            ),
        )

    def _release(self, instance_uuid: str) -> None:
        self._seams.insist(
            lambda: self._placement.delete_allocations(instance_uuid), "give back a claim"
        )

    def _exhausted(
        self, context: RequestContext, instance_uuid: str, failures: dict[str, str]
    ) -> None:
        error = MaxRetriesExceeded(
            f"server {instance_uuid} could not be built on any host that was chosen for it",
            failures,
        )
        self.fail(context, instance_uuid, error)

    def fail(self, context: RequestContext, instance_uuid: str, error: Exception) -> None:
        """Let a server that is being scheduled end in ERROR, with the reason as its fault."""
        now = self._runtime.now()
        fault = InstanceFault(
            instance_uuid,
            500,
            str(error),
            "".join(traceback.format_exception(error)),
            None,
            now,
        )
        try:
            self._seams.insist(
                lambda: self._cell.instances.update(
                    instance_uuid,
                    InstanceChanges(vm_state=VmState.ERROR, task_state=None),
                    expected_task_states=(TaskState.SCHEDULING, None),
                ),
                "record the failure",
            )
        except (Conflict, NotFound) as gone:
            self._seams.handled(gone, "the server is being deleted")
            return
        self._seams.insist(lambda: self._cell.instances.add_fault(fault), "record the fault")
        self._seams.handled(error, "recorded as the server's fault")

    def sweep_lost_builds(self, context: RequestContext) -> None:
        """End the builds that a dead conductor had in its hands: nobody else would.

        Those whose message waited for this one are in its hands by now.
        """
        self._runtime.sleep(HANDING_OUT)
        for instance in self._cell.instances.all():
            if instance.uuid not in self._in_hand and self._is_lost(instance):
                self._release(instance.uuid)
                self.fail(
                    context,
                    instance.uuid,
                    MaxRetriesExceeded("the cell's conductor restarted during the build", {}),
                )
        self._moves.sweep_lost_moves()
