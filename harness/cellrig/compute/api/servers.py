"""Servers: create, show, list, change, delete."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cellrig.compute.api.policy import check_unlocked, may_see
from cellrig.compute.api.requests import (
    CheckedRequest,
    ServerRequest,
    check_metadata,
    check_name,
    check_request,
    check_tags,
)
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.db.hosts import COMPUTE
from cellrig.errors import Conflict, NotFound
from cellrig.model import (
    BuildRequest,
    Instance,
    InstanceAction,
    InstanceChanges,
    RequestSpec,
    Server,
    ServerList,
    Service,
    TaskState,
    server_of,
)

#: Seconds without a report after which a service counts as down (the field's service_down_time).
SERVICE_DOWN_TIME = 60.0


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
            around.api.requests.create([(request, _lasting(spec)) for request, spec in pairs])
            around.conductor.schedule_and_build_instances(
                context,
                tuple(request for request, _spec in pairs),
                tuple(spec for _request, spec in pairs),
            )
        except Exception:
            for request, _spec in pairs:
                self._withdraw(request.instance.uuid)
            raise
        return [server_of(request.instance, None, request.tags) for request, _spec in pairs]

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
            image_id=None if checked.image is None else checked.image.id,
            key_name=asked.key_name,
            hostname=asked.hostname or name,
            server_group=asked.group,
            reservation_id=reservation,
            launch_index=index,
            created_at=now,
            updated_at=now,
            metadata=dict(asked.metadata),
        )
        return BuildRequest(instance, tuple(sorted(set(asked.tags)))), checked.spec(context, uuid)

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

    def all(self, context: RequestContext) -> ServerList:
        """Return all servers that the caller may see, those in no cell yet included."""
        requests = self._around.api.requests.build_all()
        gathered = self._around.cells.scatter.gather(
            self._around.cells.databases,
            lambda cell: [
                server_of(i, cell.name, cell.instances.tags(i.uuid), cell.instances.fault(i.uuid))
                for i in cell.instances.all()
                if may_see(context, i.project_id)
            ],
        )
        found = {server.id: server for answer in gathered.answers.values() for server in answer}
        for request in requests:
            if request.instance.uuid not in found and may_see(context, request.instance.project_id):
                found[request.instance.uuid] = server_of(request.instance, None, request.tags)
        servers = sorted(found.values(), key=lambda s: (s.created_at, s.id), reverse=True)
        return ServerList(tuple(servers), gathered.missing)

    def update(
        self,
        context: RequestContext,
        server_id: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, str] | None = None,
        tags: tuple[str, ...] | None = None,
    ) -> None:
        """Change a server's name, its whole metadata, or its tags; what is None stays."""
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
        )
        if changes.given():
            cell.instances.update(server_id, changes)

    def actions(self, context: RequestContext, server_id: str) -> list[InstanceAction]:
        """Return what was asked of a server, also of a deleted one, the newest first."""
        if not may_see(context, self._around.api.mappings.instance_get(server_id).project_id):
            raise NotFound("server", server_id)
        cell = self._around.cells.of_instance(server_id)
        return [] if cell is None else cell.actions.all(server_id)

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
        if around.api.requests.build_delete(server_id):
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

    def _order_deletion(self, context: RequestContext, cell: CellDatabase, server_id: str) -> None:
        insist = self._around.seams.insist
        deleting = InstanceChanges(task_state=TaskState.DELETING)
        instance = insist(lambda: cell.instances.update(server_id, deleting), "begin a deletion")
        host = instance.host
        if host is None or not insist(lambda: self._is_up(cell, host), "see whether a host is up"):
            self._delete_here(cell, server_id)
            return
        compute = self._around.compute(host)
        insist(lambda: compute.terminate_instance(context, server_id), "order a deletion")

    def _delete_here(self, cell: CellDatabase, server_id: str) -> None:
        """Delete a server without its host; a guest that is left goes when the host is back."""
        seams = self._around.seams
        seams.insist(
            lambda: self._around.placement.delete_allocations(server_id), "give back an allocation"
        )
        seams.insist(lambda: cell.instances.destroy(server_id), "mark the server deleted")

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
    return msgspec.structs.replace(spec, requested_host=None)


def is_up(service: Service, now: float) -> bool:
    """Whether a service is alive, as far as its reports tell."""
    return not service.forced_down and now - service.last_seen_up <= SERVICE_DOWN_TIME


def _visible(context: RequestContext, instance: Instance) -> Instance:
    if instance.deleted or not may_see(context, instance.project_id):
        raise NotFound("server", instance.uuid)
    return instance
