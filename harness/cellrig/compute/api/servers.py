"""Servers: create, show, list, change, delete."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec
from msgspec import UNSET, UnsetType

from cellrig.cells import Stream
from cellrig.compute.api.boot_volumes import (
    end_attachment,
    end_attachments,
    free_attachments,
)
from cellrig.compute.api.network_requests import free_interfaces
from cellrig.compute.api.policy import check_unlocked, may_see
from cellrig.compute.api.record_lists import (
    ACTIONS,
    action_conditions,
    actions_of,
    check_limit,
    position_of_marker,
)
from cellrig.compute.api.requests import (
    ServerRequest,
    check_metadata,
    check_name,
    check_tags,
)
from cellrig.compute.api.server_creation import ServerCreation
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.shelving import SHELVED_IMAGE
from cellrig.compute.volume_deletion import delete_volumes
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.db.hosts import COMPUTE
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.model import (
    Instance,
    InstanceAction,
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    Server,
    Service,
    TaskState,
    VmState,
    server_of,
)


class Servers:
    """The servers of the cloud.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._creation = ServerCreation(around)

    def create(self, context: RequestContext, asked: ServerRequest) -> list[Server]:
        """Ask for servers; see `ServerCreation.create`."""
        return self._creation.create(context, asked)

    def show(self, context: RequestContext, server_id: str) -> Server:
        """Return a server.

        Raises:
            NotFound: there is none, it is deleted, or it is another project's.
            DatabaseUnavailable: its cell is down.
        """
        cell, instance, tags = self._locate(context, server_id)
        if cell is None:
            return server_of(instance, None, tags)
        fault = cell.instances.fault(server_id)
        return server_of(instance, cell.name, cell.instances.tags(server_id), fault)

    def update(
        self,
        context: RequestContext,
        server_id: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, str] | None = None,
        tags: tuple[str, ...] | None = None,
        hostname: str | None = None,
        key_name: str | UnsetType | None = UNSET,
    ) -> None:
        """Change a server's name, whole metadata, tags or hostname; what is None stays.

        A key name of None takes the key away.
        """
        cell, instance = self.find(context, server_id)
        check_unlocked(context, instance)
        if cell is None:
            raise Conflict(f"server {server_id} is in no cell yet: change it when it is")
        if name is not None:
            check_name(name)
        if metadata is not None:
            check_metadata(metadata)
        if tags is not None:
            check_tags(tags)
            cell.instances.set_tags(server_id, tags)
        changes = InstanceChanges(
            name=name if name is not None else msgspec.UNSET,
            metadata=dict(metadata) if metadata is not None else msgspec.UNSET,
            hostname=hostname if hostname is not None else msgspec.UNSET,
            key_name=key_name,
        )
        if changes.given():
            cell.instances.update(server_id, changes)

    def actions(
        self,
        context: RequestContext,
        server_id: str,
        *,
        changes_since: float | None = None,
        changes_before: float | None = None,
        limit: int | None = None,
        marker: str | None = None,
    ) -> list[InstanceAction]:
        """Return what was asked of a server, also of a deleted one, the newest first.

        Args:
            context: who asks.
            server_id: which.
            changes_since, changes_before: begun or ended then or later, then or earlier.
            limit: the most to return; None for all.
            marker: the request id of the last action of the page before.

        Raises:
            NotFound: there was never such a server, or it is another project's.
            MarkerNotFound: no action of the server is of that request.
            CellUnavailable: its cell does not answer.
        """
        check_limit(limit)
        if not may_see(context, self._around.api.mappings.instance_get(server_id).project_id):
            raise NotFound("server", server_id)
        cells = self._around.cells
        asked = cells.of_instances((server_id,))
        stream = Stream(
            cells.scatter,
            asked,
            actions_of,
            action_conditions(server_id, changes_since, changes_before),
            ACTIONS,
            limit,
            position_of_marker(
                cells,
                asked,
                marker,
                lambda cell: cell.listing.action_position(server_id, marker or "", ACTIONS),
            ),
        )
        found = list(stream)
        for missing in stream.missing.values():
            raise missing
        return found

    def console_output(self, context: RequestContext, server_id: str) -> str:
        """Return what a server wrote to its console."""
        _cell, instance = self.find(context, server_id)
        if instance.host is None:
            raise Conflict(f"server {server_id} is on no host: it has no console")
        return self._around.compute(instance.host).get_console_output(context, server_id)

    def delete(self, context: RequestContext, server_id: str) -> None:
        """Delete a server, in whatever state it is.

        A server that is still a build request, on no host, in cell0, or on a host whose service is
        down is gone when this returns; else its host is told to delete it.

        Raises:
            NotFound: there is none.
            Conflict: it is locked, and the caller is no administrator.
        """
        around = self._around
        _cell, instance = self.find(context, server_id)
        check_unlocked(context, instance)
        if self._delete_request(context, server_id):
            return
        cell = around.cells.of_instance(server_id)
        if cell is None:
            raise NotFound("server", server_id)
        cell.actions.start(
            server_id, "delete", context.request_id, instance.project_id, instance.user_id
        )
        try:
            cell = self._order_where_it_is(context, cell, server_id)
        except NotFound:
            raise  # somebody else was faster
        except Exception:
            undone = InstanceChanges(task_state=instance.task_state)
            deleting = (TaskState.DELETING, instance.task_state)
            around.seams.insist(
                lambda: cell.instances.update(server_id, undone, deleting), "take a task back"
            )
            raise
        insist = around.seams.insist
        insist(lambda: around.api.mappings.instance_queue_for_delete(server_id), "note a deletion")
        insist(lambda: around.api.requests.spec_delete(server_id), "forget a request spec")
        self._delete_shelved_image(instance)
        if around.cross_cell_moves and _may_be_between_cells(instance):
            self._end_between_cells(context, server_id)

    def _order_where_it_is(
        self, context: RequestContext, cell: CellDatabase, server_id: str
    ) -> CellDatabase:
        """Order a deletion in the cell that has the server: it may have left `cell` meanwhile."""
        try:
            self._order_deletion(context, cell, server_id)
        except NotFound as error:
            other = self._around.cells.of_instance(server_id)
            if other is None or other.name == cell.name:
                raise
            self._around.seams.handled(error, "the server has moved to another cell meanwhile")
            self._order_deletion(context, other, server_id)
            return other
        return cell

    def _end_between_cells(self, context: RequestContext, server_id: str) -> None:
        """Let the cell that the server has come from forget it; what is not told is swept."""
        seams, conductor = self._around.seams, self._around.conductor
        try:
            seams.insist(
                lambda: conductor.end_deleted_across_cells(context, server_id), "end a move"
            )
        except CellrigError as error:
            seams.handled(error, "the super-conductor finds the move by itself")

    def _delete_shelved_image(self, instance: Instance) -> None:
        """Delete the image that a server was put away as; that it stays keeps no server."""
        image_id = instance.system_metadata.get(SHELVED_IMAGE)
        if image_id is None or instance.vm_state not in (
            VmState.SHELVED,
            VmState.SHELVED_OFFLOADED,
        ):
            return
        seams, images = self._around.seams, self._around.images
        try:
            seams.insist(lambda: images.delete(image_id), "delete the image of a shelved server")
        except NotFound as error:
            seams.handled(error, "the image is gone already")
        except CellrigError as error:
            seams.handled(error, "the image of a deleted server stays")

    def _order_deletion(self, context: RequestContext, cell: CellDatabase, server_id: str) -> None:
        insist = self._around.seams.insist
        deleting = InstanceChanges(task_state=TaskState.DELETING)
        instance = insist(lambda: cell.instances.update(server_id, deleting), "begin a deletion")
        host = instance.host
        if host is None or not insist(lambda: self._is_up(cell, host), "see whether a host is up"):
            self._delete_here(context, cell, instance)
            return
        compute = self._around.compute(host)
        insist(lambda: compute.terminate_instance(context, server_id), "order a deletion")

    def _delete_request(self, context: RequestContext, server_id: str) -> bool:
        """Delete a server that is in no cell yet; False where it is in one by now."""
        request = self._around.api.requests.build_delete(server_id)
        if request is not None:
            free_attachments(context, self._around, request.block_devices)
            around = self._around
            if request.instance.network_info:
                free_interfaces(context, around, server_id)
            delete_volumes(context, around.volumes, around.seams, request.block_devices)
        return request is not None

    def _delete_here(self, context: RequestContext, cell: CellDatabase, instance: Instance) -> None:
        """Delete a server without its host; a guest that is left goes when the host is back."""
        seams, server_id = self._around.seams, instance.uuid
        mappings = seams.insist(
            lambda: cell.block_devices.of_instance(server_id), "see its volumes"
        )
        if mappings:
            end_attachments(context, self._around, mappings)
            delete_volumes(context, self._around.volumes, seams, mappings)
            seams.insist(lambda: cell.block_devices.destroy_all(server_id), "forget its volumes")
        if instance.network_info:
            free_interfaces(context, self._around, server_id)
        under_way = seams.insist(lambda: cell.migrations.under_way_of(server_id), "see its moves")
        for consumer in (server_id, *(migration.uuid for migration in under_way)):
            seams.insist(
                partial(self._around.placement.delete_allocations, consumer),
                "give back an allocation",
            )
        for migration in under_way:
            self._end_move(context, cell, migration)
        seams.insist(lambda: cell.instances.destroy(server_id), "mark the server deleted")

    def _end_move(self, context: RequestContext, cell: CellDatabase, migration: Migration) -> None:
        """End a move of a server that is deleted without its host; its keeper forgets it.

        One from another cell the super-conductor ends.
        """
        if migration.cross_cell:
            home = self._around.seams.insist(
                lambda: self._around.cells.of_host(migration.source_compute), "see a cell"
            )
            if home.name != cell.name:
                return
        around, insist, uuid = self._around, self._around.seams.insist, migration.uuid
        for attachment_id in migration.attachments.values():
            end_attachment(context, around, attachment_id)
        keeper, server_id = migration.keeper, migration.instance_uuid
        over = MigrationChanges(status=MigrationStatus.CANCELLED, left_at=keeper)
        insist(lambda: cell.migrations.update(uuid, over), "end a move")
        if keeper is not None:
            compute = around.compute(keeper)
            insist(lambda: compute.forget_moved(context, server_id, uuid), "tell a host")

    def _is_up(self, cell: CellDatabase, host: str) -> bool:
        return is_up(cell.hosts.service_get(host, COMPUTE), self._around.runtime.now())

    def find(self, context: RequestContext, server_id: str) -> tuple[CellDatabase | None, Instance]:
        """Return a server's cell (None before it is in one) and its record.

        Raises:
            NotFound: there is none, it is deleted, or it is another project's.
        """
        cell, instance, _tags = self._locate(context, server_id)
        return cell, instance

    def _locate(
        self, context: RequestContext, server_id: str
    ) -> tuple[CellDatabase | None, Instance, tuple[str, ...]]:
        """Return also the tags of a server that is in no cell yet; in a cell they are its own.

        A build request that ends between two looks has become a server in a cell, or was deleted.
        """
        around = self._around
        mapping = around.api.mappings.instance_get(server_id)
        if mapping.cell is None:
            try:
                request = around.api.requests.build_get(server_id)
            except NotFound as error:
                around.seams.handled(error, "the server has moved on into a cell, or is deleted")
                mapping = around.api.mappings.instance_get(server_id)
                if mapping.cell is None:
                    raise NotFound("server", server_id) from None
            else:
                return None, _visible(context, request.instance), request.tags
        cell = around.cells.databases[mapping.cell]
        try:
            instance = cell.instances.get(server_id)
        except NotFound as error:
            moved = around.api.mappings.instance_get(server_id).cell
            if moved in (None, mapping.cell):
                raise
            around.seams.handled(error, "the server has moved to another cell meanwhile")
            cell = around.cells.databases[moved]
            instance = cell.instances.get(server_id)
        return cell, _visible(context, instance), ()


def _may_be_between_cells(instance: Instance) -> bool:
    moving = instance.task_state is not None and instance.task_state.startswith("resize_")
    return moving or instance.vm_state == VmState.RESIZED


def is_up(service: Service, now: float) -> bool:
    """Whether a service is alive, as far as its reports tell."""
    return service.is_up(now)


def _visible(context: RequestContext, instance: Instance) -> Instance:
    if instance.deleted or not may_see(context, instance.project_id):
        raise NotFound("server", instance.uuid)
    return instance
