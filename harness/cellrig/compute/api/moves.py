"""Cold moves that users and administrators ask for, and what becomes of a resize."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from cellrig.compute.api.policy import check_admin, check_unlocked
from cellrig.compute.api.requests import check_image_fits
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.tasks import Tasks, check_states
from cellrig.compute.interface import ComputeService
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import CellrigError, Conflict, Invalid, NotFound
from cellrig.flavors import validate_extra_specs
from cellrig.model import (
    Flavor,
    Instance,
    Migration,
    MigrationChanges,
    MigrationStatus,
    TaskState,
    VmState,
)

_MOVABLE = (VmState.ACTIVE, VmState.STOPPED)


class Moves:
    """Cold migrations and resizes.

    Args:
        around: the compute API's surroundings.
        tasks: to begin them with.
    """

    def __init__(self, around: Surroundings, tasks: Tasks) -> None:
        self._around = around
        self._tasks = tasks

    def resize(self, context: RequestContext, server_id: str, flavor: str) -> None:
        """Give a server another size, on whatever host has the room.

        Raises:
            Invalid: the same flavor, a smaller disk, or one too small for the image.
            Conflict: the server's state.
        """
        cell, instance, _host = self._tasks.find_to_move(context, server_id, "resize", _MOVABLE)
        wanted = self._around.api.flavors.get(flavor)
        self._check_flavor(instance, wanted)
        self._tasks.begin(
            context,
            cell,
            instance,
            "resize",
            TaskState.RESIZE_PREP,
            _MOVABLE,
            lambda: self._around.conductor.migrate_server(context, server_id, wanted, None),
        )

    def migrate(self, context: RequestContext, server_id: str, host: str | None = None) -> None:
        """Move a server to another host while it is shut down (administrators).

        Args:
            context, server_id: who asks, for which server.
            host: where to (microversion 2.56); None lets the scheduler choose.

        Raises:
            Invalid: its own host, or one that is unknown, down or disabled; or one of another cell,
                where moves between cells are not allowed.
            Conflict: the server's state.
        """
        check_admin(context, "migrate a server")
        cell, instance, _host = self._tasks.find_to_move(context, server_id, "migrate", _MOVABLE)
        if host is not None:
            where = cell
            if self._around.cross_cell_moves:
                where = self._around.cells.databases[self._other_host(instance, host)]
            else:
                self.check_destination(cell, instance, host)
            self._tasks.check_target(where, host)
        self._tasks.begin(
            context,
            cell,
            instance,
            "migrate",
            TaskState.RESIZE_PREP,
            _MOVABLE,
            lambda: self._around.conductor.migrate_server(context, server_id, None, host),
        )

    def confirm(self, context: RequestContext, server_id: str) -> None:
        """Let a resize or cold migration be final.

        Raises:
            Conflict: there is nothing to confirm.
        """
        cell, instance, migration = self._finished(context, server_id, "confirmResize")
        self._end(
            context,
            cell,
            instance,
            migration,
            "confirmResize",
            (TaskState.RESIZE_CONFIRMING, MigrationStatus.CONFIRMING),
            migration.source_compute,
            lambda compute: compute.confirm_resize(context, server_id, migration.uuid),
        )
        if migration.new_flavor != migration.old_flavor:
            self._remember(server_id, migration.new_flavor)

    def _remember(self, server_id: str, flavor: Flavor) -> None:
        """Let a server's next move begin with its new size."""
        requests = self._around.api.requests
        try:
            spec = requests.spec_get(server_id)
            if spec.flavor != flavor:
                requests.spec_save(replace(spec, flavor=flavor))
        except CellrigError as error:
            self._around.seams.handled(error, "the next move remembers it")

    def revert(self, context: RequestContext, server_id: str) -> None:
        """Bring a server back to where it was before a resize or cold migration.

        Raises:
            Conflict: there is nothing to revert, or its source is down.
        """
        cell, instance, migration = self._finished(context, server_id, "revertResize")
        source = migration.source_compute
        home = self._around.cells.of_host(source) if migration.cross_cell else cell
        self._tasks.check_up(home, source, server_id)
        self._end(
            context,
            cell,
            instance,
            migration,
            "revertResize",
            (TaskState.RESIZE_REVERTING, MigrationStatus.REVERTING),
            str(instance.host),
            lambda compute: compute.revert_resize(context, server_id, migration.uuid),
        )

    def check_destination(self, cell: CellDatabase, instance: Instance, host: str) -> None:
        """Check a host that an administrator names.

        Raises:
            Invalid: it does not exist, is the server's own, or another cell's.
        """
        where = self._other_host(instance, host)
        if where != cell.name:
            raise Invalid(
                f"host {host} is in cell {where}; server {instance.uuid} is in cell {cell.name} "
                "and moves within it"
            )

    def _other_host(self, instance: Instance, host: str) -> str:
        """Return the cell of a host that an administrator names.

        Raises:
            Invalid: it does not exist, or is the server's own.
        """
        where = self._around.cell_of_host(host)
        if host == instance.host:
            raise Invalid(f"server {instance.uuid} is on host {host} already: name another one")
        return where

    def _check_flavor(self, instance: Instance, flavor: Flavor) -> None:
        current = instance.flavor
        if flavor.id == current.id:
            raise Invalid(
                f"server {instance.uuid} has flavor {current.name!r} already; a resize takes "
                "another one"
            )
        validate_extra_specs(flavor.extra_specs)
        if not instance.boots_from_volume and flavor.root_gb < current.root_gb:
            raise Invalid(
                f"the root disk of server {instance.uuid} has {current.root_gb} GiB and does not "
                f"shrink to the {flavor.root_gb} of flavor {flavor.name!r}"
            )
        if flavor.ephemeral_gb < current.ephemeral_gb:
            raise Invalid(
                f"the ephemeral disk of server {instance.uuid} has {current.ephemeral_gb} GiB and "
                f"does not shrink to the {flavor.ephemeral_gb} of flavor {flavor.name!r}"
            )
        if instance.image_id is not None:
            try:
                check_image_fits(self._around.images.get(instance.image_id), flavor)
            except NotFound as error:
                self._around.seams.handled(error, "an image that is deleted asks for nothing")

    def _finished(
        self, context: RequestContext, server_id: str, action: str
    ) -> tuple[CellDatabase, Instance, Migration]:
        cell, instance = self._tasks.placed(context, server_id)
        check_unlocked(context, instance)
        check_states(instance, action, (VmState.RESIZED,))
        for migration in cell.migrations.under_way_of(server_id):
            if migration.status == MigrationStatus.FINISHED:
                return cell, instance, migration
        raise Conflict(f"server {server_id} has no move that {action} could end")

    def _end(
        self,
        context: RequestContext,
        cell: CellDatabase,
        instance: Instance,
        migration: Migration,
        action: str,
        begun: tuple[TaskState, MigrationStatus],
        host: str,
        send: Callable[[ComputeService], None],
    ) -> None:
        """Begin to confirm or to revert; of two users only one gets through."""
        task, status = begun
        compute = self._around.compute(host)
        uuid, insist = migration.uuid, self._around.seams.insist

        def hand_on() -> None:
            allowed = (MigrationStatus.FINISHED, status)
            cell.migrations.update(uuid, MigrationChanges(status=status), allowed)
            if migration.cross_cell:
                self._around.conductor.go_on_across_cells(context, instance.uuid)
            else:
                send(compute)

        try:
            self._tasks.begin(context, cell, instance, action, task, (VmState.RESIZED,), hand_on)
        except Conflict:
            raise  # somebody else was faster
        except Exception:
            finished = MigrationChanges(status=MigrationStatus.FINISHED)
            allowed = (status, MigrationStatus.FINISHED)
            insist(lambda: cell.migrations.update(uuid, finished, allowed), "take a status back")
            raise
