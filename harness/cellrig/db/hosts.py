"""A cell's services and compute nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from cellrig.db import cell_tables as tables
from cellrig.db.database import Database, Row, Statement
from cellrig.db.statements import delete_by, insert_into, select_by, update_by
from cellrig.errors import NotFound
from cellrig.model import ComputeNode, Service

COMPUTE = "nova-compute"

_nodes, _services = tables.compute_nodes.c, tables.services.c
_WITH_SERVICE = Statement(
    select(tables.compute_nodes, tables.services)
    .join(tables.services, _services.host == _nodes.host)
    .where(_services.binary == COMPUTE, _nodes.uuid.in_(bindparam("uuids", expanding=True)))
)
_ALL_WITH_SERVICE = Statement(
    select(tables.compute_nodes, tables.services)
    .join(tables.services, _services.host == _nodes.host)
    .where(_services.binary == COMPUTE)
    .order_by(_nodes.host, _nodes.hypervisor_hostname)
)
_SERVICES = Statement(select(tables.services).order_by(_services.host, _services.binary))
_NODE_UUIDS = Statement(select(_nodes.uuid))
_COUNT_FAILURE = Statement(
    update(tables.compute_nodes)
    .where(_nodes.host == bindparam("by_host"))
    .values(failed_builds=_nodes.failed_builds + 1)
)
_FORGET_FAILURES = Statement(
    update(tables.compute_nodes)
    .where(_nodes.host == bindparam("by_host"), _nodes.failed_builds > 0)
    .values(failed_builds=0)
)
_NODE_COLUMNS = len(ComputeNode.__struct_fields__)


def service_from_row(row: Row) -> Service:
    """Return the service that a row holds."""
    uuid, host, binary, disabled, reason, forced_down, last_seen_up, version = row
    return Service(
        uuid, host, binary, bool(disabled), reason, bool(forced_down), last_seen_up, version
    )


def _with_service(row: Row) -> tuple[ComputeNode, Service]:
    return ComputeNode(*row[:_NODE_COLUMNS]), service_from_row(row[_NODE_COLUMNS:])


class HostStore:
    """The services and compute nodes of one cell.

    Args:
        database: the cell's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def service_register(self, service: Service) -> Service:
        """Note that a service is up: write its record, or refresh the one that it has.

        Returns:
            The record: its uuid, and what administrators have said of it, outlive a restart.
        """
        with self._database.transaction() as transaction:
            row = transaction.one(
                select_by(tables.services, "host", "binary"),
                host=service.host,
                binary=service.binary,
            )
            if row is not None:
                known = msgspec.structs.replace(
                    service_from_row(row), last_seen_up=service.last_seen_up
                )
                transaction.run(
                    update_by(tables.services, "uuid", "last_seen_up"),
                    by_uuid=known.uuid,
                    last_seen_up=service.last_seen_up,
                )
                return known
            values = msgspec.structs.asdict(service)
            values.update(disabled=int(service.disabled), forced_down=int(service.forced_down))
            transaction.run(insert_into(tables.services), **values)
        return service

    def service_get(self, host: str, binary: str = COMPUTE) -> Service:
        """Return the service `binary` of `host`.

        Raises:
            NotFound: the cell has none.
        """
        row = self._database.one(
            select_by(tables.services, "host", "binary"), host=host, binary=binary
        )
        if row is None:
            raise NotFound("service", f"{binary} on host {host}")
        return service_from_row(row)

    def service_update(self, service_uuid: str, changes: dict[str, Any]) -> None:
        """Change columns of a service's record."""
        row = {k: int(v) if isinstance(v, bool) else v for k, v in changes.items()}
        with self._database.transaction() as transaction:
            statement = update_by(tables.services, "uuid", *sorted(row))
            if not transaction.run(statement, by_uuid=service_uuid, **row):
                raise NotFound("service", service_uuid)

    def service_delete(self, service_uuid: str) -> None:
        """Forget a service; forgetting it twice is harmless."""
        with self._database.transaction() as transaction:
            transaction.run(delete_by(tables.services, "uuid"), uuid=service_uuid)

    def services(self) -> list[Service]:
        """Return all services, by host."""
        return [service_from_row(row) for row in self._database.all(_SERVICES)]

    def node_save(self, node: ComputeNode) -> None:
        """Write a node's record, new or changed; its count of failed builds stays."""
        row = msgspec.structs.asdict(node)
        with self._database.transaction() as transaction:
            changes = {k: v for k, v in row.items() if k not in ("uuid", "failed_builds")}
            statement = update_by(tables.compute_nodes, "uuid", *sorted(changes))
            if not transaction.run(statement, by_uuid=node.uuid, **changes):
                transaction.run(insert_into(tables.compute_nodes), **row)

    def node_delete(self, node_uuid: str) -> None:
        """Forget a node; forgetting it twice is harmless."""
        with self._database.transaction() as transaction:
            transaction.run(delete_by(tables.compute_nodes, "uuid"), uuid=node_uuid)

    def nodes_of_host(self, host: str) -> list[ComputeNode]:
        """Return the nodes of `host`."""
        rows = self._database.all(select_by(tables.compute_nodes, "host"), host=host)
        return [ComputeNode(*row) for row in rows]

    def node_uuids(self) -> list[str]:
        """Return the uuids of all nodes of the cell."""
        return [uuid for (uuid,) in self._database.all(_NODE_UUIDS)]

    def nodes(self, uuids: Sequence[str] | None = None) -> list[tuple[ComputeNode, Service]]:
        """Return nodes, each with its compute service: those in `uuids`, or all by host."""
        if uuids is None:
            rows = self._database.all(_ALL_WITH_SERVICE)
        else:
            rows = self._database.all(_WITH_SERVICE, uuids=uuids)
        return [_with_service(row) for row in rows]

    def build_failed(self, host: str) -> None:
        """Count a failed build on `host`."""
        with self._database.transaction() as transaction:
            transaction.run(_COUNT_FAILURE, by_host=host)

    def build_succeeded(self, host: str) -> None:
        """Forget the failed builds of `host`."""
        with self._database.transaction() as transaction:
            transaction.run(_FORGET_FAILURES, by_host=host)
