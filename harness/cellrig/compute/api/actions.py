"""What can be asked of a server that exists: power, lock, rescue, rebuild, snapshot.

Each sets the task state by compare-and-swap, so that of two users only one gets through, and then
sends a cast to the server's host. The states that allow an action are the field's (Compute API,
"Servers - run an action").
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cellrig.compute.api.policy import check_unlocked
from cellrig.compute.api.requests import check_image_fits
from cellrig.compute.api.servers import Servers
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.interface import ComputeService
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import Conflict, Invalid, NotFound
from cellrig.image import StoredImage
from cellrig.model import Instance, InstanceChanges, TaskState, VmState

_REBOOT_HARD = (
    VmState.ACTIVE,
    VmState.STOPPED,
    VmState.PAUSED,
    VmState.SUSPENDED,
    VmState.ERROR,
)
_SNAPSHOT = (VmState.ACTIVE, VmState.STOPPED, VmState.PAUSED, VmState.SUSPENDED)
_HARD_TASKS = (None, TaskState.REBOOTING, TaskState.REBOOTING_HARD)

Send = Callable[[ComputeService], None]


class ServerActions:
    """The actions.

    Args:
        around: the compute API's surroundings.
        servers: to find servers with.
    """

    def __init__(self, around: Surroundings, servers: Servers) -> None:
        self._around = around
        self._servers = servers

    def start(self, context: RequestContext, server_id: str) -> None:
        """Power a stopped server on."""
        self._act(
            context,
            server_id,
            "start",
            (VmState.STOPPED,),
            TaskState.POWERING_ON,
            lambda compute: compute.start_instance(context, server_id),
        )

    def stop(self, context: RequestContext, server_id: str) -> None:
        """Power a server off."""
        self._act(
            context,
            server_id,
            "stop",
            (VmState.ACTIVE, VmState.ERROR),
            TaskState.POWERING_OFF,
            lambda compute: compute.stop_instance(context, server_id),
        )

    def reboot(self, context: RequestContext, server_id: str, kind: str = "SOFT") -> None:
        """Reboot a server; kind is SOFT or HARD."""
        if kind not in ("SOFT", "HARD"):
            raise Invalid(f"reboot takes SOFT or HARD; it was given {kind!r}")
        hard = kind == "HARD"
        self._act(
            context,
            server_id,
            "reboot",
            _REBOOT_HARD if hard else (VmState.ACTIVE,),
            TaskState.REBOOTING_HARD if hard else TaskState.REBOOTING,
            lambda compute: compute.reboot_instance(context, server_id, kind),
            tasks=_HARD_TASKS if hard else (None,),
        )

    def pause(self, context: RequestContext, server_id: str) -> None:
        """Pause a server in memory."""
        self._act(
            context,
            server_id,
            "pause",
            (VmState.ACTIVE,),
            TaskState.PAUSING,
            lambda compute: compute.pause_instance(context, server_id),
        )

    def unpause(self, context: RequestContext, server_id: str) -> None:
        """Let a paused server go on."""
        self._act(
            context,
            server_id,
            "unpause",
            (VmState.PAUSED,),
            TaskState.UNPAUSING,
            lambda compute: compute.unpause_instance(context, server_id),
        )

    def suspend(self, context: RequestContext, server_id: str) -> None:
        """Suspend a server to disk."""
        self._act(
            context,
            server_id,
            "suspend",
            (VmState.ACTIVE,),
            TaskState.SUSPENDING,
            lambda compute: compute.suspend_instance(context, server_id),
        )

    def resume(self, context: RequestContext, server_id: str) -> None:
        """Bring a suspended server back."""
        self._act(
            context,
            server_id,
            "resume",
            (VmState.SUSPENDED,),
            TaskState.RESUMING,
            lambda compute: compute.resume_instance(context, server_id),
        )

    def rescue(self, context: RequestContext, server_id: str, image: str | None = None) -> None:
        """Boot a server from a rescue image: `image`, or the one it was built from."""
        _cell, instance = self._servers.find(context, server_id)
        chosen = image or instance.image_id
        if chosen is None:
            raise Invalid(f"server {server_id} has no image of its own: name one to rescue from")
        found = self._around.images.get(chosen)
        self._act(
            context,
            server_id,
            "rescue",
            (VmState.ACTIVE, VmState.STOPPED, VmState.ERROR),
            TaskState.RESCUING,
            lambda compute: compute.rescue_instance(context, server_id, found.id),
        )

    def unrescue(self, context: RequestContext, server_id: str) -> None:
        """Boot a rescued server from its own disk again."""
        self._act(
            context,
            server_id,
            "unrescue",
            (VmState.RESCUED,),
            TaskState.UNRESCUING,
            lambda compute: compute.unrescue_instance(context, server_id),
        )

    def rebuild(self, context: RequestContext, server_id: str, image: str) -> None:
        """Build a server anew from an image, where it is."""
        _cell, instance = self._servers.find(context, server_id)
        found = self._around.images.get(image)
        check_image_fits(found, instance.flavor)
        self._act(
            context,
            server_id,
            "rebuild",
            (VmState.ACTIVE, VmState.STOPPED, VmState.ERROR),
            TaskState.REBUILDING,
            lambda compute: compute.rebuild_instance(context, server_id, found.id),
            changes=InstanceChanges(image_id=found.id),
        )

    def create_image(self, context: RequestContext, server_id: str, name: str) -> StoredImage:
        """Make an image of a server's disk; it is queued when this returns, and filled later."""
        image = StoredImage(
            id=self._around.new_uuid(),
            name=name,
            status="queued",
            properties={"image_type": "snapshot", "instance_uuid": server_id},
        )
        _cell, instance = self._servers.find(context, server_id)
        _check_states(instance, "createImage", _SNAPSHOT)
        self._around.images.create(image)
        try:
            self._act(
                context,
                server_id,
                "createImage",
                _SNAPSHOT,
                TaskState.IMAGE_SNAPSHOT,
                lambda compute: compute.snapshot_instance(context, server_id, image.id),
            )
        except Exception:
            self._around.seams.insist(
                lambda: self._around.images.delete(image.id), "withdraw an image"
            )
            raise
        return image

    def lock(self, context: RequestContext, server_id: str, reason: str | None = None) -> None:
        """Keep users from changing a server."""
        cell, instance = self._in_cell(context, server_id)
        self._record(context, cell, instance, "lock")
        cell.instances.update(server_id, InstanceChanges(locked=True, locked_reason=reason))

    def unlock(self, context: RequestContext, server_id: str) -> None:
        """Let users change a server again."""
        cell, instance = self._in_cell(context, server_id)
        self._record(context, cell, instance, "unlock")
        cell.instances.update(server_id, InstanceChanges(locked=False, locked_reason=None))

    def _act(
        self,
        context: RequestContext,
        server_id: str,
        action: str,
        vm_states: tuple[VmState, ...],
        task: TaskState,
        send: Send,
        tasks: tuple[TaskState | None, ...] = (None,),
        changes: InstanceChanges | None = None,
    ) -> None:
        cell, instance = self._in_cell(context, server_id)
        check_unlocked(context, instance)
        _check_states(instance, action, vm_states)
        host = instance.host
        if host is None:
            raise Conflict(f"server {server_id} is on no host: it cannot {action}")
        begun = msgspec.structs.replace(changes or InstanceChanges(), task_state=task)
        try:
            cell.instances.update(
                server_id, begun, expected_task_states=tasks, expected_vm_states=vm_states
            )
            self._record(context, cell, instance, action)
            send(self._around.compute(host))
        except (Conflict, NotFound):
            raise  # the task, if there is one, is somebody else's
        except Exception:
            self._take_back(cell, instance, task)
            raise

    def _take_back(self, cell: CellDatabase, instance: Instance, task: TaskState) -> None:
        """Let a task be over that did not get to the host, and let the server be as it was."""
        before = InstanceChanges(task_state=None, image_id=instance.image_id)
        try:
            self._around.seams.insist(
                lambda: cell.instances.update(instance.uuid, before, (task, None)),
                "take a task back",
            )
        except (Conflict, NotFound) as error:
            self._around.seams.handled(error, "somebody else goes on with the server")

    def _in_cell(self, context: RequestContext, server_id: str) -> tuple[CellDatabase, Instance]:
        cell, instance = self._servers.find(context, server_id)
        if cell is None:
            raise Conflict(f"server {server_id} is still being scheduled")
        return cell, instance

    def _record(
        self, context: RequestContext, cell: CellDatabase, instance: Instance, action: str
    ) -> None:
        cell.actions.start(
            instance.uuid, action, context.request_id, instance.project_id, instance.user_id
        )


def _check_states(instance: Instance, action: str, vm_states: tuple[VmState, ...]) -> None:
    if instance.vm_state not in vm_states:
        raise Conflict(
            f"server {instance.uuid} is {instance.vm_state}; "
            f"{action} takes one that is {' or '.join(vm_states)}"
        )
