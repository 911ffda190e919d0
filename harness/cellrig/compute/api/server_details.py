"""What the API shows of servers beside their own records, read for many of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cellrig.compute.api.policy import check_unlocked, may_see
from cellrig.compute.api.requests import zones_of
from cellrig.compute.api.servers import Servers, is_up
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.db.hosts import COMPUTE
from cellrig.errors import Conflict, NotFound
from cellrig.model import (
    BlockDeviceMapping,
    Presentation,
    RequestSpec,
    Server,
    Service,
    UnknownServer,
)


class ServerDetail(msgspec.Struct, frozen=True):
    """What is shown of one server beside its record.

    Args:
        presentation: what its user says of it.
        volumes: those that it has or is about to get.
        spec: what it needs of a host; None of a deleted server.
        host_status: UP, UNKNOWN, DOWN, MAINTENANCE; empty where it is on no host or the caller may
            not know.
    """

    presentation: Presentation
    volumes: tuple[BlockDeviceMapping, ...]
    spec: RequestSpec | None
    host_status: str


class _CellDetails(msgspec.Struct, frozen=True):
    volumes: dict[str, list[BlockDeviceMapping]]
    hosts: dict[str, str]


class ServerDetails:
    """Reads details.

    Args:
        around: the compute API's surroundings.
        servers: to find servers with.
    """

    def __init__(self, around: Surroundings, servers: Servers) -> None:
        self._around = around
        self._servers = servers

    def of(self, context: RequestContext, servers: Sequence[Server]) -> dict[str, ServerDetail]:
        """Return the details of some servers, by id; a cell that does not answer tells none."""
        around = self._around
        ids = [server.id for server in servers]
        presentations = around.api.presentations.of_servers(ids)
        specs = around.api.requests.specs(ids)
        cells = self._of_cells(context, servers)
        found: dict[str, ServerDetail] = {}
        for server in servers:
            told = cells.get(server.cell or "") or _CellDetails({}, {})
            found[server.id] = ServerDetail(
                presentations.get(server.id, Presentation()),
                tuple(told.volumes.get(server.id, ())),
                specs.get(server.id),
                told.hosts.get(server.host or "", ""),
            )
        return found

    def unknown(self, context: RequestContext, server_id: str) -> tuple[UnknownServer, RequestSpec]:
        """Return what is known of a server whose cell does not answer (microversion 2.69).

        Raises:
            NotFound: there is none, it is deleted, or it is another project's.
        """
        around = self._around
        mapping = around.api.mappings.instance_get(server_id)
        if mapping.queued_for_delete or not may_see(context, mapping.project_id):
            raise NotFound("server", server_id)
        spec = around.api.requests.spec_get(server_id)
        server = UnknownServer(
            server_id, mapping.project_id, mapping.user_id, mapping.cell or "", mapping.created_at
        )
        return server, spec

    def pin(self, context: RequestContext, server_id: str, zone: str | None) -> None:
        """Bind a server to an availability zone, or to none (microversion 2.104).

        Raises:
            NotFound: there is no such zone.
            Conflict: the server is on a host of another zone, or is being changed.
        """
        _cell, instance = self._servers.find(context, server_id)
        check_unlocked(context, instance)
        if instance.task_state is not None:
            raise Conflict(f"server {server_id} is in task_state {instance.task_state}")
        if zone is not None and zone not in zones_of(self._around.api.aggregates.all()):
            raise NotFound("availability zone", zone)
        if zone is not None and instance.host is not None and zone != instance.availability_zone:
            raise Conflict(
                f"server {server_id} is on host {instance.host} of availability zone "
                f"{instance.availability_zone}: it cannot be bound to {zone}"
            )
        spec = self._around.api.requests.spec_get(server_id)
        self._around.api.requests.spec_save(msgspec.structs.replace(spec, availability_zone=zone))

    def _of_cells(
        self, context: RequestContext, servers: Sequence[Server]
    ) -> Mapping[str, _CellDetails]:
        ids: dict[str, list[str]] = {}
        for server in servers:
            if server.cell is not None:
                ids.setdefault(server.cell, []).append(server.id)
        databases = self._around.cells.databases
        gathered = self._around.cells.scatter.gather(
            {name: databases[name] for name in ids},
            lambda cell: self._of_cell(context, cell, ids[cell.name]),
        )
        return gathered.answers

    def _of_cell(
        self, context: RequestContext, cell: CellDatabase, ids: Sequence[str]
    ) -> _CellDetails:
        volumes: dict[str, list[BlockDeviceMapping]] = {}
        for mapping in cell.block_devices.of_instances(ids):
            if mapping.volume_id is not None:
                volumes.setdefault(mapping.instance_uuid, []).append(mapping)
        now = self._around.runtime.now()
        services = cell.hosts.services() if context.is_admin else []
        return _CellDetails(
            volumes,
            {each.host: host_status(each, now) for each in services if each.binary == COMPUTE},
        )


def host_status(service: Service, now: float) -> str:
    """Return what the API says of a server's host (microversion 2.16)."""
    if service.forced_down:
        return "DOWN"
    if not is_up(service, now):
        return "UNKNOWN"
    return "MAINTENANCE" if service.disabled else "UP"
