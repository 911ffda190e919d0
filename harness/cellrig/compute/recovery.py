"""Getting a host's servers in order after its service has died in the middle of something."""

from __future__ import annotations

from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost
from cellrig.compute.operations import Operations, power_state_of
from cellrig.context import RequestContext
from cellrig.errors import CellrigError, NotFound
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


class Interrupted(CellrigError):
    """The compute service was restarted while it worked on a server."""

    template = "the compute service of host {0} restarted while server {1} was {2}"


class Recovery:
    """What a compute service does when it starts, before and after it listens to the bus.

    Args:
        host: its host.
        operations: to finish deletions with.
    """

    def __init__(self, host: ComputeHost, operations: Operations) -> None:
        self._host = host
        self._operations = operations

    def finish_interrupted(self, context: RequestContext) -> None:
        """Bring every server that the databases place here to an end of what was being done.

        A build that the host had taken ends in ERROR with nothing left of it; a deletion is
        completed; any other task is over, and the server is what its guest is.
        """
        for instance in self._host.instances.all_on_host(self._host.name):
            if instance.task_state == TaskState.DELETING:
                self._operations.terminate(context, instance.uuid)
            elif instance.vm_state == VmState.BUILDING:
                self._end_build(instance)
            elif instance.task_state is not None:
                self._end_task(instance)

    def end_untaken_builds(self) -> None:
        """End the builds that were sent to this host and died with the service before it took them.

        Run after the queued messages have been handed out: a build that is still to be taken then
        has no message any more. A consumer that the cell does not know is a server on its way
        into the cell, and none of this host's business.
        """
        host = self._host
        for node in host.hosts.nodes_of_host(host.name):
            held = {
                consumer.consumer_uuid
                for provider in host.placement.get_provider_tree(node.uuid)
                for consumer in host.placement.get_provider_allocations(provider.uuid)
            }
            for instance_uuid in sorted(held):
                with host.lock(instance_uuid):
                    self._end_if_untaken(instance_uuid)

    def _end_if_untaken(self, instance_uuid: str) -> None:
        host = self._host
        try:
            instance = host.instances.get(instance_uuid)
        except NotFound as error:
            host.seams.handled(error, "the server is on its way into the cell")
            return
        if instance.deleted or (instance.vm_state == VmState.ERROR and instance.host is None):
            host.release(instance_uuid)
        elif instance.vm_state == VmState.BUILDING and instance.host is None:
            self._end_build(instance)

    def _end_build(self, instance: Instance) -> None:
        host = self._host
        try:
            host.driver.destroy(guest_of(instance), ())
        except Exception as error:  # noqa: BLE001 - the periodic clean-up finds the guest again
            host.seams.handled(error, "the guest is left to the periodic clean-up")
        host.release(instance.uuid)
        host.fail(
            instance.uuid,
            Interrupted(host.name, instance.uuid, "being built"),
            InstanceChanges(vm_state=VmState.ERROR, task_state=None, host=None, node=None),
            "the interrupted build is over",
        )

    def _end_task(self, instance: Instance) -> None:
        host = self._host
        power = power_state_of(host, instance.uuid)
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
