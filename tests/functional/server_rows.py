"""Servers written straight into the databases of a rig: many, and in any state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from cellrig import Rig
from cellrig.db.api_tables import build_requests, instance_mappings
from cellrig.db.cell_tables import instances, tags
from cellrig.db.instances import instance_to_row
from cellrig.db.requests import RequestStore
from cellrig.db.statements import delete_by, insert_into, update_by
from cellrig.model import BuildRequest, Flavor, Instance, RequestSpec

FLAVOR = Flavor("1", "tiny")


class Row(msgspec.Struct, frozen=True):
    """A server as it is written.

    Args:
        cell: where it is; None while it is only a build request.
    """

    instance: Instance
    cell: str | None
    tags: tuple[str, ...] = ()


def instance(uuid: str, **values: Any) -> Instance:
    """Return an instance; what is not given is as simple as can be."""
    given: dict[str, Any] = {
        "name": f"server {uuid}",
        "project_id": "blue",
        "user_id": "ann",
        "flavor_id": "1",
        "flavor": FLAVOR,
    }
    return Instance(uuid=uuid, **{**given, **values})


def write(rig: Rig, rows: Iterable[Row]) -> None:
    """Write servers with their mappings, in one transaction for each database."""
    written = list(rows)
    placed = [row for row in written if row.cell is not None]
    RequestStore(rig.databases["api"]).create([_asked(row) for row in written])
    with rig.databases["api"].transaction() as transaction:
        transaction.run_each(
            update_by(instance_mappings, "instance_uuid", "cell"),
            [{"by_instance_uuid": row.instance.uuid, "cell": row.cell} for row in placed],
        )
        transaction.run_each(
            delete_by(build_requests, "instance_uuid"),
            [{"instance_uuid": row.instance.uuid} for row in placed],
        )
    for cell in sorted({str(row.cell) for row in placed}):
        there = [row for row in placed if row.cell == cell]
        with rig.databases[cell].transaction() as transaction:
            transaction.run_each(
                insert_into(instances), [instance_to_row(row.instance) for row in there]
            )
            transaction.run_each(
                insert_into(tags),
                [
                    {"instance_uuid": row.instance.uuid, "tag": tag}
                    for row in there
                    for tag in row.tags
                ],
            )


def _asked(row: Row) -> tuple[BuildRequest, RequestSpec]:
    written = row.instance
    spec = RequestSpec(
        instance_uuid=written.uuid,
        project_id=written.project_id,
        user_id=written.user_id,
        flavor=written.flavor,
        image=None,
    )
    return BuildRequest(written, row.tags), spec
