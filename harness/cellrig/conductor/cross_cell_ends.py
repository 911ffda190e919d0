"""How moves between cells end: confirmed, or broken off because their server is deleted."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from cellrig.compute.cross_cell_images import MIGRATION as IMAGE_OF
from cellrig.conductor.crossings import Seen, is_up
from cellrig.conductor.moving import MoveTools
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.image import ImageClient
from cellrig.model import (
    Instance,
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
        erased = self._erase(context, seen.home, seen.instance, seen.migration)
        if erased is None:
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
        self._end(seen, MigrationStatus.CONFIRMED, erased=erased)

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
        if seen.at_home:
            return
        erased = self._erase(context, seen.home, seen.instance, seen.migration)
        if erased is None:
            return
        arrived = any(status == MigrationStatus.FINISHED for status, _ in seen.migration.history)
        self.forget_image(seen)
        over = MigrationStatus.CONFIRMED if arrived else MigrationStatus.CANCELLED
        self._end(seen, over, erased=erased)

    def clean_up(self, context: RequestContext, cell: CellDatabase, migration_uuid: str) -> None:
        """Let a source erase what it failed to erase when a move between cells ended.

        Args:
            context: under which.
            cell: where the move's record is. Once that is the source's own, the source sees to it.
            migration_uuid: the move.

        Raises:
            Conflict: it still cannot.
        """
        migration = cell.migrations.get(migration_uuid)
        # A server that is on its way may come to just that host, which is made ready for it.
        if migration.left_at and not cell.migrations.under_way_of(migration.instance_uuid):
            self._erase_rest(context, cell, migration)

    def clean_up_before(
        self, context: RequestContext, cell: CellDatabase, instance_uuid: str, host: str
    ) -> None:
        """Let a host erase what it has kept of a server that may come back to it.

        Raises:
            Conflict: it still cannot.
        """
        for migration in cell.migrations.of_instance(instance_uuid):
            if migration.left_at == host:
                self._erase_rest(context, cell, migration)

    def _erase_rest(
        self, context: RequestContext, cell: CellDatabase, migration: Migration
    ) -> None:
        host, uuid = migration.source_compute, migration.instance_uuid
        home = self._tools.api.mappings.cell_of_host(host)
        if home == cell.name:
            return
        if not self._erase(context, home, cell.instances.get(uuid), migration):
            raise Conflict(f"host {host} has kept server {uuid}, and is down or cannot erase it")
        cell.migrations.update(migration.uuid, MigrationChanges(left_at=None))

    def _erase(
        self, context: RequestContext, home: str, instance: Instance, migration: Migration
    ) -> bool | None:
        """Let the source erase what it has kept; None where it is down, and that waits."""
        if not is_up(self._tools, home, migration.source_compute):
            return None
        source = self._tools.compute(migration.source_compute)
        return self._tools.seams.insist(
            lambda: source.erase_departed(context, instance, migration), "erase what was kept"
        )

    def _end(self, seen: Seen, status: MigrationStatus, *, erased: bool) -> None:
        self.note(seen, status, left_at=UNSET if erased else seen.migration.source_compute)

    def note(self, seen: Seen, status: MigrationStatus, left_at: str | UnsetType = UNSET) -> None:
        """Note how far a move has come, and who has still to clean up after it."""
        uuid = seen.migration.uuid
        changes = MigrationChanges(status=status, left_at=left_at)
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
