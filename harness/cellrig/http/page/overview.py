"""Everything that the page shows, read from a rig as one value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cellrig.compute.api import Migrations, ServerLists, Servers, Services, Tasks
from cellrig.compute.api.server_list import ServerQuery
from cellrig.context import RequestContext
from cellrig.http.page.happenings import Happenings
from cellrig.model import ComputeNode, Migration, Server
from cellrig.placement.types import ProviderRecord
from cellrig.volume.types import Volume

if TYPE_CHECKING:
    from cellrig.rig import Rig

#: The most of each kind that are shown: a page that a person reads.
_MOST = 500
_MOST_MIGRATIONS = 20


class Overview:
    """Reads a rig for the page.

    Args:
        rig: which has been started.
        happenings: what happened last.
    """

    def __init__(self, rig: Rig, happenings: Happenings) -> None:
        self._rig = rig
        self._happenings = happenings
        around = rig.compute
        tasks = Tasks(around, Servers(around))
        self._lists = ServerLists(around)
        self._services = Services(around)
        self._migrations = Migrations(around, tasks)

    def read(self) -> dict[str, Any]:
        """Return all of it, in values that JSON knows."""
        return self._rig.answer(self._read, "read an overview")

    def _read(self) -> dict[str, Any]:
        rig = self._rig
        context = rig.new_context("admin", "admin", True)
        servers = self._lists.detailed(context, ServerQuery(limit=_MOST))
        migrations, _missing = self._migrations.all(context, limit=_MOST_MIGRATIONS)
        volumes = rig.cloud.volumes.volume_list(context, all_projects=True)[:_MOST]
        names = {server.id: server.name for server in servers}
        return {
            "now": rig.runtime.now(),
            "cells": self._cells(context, servers.servers),
            "missing": {name: str(error) for name, error in servers.missing.items()},
            "elsewhere": [_server(server) for server in servers if server.host is None],
            "volumes": [self._volume(context, volume, names) for volume in volumes],
            "migrations": [_migration(each, names) for each in migrations],
            "happenings": [
                {
                    "at": each.at,
                    "what": each.what,
                    "host": each.host,
                    "server": names.get(each.server, each.server),
                    "error": each.error,
                }
                for each in self._happenings.latest()
            ],
        }

    def _cells(self, context: RequestContext, servers: Sequence[Server]) -> list[dict[str, Any]]:
        cells = self._rig.compute.cells
        told = cells.scatter.gather(
            cells.with_hosts(), lambda cell: [node for node, _service in cell.hosts.nodes()]
        )
        return [
            {
                "name": cell.name,
                "refuses": str(told.missing[cell.name]) if cell.name in told.missing else None,
                "hosts": [
                    self._host(context, node, servers) for node in told.answers.get(cell.name, ())
                ],
            }
            for cell in self._rig.topology.cells
        ]

    def _host(
        self, context: RequestContext, node: ComputeNode, servers: Iterable[Server]
    ) -> dict[str, Any]:
        service = self._services.show(context, node.host)
        tree = self._rig.placement.get_provider_tree(node.uuid)
        return {
            "name": node.host,
            "node": node.hypervisor_hostname,
            "hypervisor": node.hypervisor_type,
            "up": self._services.is_alive(service),
            "enabled": not service.disabled,
            "servers": [_server(each) for each in servers if each.node == node.hypervisor_hostname],
            "providers": [_provider(record, tree) for record in tree],
        }

    def _volume(
        self, context: RequestContext, volume: Volume, names: dict[str, str]
    ) -> dict[str, Any]:
        held = self._rig.cloud.volumes.attachment_list(
            context, volume_id=volume.id, all_projects=True
        )
        return {
            "id": volume.id,
            "name": volume.name,
            "size": volume.size,
            "status": str(volume.status),
            "multiattach": volume.multiattach,
            "held": [
                {
                    "server": names.get(each.instance_uuid or "", each.instance_uuid),
                    "host": each.host,
                    "status": str(each.status),
                    "mode": str(each.mode),
                }
                for each in held
            ],
        }


def _server(server: Server) -> dict[str, Any]:
    return {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "task": None if server.task_state is None else str(server.task_state),
        "flavor": server.flavor.name,
        "project": server.project_id,
    }


def _migration(migration: Migration, names: dict[str, str]) -> dict[str, Any]:
    return {
        "server": names.get(migration.instance_uuid, migration.instance_uuid),
        "type": str(migration.type),
        "status": str(migration.status),
        "source": migration.source_compute,
        "destination": migration.dest_compute,
        "at": migration.updated_at,
    }


def _provider(record: ProviderRecord, tree: Sequence[ProviderRecord]) -> dict[str, Any]:
    by_uuid = {each.uuid: each for each in tree}
    depth, parent = 0, record.parent_uuid
    while parent is not None:
        depth, parent = depth + 1, by_uuid[parent].parent_uuid
    return {
        "name": record.name,
        "depth": depth,
        "traits": sorted(trait for trait in record.traits if trait.startswith("CUSTOM_")),
        "inventories": [
            {"class": name, "used": record.usages.get(name, 0), "capacity": inventory.capacity}
            for name, inventory in sorted(record.inventories.items())
        ],
    }
