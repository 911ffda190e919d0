"""What travels while a server is being built."""

from __future__ import annotations

import msgspec

from cellrig.model.block_device import BlockDeviceMapping
from cellrig.model.instance import Instance
from cellrig.model.scheduling import RequestSpec, Selection, ServerGroup


class BuildRequest(msgspec.Struct, frozen=True):
    """A server that has been asked for and is in no cell yet."""

    instance: Instance
    tags: tuple[str, ...] = ()
    block_devices: tuple[BlockDeviceMapping, ...] = ()


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to build a server, as it is handed from host to host inside a cell.

    Args:
        instance_uuid: the server.
        spec: what it needs.
        group: its server group as it was when it was scheduled.
        selection: the host to build on; its resources are claimed.
        alternates: what is left to try after that, unclaimed, best first.
        has_volumes: whether the server has block device mappings.
        failures: hosts that have been tried, and what each said.
    """

    instance_uuid: str
    spec: RequestSpec
    group: ServerGroup | None
    selection: Selection
    alternates: tuple[Selection, ...] = ()
    has_volumes: bool = False
    failures: dict[str, str] = {}
