"""How moves between cells end: confirmed, or broken off because their server is deleted."""

from __future__ import annotations

from cellrig.compute.cross_cell_images import MIGRATION as IMAGE_OF
from cellrig.conductor.crossings import Seen, is_up
from cellrig.conductor.moving import MoveTools
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.image import ImageClient
from cellrig.model import (
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    PowerState,
    TaskState,
    VmState,
)

#: Statuses in which the server's disk is, or will be, in an image that its destination needs.
_TRAVELLING = (
    MigrationStatus.PRE_MIGRATING,
    MigrationStatus.MIGRATING,
    MigrationStatus.POST_MIGRATING,
)


class CrossCellEnds:
    """Leaves nothing in the cell that a server has come from, and no image of its disk.

    Args:
        tools: of the super-conductor.
        images: by which disks travel.
        confirm_window: seconds after which a move is confirmed by itself; 0: never.
    """

    def __init__(self, tools: MoveTools, images: ImageClient, confirm_window: int) -> None:
        self._tools = tools
        self._images = images
        self._confirm_window = confirm_window

    def confirm(self, context: RequestContext, seen: Seen) -> None:
        """Let a server stay where it is; where its source is down, that waits."""
        if not self._erase(context, seen):
            return
        instance = seen.instance
        stopped = instance.power_state == PowerState.SHUTDOWN
        changes = InstanceChanges(
            vm_state=VmState.STOPPED if stopped else VmState.ACTIVE, task_state=None
        )
        try:
            self._tools.seams.insist(
                lambda: seen.cell.instances.update(
                    instance.uuid, changes, (TaskState.RESIZE_CONFIRMING, None), (VmState.RESIZED,)
                ),
                "confirm a move",
            )
        except (Conflict, NotFound) as error:
            self._tools.seams.handled(error, "the server is being deleted, or it is confirmed")
        self.note(seen, MigrationStatus.CONFIRMED)

    def confirm_overdue(self, seen: Seen) -> None:
        """Begin what a user begins who confirms, where the user has had the time."""
        limit = self._tools.runtime.now() - self._confirm_window
        if not self._confirm_window or seen.migration.history[-1][1] > limit:
            return
        begun = InstanceChanges(task_state=TaskState.RESIZE_CONFIRMING)
        try:
            seen.cell.instances.update(seen.instance.uuid, begun, (None,), (VmState.RESIZED,))
        except (Conflict, NotFound) as error:
            self._tools.seams.handled(error, "its user was faster")
            return
        self.note(seen, MigrationStatus.CONFIRMING)

    def end_deleted(self, context: RequestContext, seen: Seen) -> None:
        """End the move of a server that is deleted; at home its host does so."""
        if seen.at_home or not self._erase(context, seen):
            return
        arrived = any(status == MigrationStatus.FINISHED for status, _ in seen.migration.history)
        self.forget_image(seen)
        self.note(seen, MigrationStatus.CONFIRMED if arrived else MigrationStatus.CANCELLED)

    def _erase(self, context: RequestContext, seen: Seen) -> bool:
        """Let the source erase what it has kept; False where it is down, and it waits."""
        migration, instance = seen.migration, seen.instance
        if not is_up(self._tools, seen.home, migration.source_compute):
            return False
        source = self._tools.compute(migration.source_compute)
        self._tools.seams.insist(
            lambda: source.erase_departed(context, instance, migration), "erase what was kept"
        )
        return True

    def note(self, seen: Seen, status: MigrationStatus) -> None:
        """Note how far a move has come."""
        uuid, changes = seen.migration.uuid, MigrationChanges(status=status)
        self._tools.seams.insist(
            lambda: seen.cell.migrations.update(uuid, changes, (seen.migration.status, status)),
            "note how far a move has come",
        )

    def forget_image(self, seen: Seen) -> None:
        """Delete the image by which a server's disk has travelled; it is not needed any more."""
        if seen.instance.boots_from_volume:
            return
        self._delete_image(seen.migration.uuid)

    def _delete_image(self, image_id: str) -> None:
        seams = self._tools.seams

        def delete() -> None:
            try:
                self._images.delete(image_id)
            except NotFound as error:
                seams.handled(error, "it is gone already")

        try:
            seams.insist(delete, "delete a move's image")
        except CellrigError as error:
            seams.handled(error, "the next round deletes the image")

    def forget_image_in_vain(self, cell: CellDatabase, migration: Migration) -> None:
        """Delete the image of a move that did not get beyond its cell."""
        try:
            status = cell.migrations.get(migration.uuid).status
        except CellrigError as error:
            self._tools.seams.handled(error, "it is in the other cell, or the cell is away")
            return
        if status not in _TRAVELLING:
            self._delete_image(migration.uuid)

    def forget_images(self, under_way: dict[str, list[Migration]]) -> None:
        """Delete the images of all moves that are over, or have come beyond their need.

        Args:
            under_way: cell name to its moves, of all cells.
        """
        needed = {
            migration.uuid
            for migrations in under_way.values()
            for migration in migrations
            if migration.status in _TRAVELLING
        }
        for image in self._images.all():
            migration_uuid = image.properties.get(IMAGE_OF)
            if migration_uuid is not None and migration_uuid not in needed:
                self._delete_image(image.id)
