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
    reserve_volumes,
)
from cellrig.compute.api.policy import check_unlocked, may_see
from cellrig.compute.api.record_lists import (
    ACTIONS,
    action_conditions,
    actions_of,
    check_limit,
    position_of_marker,
)
from cellrig.compute.api.requests import (
    CheckedRequest,
    ServerRequest,
    check_metadata,
    check_name,
    check_request,
    check_tags,
)
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.shelving import SHELVED_IMAGE
from cellrig.compute.volume_deletion import delete_volumes
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.db.hosts import COMPUTE
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.model import (
    BuildRequest,
    Instance,
    InstanceAction,
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    Presentation,
    RequestSpec,
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

    def create(self, context: RequestContext, asked: ServerRequest) -> list[Server]:
        """Ask for servers; they are built after this has returned.

        Returns:
            The servers as they are asked for: in no cell, status BUILD.

        Raises:
            Invalid, NotFound, Forbidden: see `check_request`; nothing has been written.
        """
        around = self._around
        checked = check_request(context, around, asked)
        reservation = f"r-{around.new_uuid()[:8]}"
        pairs = [
            self._request(context, checked, reservation, index) for index in range(asked.count)
        ]
        try:
            pairs = self._with_volumes(context, pairs)
            around.api.requests.create([(request, _lasting(spec)) for request, spec in pairs])
            if asked.presentation != Presentation():
                uuids = [request.instance.uuid for request, _spec in pairs]
                around.api.presentations.save(uuids, asked.presentation)
            around.conductor.schedule_and_build_instances(
                context,
                tuple(request for request, _spec in pairs),
                tuple(spec for _request, spec in pairs),
            )
        except Exception:
            for request, _spec in pairs:
                self._withdraw(request.instance.uuid)
                free_attachments(context, around, request.block_devices)
            raise
        return [server_of(request.instance, None, request.tags) for request, _spec in pairs]

    def _with_volumes(
        self, context: RequestContext, pairs: list[tuple[BuildRequest, RequestSpec]]
    ) -> list[tuple[BuildRequest, RequestSpec]]:
        """Reserve the volumes of all the servers of a request, or none."""
        mappings = [mapping for request, _spec in pairs for mapping in request.block_devices]
        if not mappings:
            return pairs
        reserved = reserve_volumes(context, self._around, mappings)
        return [
            (
                msgspec.structs.replace(
                    request,
                    block_devices=tuple(
                        each for each in reserved if each.instance_uuid == request.instance.uuid
                    ),
                ),
                spec,
            )
            for request, spec in pairs
        ]

    def _withdraw(self, instance_uuid: str) -> None:
        self._around.seams.insist(
            lambda: self._around.api.requests.build_delete(instance_uuid), "withdraw a request"
        )

    def _request(
        self, context: RequestContext, checked: CheckedRequest, reservation: str, index: int
    ) -> tuple[BuildRequest, RequestSpec]:
        asked, now = checked.asked, self._around.runtime.now()
        uuid = self._around.new_uuid()
        name = asked.name if asked.count == 1 else f"{asked.name}-{index + 1}"
        instance = Instance(
            uuid=uuid,
            name=name,
            project_id=context.project_id,
            user_id=context.user_id,
            task_state=TaskState.SCHEDULING,
            availability_zone=checked.zone,
            flavor_id=checked.flavor.id,
            flavor=checked.flavor,
            image_id=(
                None if checked.boots_from_volume or checked.image is None else checked.image.id
            ),
            key_name=asked.key_name,
            hostname=asked.hostname or name,
            server_group=asked.group,
            reservation_id=reservation,
            launch_index=index,
            created_at=now,
            updated_at=now,
            metadata=dict(asked.metadata),
        )
        mappings = (
            ()
            if checked.devices is None
            else checked.devices.mappings(uuid, checked.flavor, self._around.new_uuid)
        )
        request = BuildRequest(instance, tuple(sorted(set(asked.tags))), mappings)
        return request, checked.spec(context, uuid)

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
            self._order_deletion(context, cell, server_id)
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
            self._delete_here(context, cell, server_id)
            return
        compute = self._around.compute(host)
        insist(lambda: compute.terminate_instance(context, server_id), "order a deletion")

    def _delete_request(self, context: RequestContext, server_id: str) -> bool:
        """Delete a server that is in no cell yet; False where it is in one by now."""
        request = self._around.api.requests.build_delete(server_id)
        if request is not None:
            free_attachments(context, self._around, request.block_devices)
            around = self._around
            delete_volumes(context, around.volumes, around.seams, request.block_devices)
        return request is not None

    def _delete_here(self, context: RequestContext, cell: CellDatabase, server_id: str) -> None:
        """Delete a server without its host; a guest that is left goes when the host is back."""
        seams = self._around.seams
        mappings = seams.insist(
            lambda: cell.block_devices.of_instance(server_id), "see its volumes"
        )
        if mappings:
            end_attachments(context, self._around, mappings)
            delete_volumes(context, self._around.volumes, seams, mappings)
            seams.insist(lambda: cell.block_devices.destroy_all(server_id), "forget its volumes")
        moves = seams.insist(lambda: cell.migrations.of_instance(server_id), "see its moves")
        under_way = [migration for migration in moves if not migration.status.is_over]
        for consumer in (server_id, *(migration.uuid for migration in under_way)):
            seams.insist(
                partial(self._around.placement.delete_allocations, consumer),
                "give back an allocation",
            )
        for migration in under_way:
            self._end_move(context, cell, migration)
        seams.insist(lambda: cell.instances.destroy(server_id), "mark the server deleted")

    def _end_move(self, context: RequestContext, cell: CellDatabase, migration: Migration) -> None:
        """End a move of a server that is deleted without its host; its source forgets it."""
        around, insist, uuid = self._around, self._around.seams.insist, migration.uuid
        for attachment_id in migration.attachments.values():
            end_attachment(context, around, attachment_id)
        cancelled = MigrationChanges(status=MigrationStatus.CANCELLED)
        insist(lambda: cell.migrations.update(uuid, cancelled), "end a move")
        source = around.compute(migration.source_compute)
        server_id = migration.instance_uuid
        insist(lambda: source.forget_moved(context, server_id, uuid), "tell a source")

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
        return cell, _visible(context, cell.instances.get(server_id)), ()


def _lasting(spec: RequestSpec) -> RequestSpec:
    """Return what is remembered of a request: a host that was asked for at boot binds no move."""
    return msgspec.structs.replace(spec, requested_host=None, force_host=None, force_node=None)


def is_up(service: Service, now: float) -> bool:
    """Whether a service is alive, as far as its reports tell."""
    return service.is_up(now)


def _visible(context: RequestContext, instance: Instance) -> Instance:
    if instance.deleted or not may_see(context, instance.project_id):
        raise NotFound("server", instance.uuid)
    return instance
