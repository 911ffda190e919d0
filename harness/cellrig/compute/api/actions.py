"""What can be asked of a server that exists: power, lock, rescue, rebuild, snapshot.

Each sets the task state by compare-and-swap, so that of two users only one gets through, and then
sends a cast to the server's host. The states that allow an action are the field's (Compute API,
"Servers - run an action").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cellrig.compute.api.host_traits import node_has_trait
from cellrig.compute.api.policy import check_admin
from cellrig.compute.api.requests import check_image_fits
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.tasks import Tasks
from cellrig.compute.api.volume_images import make_volume_image
from cellrig.compute.interface import ComputeService
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import Invalid
from cellrig.image import StoredImage
from cellrig.model import (
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    TaskState,
    VmState,
)

_REBOOT_HARD = (
    VmState.ACTIVE,
    VmState.STOPPED,
    VmState.PAUSED,
    VmState.SUSPENDED,
    VmState.ERROR,
)
_SNAPSHOT = (VmState.ACTIVE, VmState.STOPPED, VmState.PAUSED, VmState.SUSPENDED)
_RESCUES_VOLUMES = "COMPUTE_RESCUE_BFV"
_RESETS = {"active": VmState.ACTIVE, "error": VmState.ERROR}
_HARD_TASKS = (None, TaskState.REBOOTING, TaskState.REBOOTING_HARD)

Send = Callable[[ComputeService], None]


class ServerActions:
    """The actions.

    Args:
        around: the compute API's surroundings.
        tasks: to begin them with.
    """

    def __init__(self, around: Surroundings, tasks: Tasks) -> None:
        self._around = around
        self._tasks = tasks

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
        """Boot a server from a rescue image: `image`, or the one it was built from.

        One that boots from a volume can be rescued where its host can (microversion 2.87).
        """
        cell, instance = self._tasks.placed(context, server_id)
        chosen = image or instance.image_id
        if chosen is None:
            raise Invalid(f"server {server_id} has no image of its own: name one to rescue from")
        found = self._around.images.find(context, chosen)
        can = not instance.boots_from_volume or node_has_trait(
            self._around.placement, cell, instance, _RESCUES_VOLUMES
        )
        if instance.host is not None and not can:
            raise Invalid(
                f"server {server_id} boots from a volume, and host {instance.host} cannot rescue "
                "such a server"
            )
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
        _cell, instance = self._tasks.placed(context, server_id)
        found = self._around.images.find(context, image)
        check_image_fits(found, instance.hosted_flavor)
        if instance.boots_from_volume:
            self._check_same_image(server_id, found)
        self._act(
            context,
            server_id,
            "rebuild",
            (VmState.ACTIVE, VmState.STOPPED, VmState.ERROR),
            TaskState.REBUILDING,
            lambda compute: compute.rebuild_instance(context, server_id, found.id),
            changes=InstanceChanges(
                image_id=None if instance.boots_from_volume else found.id,
            ),
        )

    def _check_same_image(self, server_id: str, image: StoredImage) -> None:
        """Check that a server that boots from a volume is rebuilt from what is on that volume."""
        spec = self._around.api.requests.spec_get(server_id)
        if spec.image is None or spec.image.id != image.id:
            raise Invalid(
                f"server {server_id} boots from a volume: it is rebuilt from the image that the "
                f"volume was made from, not from {image.name!r}"
            )

    def create_image(
        self,
        context: RequestContext,
        server_id: str,
        name: str,
        properties: Mapping[str, str] | None = None,
    ) -> StoredImage:
        """Make an image of a server's disk; it is queued when this returns, and filled later.

        Of a server that boots from a volume, snapshots of its volumes are taken, which the image
        names; it is active when this returns.

        Args:
            context, server_id, name: who asks, of which server, under what name.
            properties: of the image, besides what says how it came to be.
        """
        cell, instance = self._tasks.find(context, server_id, "createImage", _SNAPSHOT)
        if instance.boots_from_volume:
            self._tasks.record(context, cell, instance, "createImage")
            mappings = cell.block_devices.of_instance(server_id)
            return make_volume_image(
                context, self._around, name, server_id, mappings, properties or {}
            )
        image = StoredImage(
            id=self._around.new_uuid(),
            name=name,
            status="queued",
            properties={
                "image_type": "snapshot",
                **(properties or {}),
                "instance_uuid": server_id,
            },
            owner=context.project_id,
        )
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
        cell, instance = self._tasks.placed(context, server_id)
        self._tasks.record(context, cell, instance, "lock")
        cell.instances.update(server_id, InstanceChanges(locked=True, locked_reason=reason))

    def unlock(self, context: RequestContext, server_id: str) -> None:
        """Let users change a server again."""
        cell, instance = self._tasks.placed(context, server_id)
        self._tasks.record(context, cell, instance, "unlock")
        cell.instances.update(server_id, InstanceChanges(locked=False, locked_reason=None))

    def reset_state(self, context: RequestContext, server_id: str, state: str) -> None:
        """Say what a server is, whatever it is and whatever is being done to it (administrators).

        Its guest is not touched (Compute API, "Reset Server State"). A move that waits to be
        confirmed is confirmed, because nobody could confirm or revert it any more.

        Args:
            context, server_id: who says so, of which server.
            state: ``active`` or ``error``.

        Raises:
            Invalid: another state.
            NotFound: there is no such server.
            Conflict: it is still being scheduled.
        """
        check_admin(context, "reset a server's state")
        if state not in _RESETS:
            raise Invalid(f"a server's state is reset to active or error, not to {state!r}")
        cell, instance = self._tasks.placed(context, server_id)
        cell.instances.update(
            instance.uuid, InstanceChanges(vm_state=_RESETS[state], task_state=None)
        )
        for migration in cell.migrations.under_way_of(server_id):
            if migration.status == MigrationStatus.FINISHED:
                self._confirm(context, cell, migration)

    def _confirm(self, context: RequestContext, cell: CellDatabase, migration: Migration) -> None:
        around, uuid = self._around, migration.uuid
        confirming = MigrationChanges(status=MigrationStatus.CONFIRMING)
        allowed = (MigrationStatus.FINISHED, MigrationStatus.CONFIRMING)
        around.seams.insist(
            lambda: cell.migrations.update(uuid, confirming, allowed), "confirm a move"
        )
        compute = around.compute(migration.source_compute)
        around.seams.insist(
            lambda: compute.confirm_resize(context, migration.instance_uuid, uuid),
            "tell a source",
        )

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
        cell, instance, host = self._tasks.find_on_host(context, server_id, action, vm_states)
        compute = self._around.compute(host)
        self._tasks.begin(
            context,
            cell,
            instance,
            action,
            task,
            vm_states,
            lambda: send(compute),
            tasks=tasks,
            changes=changes,
        )
