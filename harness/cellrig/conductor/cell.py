"""The conductor of one cell: it owns the cell's database, and hands failed builds on.

It is built without the API database and without the scheduler, so a reschedule cannot depend on
anything above the cell.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

import msgspec

from cellrig.compute.interface import ComputeService
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import CellrigError, Conflict, MaxRetriesExceeded, NotFound
from cellrig.model import Build, InstanceChanges, InstanceFault, TaskState, VmState
from cellrig.placement.client import PlacementClient
from cellrig.placement.types import AllocationsWrite
from cellrig.runtime import Runtime
from cellrig.seams import Seams


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

    def build_instances(self, context: RequestContext, build: Build) -> None:
        """Try the next alternate; see `CellConductorService.build_instances`."""
        try:
            self._cell.instances.update(
                build.instance_uuid,
                InstanceChanges(host=None, node=None, task_state=TaskState.SCHEDULING),
                expected_task_states=(TaskState.SPAWNING,),
                expected_vm_states=(VmState.BUILDING,),
                expected_host=build.selection.host,
            )
        except (Conflict, NotFound) as error:
            # Deleted meanwhile, or a second copy of this message: somebody else goes on with it.
            self._seams.handled(error, "the server is no longer waiting for another host")
            return
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
            except CellrigError as error:
                self._seams.handled(error, "the next alternate is tried")
                failures[selection.host] = str(error)
                self._release(build.instance_uuid)
                continue
            return
        self._exhausted(context, build.instance_uuid, failures)

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
            f"server {instance_uuid} could not be built on any of {len(failures)} hosts",
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

        They are without a host, and nothing is claimed for them: one that holds a claim is on its
        way to the host where that is, which ends it if the message is lost.
        """
        for instance in self._cell.instances.all():
            if (
                instance.vm_state == VmState.BUILDING
                and instance.task_state == TaskState.SCHEDULING
                and instance.host is None
                and self._placement.get_allocations(instance.uuid) is None
            ):
                self._release(instance.uuid)
                self.fail(
                    context,
                    instance.uuid,
                    MaxRetriesExceeded("the cell's conductor restarted during the build", {}),
                )
