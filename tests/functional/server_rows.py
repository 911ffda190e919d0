"""Servers written straight into the databases of a rig: many, and in any state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from cellrig import Rig
from cellrig.db.instances import InstanceStore
from cellrig.db.mappings import MappingStore
from cellrig.db.requests import RequestStore
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
    """Write servers with their mappings."""
    requests = RequestStore(rig.databases["api"])
    mappings = MappingStore(rig.databases["api"])
    for row in rows:
        written = row.instance
        spec = RequestSpec(
            instance_uuid=written.uuid,
            project_id=written.project_id,
            user_id=written.user_id,
            flavor=written.flavor,
            image=None,
        )
        requests.create([(BuildRequest(written, row.tags), spec)])
        if row.cell is not None:
            store = InstanceStore(rig.databases[row.cell], rig.runtime.now)
            store.create(written, row.tags)
            mappings.instance_place(written.uuid, row.cell)
