"""Hosts and how they are grouped."""

from __future__ import annotations

import msgspec

#: The cell of servers that no host could take. It has no hosts.
CELL0 = "cell0"

#: Seconds without a report after which a service counts as down (the field's service_down_time).
SERVICE_DOWN_TIME = 60.0


class Service(msgspec.Struct, frozen=True):
    """A service's own record in its cell.

    Args:
        binary: for example ``nova-compute``, as the field writes it.
        disabled: an administrator keeps new servers away.
        forced_down: an administrator says that it is dead.
        last_seen_up: when it last reported, seconds since the epoch.
    """

    uuid: str
    host: str
    binary: str
    disabled: bool = False
    disabled_reason: str | None = None
    forced_down: bool = False
    last_seen_up: float = 0.0
    version: int = 1

    def is_up(self, now: float) -> bool:
        """Whether the service is alive, as far as its reports tell."""
        return not self.forced_down and now - self.last_seen_up <= SERVICE_DOWN_TIME


class ComputeNode(msgspec.Struct, frozen=True):
    """A node: its record's uuid is that of its resource provider."""

    uuid: str
    host: str
    hypervisor_hostname: str
    hypervisor_type: str
    hypervisor_version: int
    vcpus: int
    memory_mb: int
    disk_gb: int
    failed_builds: int = 0


class Aggregate(msgspec.Struct, frozen=True):
    """A host aggregate. Metadata ``availability_zone`` makes it a zone."""

    id: int
    uuid: str
    name: str
    metadata: dict[str, str] = {}
    hosts: tuple[str, ...] = ()
    created_at: float = 0.0
    updated_at: float | None = None


class CellMapping(msgspec.Struct, frozen=True):
    """A cell, as the API database knows it."""

    uuid: str
    name: str
    disabled: bool = False


class InstanceMapping(msgspec.Struct, frozen=True):
    """Which cell an instance is in; `cell` is None until it has been scheduled.

    `created_at` is when the server was asked for, in seconds since the epoch.
    """

    instance_uuid: str
    cell: str | None
    project_id: str
    user_id: str
    queued_for_delete: bool = False
    created_at: float = 0.0
