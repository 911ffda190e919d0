"""The API database's record of what was asked for: build requests and request specs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, select

from cellrig.db import api_tables as tables
from cellrig.db.database import Database, Row, Statement
from cellrig.db.statements import delete_by, insert_into, select_by, select_in, update_by
from cellrig.errors import NotFound
from cellrig.model import BlockDeviceMapping, BuildRequest, Instance, RequestSpec

_decode_instance = msgspec.json.Decoder(Instance).decode
_decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_block_devices = msgspec.json.Decoder(tuple[BlockDeviceMapping, ...]).decode
_decode_spec = msgspec.json.Decoder(RequestSpec).decode
_NEWEST_FIRST = select(tables.build_requests).order_by(
    tables.build_requests.c.created_at.desc(), tables.build_requests.c.instance_uuid.desc()
)
_ALL = Statement(_NEWEST_FIRST)
_OF_PROJECT = Statement(
    _NEWEST_FIRST.where(tables.build_requests.c.project_id == bindparam("project_id"))
)

#: The most uuids that go into one statement's list.
_LIST = 1000


def _build_request(row: Row) -> BuildRequest:
    return BuildRequest(
        _decode_instance(row[3]), _decode_tags(row[4]), _decode_block_devices(row[5])
    )


class RequestStore:
    """Build requests and request specs.

    Args:
        database: the API database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, requests: Sequence[tuple[BuildRequest, RequestSpec]]) -> None:
        """Write build request, request spec, mapping and group membership of new servers."""
        with self._database.transaction() as transaction:
            for request, spec in requests:
                instance = request.instance
                transaction.run(
                    insert_into(tables.build_requests),
                    instance_uuid=instance.uuid,
                    project_id=instance.project_id,
                    created_at=instance.created_at,
                    instance=msgspec.json.encode(instance).decode(),
                    tags=msgspec.json.encode(request.tags).decode(),
                    block_devices=msgspec.json.encode(request.block_devices).decode(),
                )
                transaction.run(
                    insert_into(tables.request_specs),
                    instance_uuid=instance.uuid,
                    spec=msgspec.json.encode(spec).decode(),
                )
                transaction.run(
                    insert_into(tables.instance_mappings),
                    instance_uuid=instance.uuid,
                    cell=None,
                    project_id=instance.project_id,
                    user_id=instance.user_id,
                    queued_for_delete=0,
                    created_at=instance.created_at,
                )
                if spec.group_uuid is not None:
                    transaction.run(
                        insert_into(tables.server_group_members),
                        group_uuid=spec.group_uuid,
                        instance_uuid=instance.uuid,
                    )

    def build_get(self, instance_uuid: str) -> BuildRequest:
        """Return a server's build request.

        Raises:
            NotFound: it has none (any more).
        """
        row = self._database.one(
            select_by(tables.build_requests, "instance_uuid"), instance_uuid=instance_uuid
        )
        if row is None:
            raise NotFound("build request", instance_uuid)
        return _build_request(row)

    def build_all(self, project_id: str | None = None) -> list[BuildRequest]:
        """Return the build requests of a project, or all, the newest first."""
        if project_id is None:
            rows = self._database.all(_ALL)
        else:
            rows = self._database.all(_OF_PROJECT, project_id=project_id)
        return [_build_request(row) for row in rows]

    def build_delete(self, instance_uuid: str) -> BuildRequest | None:
        """End a server's build request because the user deletes the server.

        In the same transaction the mapping is queued for deletion, the request spec is forgotten
        and the server leaves its group, so a conductor that is about to place the server sees it.

        Returns:
            What was asked for; None when it has none any more: the server is in a cell by now.
        """
        with self._database.transaction() as transaction:
            row = transaction.one(
                select_by(tables.build_requests, "instance_uuid"), instance_uuid=instance_uuid
            )
            if row is not None:
                transaction.run(
                    delete_by(tables.build_requests, "instance_uuid"), instance_uuid=instance_uuid
                )
                transaction.run(
                    update_by(tables.instance_mappings, "instance_uuid", "queued_for_delete"),
                    by_instance_uuid=instance_uuid,
                    queued_for_delete=1,
                )
                for table in (tables.request_specs, tables.server_group_members):
                    transaction.run(delete_by(table, "instance_uuid"), instance_uuid=instance_uuid)
        return None if row is None else _build_request(row)

    def spec_get(self, instance_uuid: str) -> RequestSpec:
        """Return what a server needs of a host.

        Raises:
            NotFound: there is no such server.
        """
        row = self._database.one(
            select_by(tables.request_specs, "instance_uuid"), instance_uuid=instance_uuid
        )
        if row is None:
            raise NotFound("request spec", instance_uuid)
        return _decode_spec(row[1])

    def specs(self, instance_uuids: Sequence[str]) -> dict[str, RequestSpec]:
        """Return what some servers need of a host, of those that are not deleted."""
        statement = select_in(tables.request_specs, "instance_uuid", "instance_uuid")
        found: dict[str, RequestSpec] = {}
        with self._database.reading() as transaction:
            for start in range(0, len(instance_uuids), _LIST):
                rows = transaction.all(statement, keys=instance_uuids[start : start + _LIST])
                found.update((uuid, _decode_spec(text)) for uuid, text in rows)
        return found

    def spec_save(self, spec: RequestSpec) -> None:
        """Change what a server needs of a host."""
        with self._database.transaction() as transaction:
            transaction.run(
                update_by(tables.request_specs, "instance_uuid", "spec"),
                by_instance_uuid=spec.instance_uuid,
                spec=msgspec.json.encode(spec).decode(),
            )

    def spec_delete(self, instance_uuid: str) -> None:
        """Forget what a deleted server needed, and its membership of a group."""
        with self._database.transaction() as transaction:
            for table in (tables.request_specs, tables.server_group_members):
                transaction.run(delete_by(table, "instance_uuid"), instance_uuid=instance_uuid)
