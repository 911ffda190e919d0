"""What a host does of itself once its users have had their time: confirm a resize, offload."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cellrig.compute.host import ComputeHost
from cellrig.compute.shelving import SHELVED_AT, Shelving
from cellrig.context import RequestContext
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.model import (
    Instance,
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    TaskState,
    VmState,
)


class Overdue:
    """The periodic work on moves of one host that wait for somebody.

    Args:
        host: which.
        shelving: to offload with.
    """

    def __init__(self, host: ComputeHost, shelving: Shelving) -> None:
        self._host = host
        self._shelving = shelving

    def confirm_resizes(self, context: RequestContext) -> None:
        """Confirm what arrived here longer than `resize_confirm_window` ago; 0: never."""
        host = self._host
        window = host.options.resize_confirm_window
        if not window:
            return
        limit = host.runtime.now() - window
        for migration in host.migrations.under_way(host.name):
            is_finished = migration.status == MigrationStatus.FINISHED
            is_due = is_finished and migration.history[-1][1] <= limit
            # The super-conductor confirms what has come from another cell.
            if is_due and migration.dest_compute == host.name and not migration.cross_cell:
                confirm = partial(self._confirm, context, migration)
                self._one_at_a_time(migration.instance_uuid, confirm)

    def _confirm(self, context: RequestContext, migration: Migration) -> None:
        """Begin what a user begins who confirms; the source goes on with it."""
        host, insist, uuid = self._host, self._host.seams.insist, migration.instance_uuid
        host.instances.update(
            uuid,
            InstanceChanges(task_state=TaskState.RESIZE_CONFIRMING),
            expected_task_states=(None,),
            expected_vm_states=(VmState.RESIZED,),
        )
        confirming = MigrationChanges(status=MigrationStatus.CONFIRMING)
        allowed = (MigrationStatus.FINISHED, MigrationStatus.CONFIRMING)
        insist(
            lambda: host.migrations.update(migration.uuid, confirming, allowed), "confirm a move"
        )
        source = host.compute(migration.source_compute)
        insist(lambda: source.confirm_resize(context, uuid, migration.uuid), "tell a source")

    def offload_shelved(self, context: RequestContext) -> None:
        """Let servers go that were shelved longer than `shelved_offload_time` ago; below 0: never.

        At 0 they leave when they are shelved; one that could not then leaves here.
        """
        host = self._host
        seconds = host.options.shelved_offload_time
        if seconds < 0:
            return
        limit = host.runtime.now() - seconds
        for instance in host.instances.all_on_host(host.name):
            shelved = instance.vm_state == VmState.SHELVED and instance.task_state is None
            if shelved and float(instance.system_metadata.get(SHELVED_AT, 0)) <= limit:
                self._one_at_a_time(instance.uuid, partial(self._offload, context, instance))

    def _offload(self, context: RequestContext, instance: Instance) -> None:
        taken = self._host.instances.update(
            instance.uuid,
            InstanceChanges(task_state=TaskState.SHELVING_OFFLOADING),
            expected_task_states=(None,),
            expected_vm_states=(VmState.SHELVED,),
            expected_host=self._host.name,
        )
        self._shelving.offload_taken(context, taken)

    def _one_at_a_time(self, instance_uuid: str, work: Callable[[], None]) -> None:
        host = self._host
        if host.is_locked(instance_uuid):
            return
        with host.lock(instance_uuid):
            try:
                work()
            except (Conflict, NotFound) as error:
                host.seams.handled(error, "its user was faster")
            except CellrigError as error:
                host.seams.handled(error, "the next round sees the server again")
