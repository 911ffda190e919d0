"""What is done to a server that runs: power, pause, rescue, rebuild, snapshot.

Every operation has the same frame: the API has set a task state and sent a cast; the host takes
the server's lock, makes sure that the task is still wanted, does it, and records the end. When it
fails the task is over, the reason is a fault, and the server is as it was, or in ERROR where the
driver has a bug.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of, image_of, source_of
from cellrig.compute.host import ComputeHost, power_state_of, state_after
from cellrig.compute.interfaces import devices_here, note_functions
from cellrig.context import RequestContext
from cellrig.driver.errors import GuestNotFound
from cellrig.driver.values import Disk, RebootKind
from cellrig.errors import Conflict, NotFound
from cellrig.model import Instance, InstanceChanges, TaskState, VmState

Perform = Callable[[Instance], InstanceChanges]


class Operations:
    """The operations on one host's servers.

    Args:
        host: where.
    """

    def __init__(self, host: ComputeHost) -> None:
        self._host = host

    def start(self, context: RequestContext, instance_uuid: str) -> None:
        """Power on."""

        def perform(instance: Instance) -> InstanceChanges:
            self._power_on(instance)
            return self._done(instance, VmState.ACTIVE)

        self._do(context, instance_uuid, "start_instance", (TaskState.POWERING_ON,), perform)

    def stop(self, context: RequestContext, instance_uuid: str) -> None:
        """Power off."""

        def perform(instance: Instance) -> InstanceChanges:
            self._host.driver.power_off(guest_of(instance))
            return self._done(instance, VmState.STOPPED)

        self._do(context, instance_uuid, "stop_instance", (TaskState.POWERING_OFF,), perform)

    def reboot(self, context: RequestContext, instance_uuid: str, kind: str) -> None:
        """Reboot; a hard one also brings back a guest that the hypervisor has lost."""
        task = TaskState.REBOOTING if kind == "SOFT" else TaskState.REBOOTING_HARD

        def perform(instance: Instance) -> InstanceChanges:
            self._host.driver.reboot(
                guest_of(instance),
                RebootKind(kind),
                self._disks(instance),
                devices_here(self._host, instance),
            )
            return self._done(instance, VmState.ACTIVE)

        self._do(context, instance_uuid, "reboot_instance", (task,), perform)

    def pause(self, context: RequestContext, instance_uuid: str) -> None:
        """Pause."""

        def perform(instance: Instance) -> InstanceChanges:
            self._host.driver.pause(guest_of(instance))
            return self._done(instance, VmState.PAUSED)

        self._do(context, instance_uuid, "pause_instance", (TaskState.PAUSING,), perform)

    def unpause(self, context: RequestContext, instance_uuid: str) -> None:
        """Let go on."""

        def perform(instance: Instance) -> InstanceChanges:
            self._host.driver.unpause(guest_of(instance))
            return self._done(instance, VmState.ACTIVE)

        self._do(context, instance_uuid, "unpause_instance", (TaskState.UNPAUSING,), perform)

    def suspend(self, context: RequestContext, instance_uuid: str) -> None:
        """Suspend to disk."""

        def perform(instance: Instance) -> InstanceChanges:
            self._host.driver.suspend(guest_of(instance))
            return self._done(instance, VmState.SUSPENDED)

        self._do(context, instance_uuid, "suspend_instance", (TaskState.SUSPENDING,), perform)

    def resume(self, context: RequestContext, instance_uuid: str) -> None:
        """Bring back from disk."""

        def perform(instance: Instance) -> InstanceChanges:
            self._host.driver.resume(guest_of(instance))
            return self._done(instance, VmState.ACTIVE)

        self._do(context, instance_uuid, "resume_instance", (TaskState.RESUMING,), perform)

    def rescue(self, context: RequestContext, instance_uuid: str, image_id: str) -> None:
        """Boot from a rescue image."""

        def perform(instance: Instance) -> InstanceChanges:
            image = image_of(self._host.images.get(image_id))
            self._host.driver.rescue(guest_of(instance), image)
            return self._done(instance, VmState.RESCUED)

        self._do(context, instance_uuid, "rescue_instance", (TaskState.RESCUING,), perform)

    def unrescue(self, context: RequestContext, instance_uuid: str) -> None:
        """Boot from its own disk again."""

        def perform(instance: Instance) -> InstanceChanges:
            self._host.driver.unrescue(guest_of(instance))
            return self._done(instance, VmState.ACTIVE)

        self._do(context, instance_uuid, "unrescue_instance", (TaskState.UNRESCUING,), perform)

    def rebuild(self, context: RequestContext, instance_uuid: str, image_id: str) -> None:
        """Build anew from an image; the server keeps its host, what it holds there, its volumes.

        A server that boots from a volume goes on with what is on it. One that was stopped is
        stopped again afterwards.
        """

        def perform(instance: Instance) -> InstanceChanges:
            host = self._host
            of_volume = instance.boots_from_volume
            image = None if of_volume else image_of(host.images.get(image_id))
            guest = guest_of(instance)
            devices = devices_here(self._host, instance)
            disks = self._disks(instance)
            host.driver.destroy(guest, disks)
            host.driver.spawn(guest, image, disks, devices)
            note_functions(host, context, instance)
            if instance.vm_state == VmState.STOPPED:
                host.driver.power_off(guest)
                return self._done(instance, VmState.STOPPED)
            return self._done(instance, VmState.ACTIVE)

        self._do(
            context,
            instance_uuid,
            "rebuild_instance",
            (TaskState.REBUILDING,),
            perform,
            after_failure=VmState.ERROR,
        )

    def snapshot(self, context: RequestContext, instance_uuid: str, image_id: str) -> None:
        """Fill an image from the server's disk; a failed image is killed."""
        images = self._host.images

        def perform(instance: Instance) -> InstanceChanges:
            try:
                made = self._host.driver.snapshot(guest_of(instance), image_id)
                images.fill(image_id, source_of(made))
            except Exception:
                self._host.seams.insist(
                    lambda: images.finish(image_id, "killed", 0), "give up an image"
                )
                raise
            return InstanceChanges(task_state=None)

        self._do(context, instance_uuid, "snapshot_instance", (TaskState.IMAGE_SNAPSHOT,), perform)

    def console_output(self, instance_uuid: str) -> str:
        """Return what the guest wrote to its console."""
        return self._host.driver.get_console_output(
            guest_of(self._host.instances.get(instance_uuid))
        )

    def _power_on(self, instance: Instance) -> None:
        """Start a guest; one that the hypervisor has lost is made again from the record."""
        try:
            self._host.driver.power_on(guest_of(instance))
        except GuestNotFound as error:
            self._host.seams.handled(error, "the guest is made again by a hard reboot")
            self._host.driver.reboot(
                guest_of(instance),
                RebootKind.HARD,
                self._disks(instance),
                devices_here(self._host, instance),
            )

    def _done(self, instance: Instance, state: VmState) -> InstanceChanges:
        info = self._host.driver.get_guest(instance.uuid)
        return InstanceChanges(vm_state=state, task_state=None, power_state=info.power_state)

    def _disks(self, instance: Instance) -> Sequence[Disk]:
        return disks_of(self._host.block_devices.of_instance(instance.uuid))

    def _do(
        self,
        context: RequestContext,
        instance_uuid: str,
        event: str,
        tasks: tuple[TaskState, ...],
        perform: Perform,
        after_failure: VmState | None = None,
    ) -> None:
        host = self._host
        with host.lock(instance_uuid):
            instance = None
            try:
                instance = host.instances.get(instance_uuid)
                if instance.deleted or instance.task_state not in tasks:
                    return  # an older copy of the message, or the user deletes the server now
                with host.event(context, instance_uuid, event):
                    self._finish(instance_uuid, perform(instance), tasks)
            except Exception as error:  # noqa: BLE001 - ends as the server's fault
                self._failed(instance, error, after_failure, tasks)

    def _finish(
        self, instance_uuid: str, changes: InstanceChanges, tasks: tuple[TaskState, ...]
    ) -> None:
        instances = self._host.instances
        try:
            instances.update(instance_uuid, changes, expected_task_states=tasks)
        except (Conflict, NotFound) as error:
            self._host.seams.handled(error, "the server is being deleted")

    def _failed(
        self,
        instance: Instance | None,
        error: Exception,
        after_failure: VmState | None,
        tasks: tuple[TaskState, ...],
    ) -> None:
        """End the task; the record says of the power state what the hypervisor says."""
        host = self._host
        if instance is None:
            host.seams.handled(error, "the server is left to the periodic work")
            return
        host.fail(
            instance.uuid,
            error,
            InstanceChanges(
                vm_state=after_failure or state_after(error, instance.vm_state),
                task_state=None,
                power_state=power_state_of(host, instance),
            ),
            "the operation failed, the server is as it was",
            expected_task_states=tasks,
        )
