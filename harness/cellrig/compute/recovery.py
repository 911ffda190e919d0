"""Getting a host's servers in order after its service has died in the middle of something."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from cellrig.compute.boot_volumes import BootVolumes
from cellrig.compute.connections import Connections
from cellrig.compute.deletion import Deletion
from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost, power_state_of
from cellrig.compute.interfaces import unbind_ports
from cellrig.compute.shelving import Shelving
from cellrig.context import RequestContext
from cellrig.errors import CellrigError
from cellrig.model import Instance, InstanceChanges, PowerState, TaskState, VmState

#: What a guest's power state means for a server that no task is working on.
STATE_OF_POWER = {
    PowerState.RUNNING: VmState.ACTIVE,
    PowerState.PAUSED: VmState.PAUSED,
    PowerState.SUSPENDED: VmState.SUSPENDED,
    PowerState.SHUTDOWN: VmState.STOPPED,
    PowerState.CRASHED: VmState.STOPPED,
    PowerState.NOSTATE: VmState.STOPPED,
}


#: Tasks of servers that move.
MOVE_TASKS = (
    TaskState.RESIZE_PREP,
    TaskState.RESIZE_MIGRATING,
    TaskState.RESIZE_MIGRATED,
    TaskState.RESIZE_FINISH,
    TaskState.RESIZE_REVERTING,
    TaskState.RESIZE_CONFIRMING,
    TaskState.MIGRATING,
)

#: States of servers that are on no host and hold nothing.
_NOWHERE = (VmState.ERROR, VmState.SHELVED_OFFLOADED)

#: Seconds after which a task on which nobody works is over: longer than any step insists.
ABANDONED_AFTER = 600.0


class Interrupted(CellrigError):
    """Something that was being done to a server was broken off, for example by a restart."""

    template = "the compute service of host {0} was interrupted while server {1} was {2}"


class Recovery:
    """What a compute service does when it starts, before and after it listens to the bus.

    Args:
        host: its host.
        deletion: to finish deletions with.
        connections: of the host.
        boot_volumes: to keep the volumes of a build that is over.
        shelving: to finish offloading and unshelving with.
    """

    def __init__(
        self,
        host: ComputeHost,
        deletion: Deletion,
        connections: Connections,
        boot_volumes: BootVolumes,
        shelving: Shelving,
    ) -> None:
        self._host = host
        self._connections = connections
        self._deletion = deletion
        self._boot_volumes = boot_volumes
        self._shelving = shelving

    def finish_interrupted(self, context: RequestContext) -> None:
        """Bring every server that the databases place here to an end of what was being done.

        A build that the host had taken ends in ERROR with nothing left of it; a deletion is
        completed; any other task is over, and the server is what its guest is.
        """
        moving = self._moving()
        for instance in self._host.instances.all_on_host(self._host.name):
            if instance.uuid not in moving or instance.task_state == TaskState.DELETING:
                self._finish(context, instance)

    def finish_abandoned(self, context: RequestContext, here: Iterable[Instance]) -> None:
        """Bring servers to an end whose task nobody is working on any more.

        What worked on them has given up: the cell's conductor was away for too long.

        Args:
            context: under which to finish deletions.
            here: the servers that the database places on this host.
        """
        limit = self._host.runtime.now() - ABANDONED_AFTER
        idle = [
            instance
            for instance in here
            if instance.task_state is not None
            and instance.updated_at < limit
            and not self._host.is_locked(instance.uuid)
        ]
        moving = self._moving() if idle else set()
        for instance in idle:
            if instance.uuid not in moving or instance.task_state == TaskState.DELETING:
                self._finish(context, instance)

    def _moving(self) -> set[str]:
        """Return the servers that move from or to this host: see `MoveRecovery`."""
        return {each.instance_uuid for each in self._host.migrations.under_way(self._host.name)}

    def _finish(self, context: RequestContext, instance: Instance) -> None:
        if instance.task_state in MOVE_TASKS:
            return  # see `MoveRecovery`
        if instance.task_state == TaskState.DELETING:
            self._deletion.terminate(context, instance.uuid)
        elif instance.vm_state == VmState.BUILDING:
            self._if_unchanged(instance, partial(self._end_build, context))
        elif instance.task_state == TaskState.SHELVING_OFFLOADING:
            self._shelving.shelve_offload_instance(context, instance.uuid)
        elif instance.task_state == TaskState.UNSHELVING:
            self._finish_unshelving(context, instance)
        elif instance.task_state is not None:
            self._if_unchanged(instance, self._end_task)

    def _finish_unshelving(self, context: RequestContext, instance: Instance) -> None:
        """A server that had left its host stays shelved; one that had not is powered on."""
        if instance.vm_state == VmState.SHELVED:
            self._shelving.unshelve_here(context, instance.uuid)
        else:
            self._if_unchanged(instance, partial(self._stay_shelved, context))

    def _stay_shelved(self, context: RequestContext, instance: Instance) -> None:
        error = Interrupted(self._host.name, instance.uuid, "being unshelved")
        self._shelving.give_up(context, instance.uuid, error)

    def _if_unchanged(self, instance: Instance, end: Callable[[Instance], None]) -> None:
        with self._host.lock(instance.uuid):
            if self._host.instances.get(instance.uuid) == instance:
                end(instance)

    def end_untaken_builds(self, context: RequestContext) -> None:
        """End the builds that were sent to this host and died with the service before it took them.

        Run after the queued messages have been handed out: a build that is still to be taken then
        has no message any more.
        """
        holders = self._host.instances.all_by_uuid(sorted(self._host.held()))
        self.end_untaken(context, holders, 0.0)

    def end_untaken(self, context: RequestContext, holders: Iterable[Instance], age: float) -> None:
        """End builds that hold resources of this host, and that no host has taken.

        Args:
            context: under which.
            holders: servers that hold something here.
            age: seconds for which they have not moved.
        """
        limit = self._host.runtime.now() - age
        for instance in holders:
            if holds_nothing(instance):
                self._if_unchanged(instance, lambda gone: self._host.release(gone.uuid))
            elif instance.host is None and instance.updated_at <= limit:
                self._end_untaken(context, instance)

    def _end_untaken(self, context: RequestContext, instance: Instance) -> None:
        if instance.vm_state == VmState.BUILDING:
            self._if_unchanged(instance, partial(self._end_build, context))
        elif instance.task_state == TaskState.UNSHELVING:
            self._if_unchanged(instance, partial(self._stay_shelved, context))

    def _end_build(self, context: RequestContext, instance: Instance) -> None:
        host = self._host
        mappings = host.block_devices.of_instance(instance.uuid)
        with self._connections.section(context, mappings):
            try:
                host.driver.destroy(guest_of(instance), disks_of(mappings))
            except Exception as error:  # noqa: BLE001 - the periodic clean-up finds the guest again
                host.seams.handled(error, "the guest is left to the periodic clean-up")
            self._boot_volumes.give_up_here(context, instance, mappings)
        unbind_ports(host, context, instance)
        host.release(instance.uuid)
        host.fail(
            instance.uuid,
            Interrupted(host.name, instance.uuid, "being built"),
            InstanceChanges(vm_state=VmState.ERROR, task_state=None, host=None, node=None),
            "the interrupted build is over",
        )

    def _end_task(self, instance: Instance) -> None:
        host = self._host
        if instance.task_state in (TaskState.IMAGE_SNAPSHOT, TaskState.SHELVING):
            self._kill_unfilled_images(instance)
        power = power_state_of(host, instance)
        state = instance.vm_state
        if state not in (VmState.ERROR, VmState.RESCUED):
            state = STATE_OF_POWER[power]
        if instance.task_state == TaskState.REBUILDING and power == PowerState.NOSTATE:
            state = VmState.ERROR
        host.fail(
            instance.uuid,
            Interrupted(host.name, instance.uuid, f"in task {instance.task_state}"),
            InstanceChanges(vm_state=state, task_state=None, power_state=power),
            "the interrupted task is over",
        )

    def _kill_unfilled_images(self, instance: Instance) -> None:
        images = self._host.images
        for image in images.all():
            is_of_server = image.properties.get("instance_uuid") == instance.uuid
            if image.status == "queued" and is_of_server:
                images.finish(image.id, "killed", 0)


def holds_nothing(instance: Instance) -> bool:
    """Whether a server has come to an end, or is put away, so that nothing may be held for it."""
    is_nowhere = instance.host is None and instance.task_state is None
    return instance.deleted or (is_nowhere and instance.vm_state in _NOWHERE)
