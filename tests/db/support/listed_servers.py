"""Rows of servers for tests that list them."""

from __future__ import annotations

from typing import Any

from cellrig.db.instances import instance_to_row
from cellrig.model import Flavor, Instance


def server_row(uuid: str, name: str) -> dict[str, Any]:
    """Return the row of a server of project ``p``."""
    return instance_to_row(
        Instance(
            uuid=uuid,
            name=name,
            project_id="p",
            user_id="u",
            flavor_id="1",
            flavor=Flavor("1", "tiny"),
        )
    )
