"""Steps: what a host says and asks of a server at once, when it begins or ends a part of a move."""

from __future__ import annotations

import msgspec

from cellrig.model.block_device import BlockDeviceMapping
from cellrig.model.instance import Instance, InstanceChanges
from cellrig.model.migration import Migration, MigrationChanges, MigrationStatus
from cellrig.model.states import TaskState


class Event(msgspec.Struct, frozen=True):
    """A part of a request's action that begins.

    Args:
        name: of the part (``compute_finish_resize``).
        request_id: of the request.
        host: where it begins, where it begins on one.
    """

    name: str
    request_id: str
    host: str | None


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is written of a server and of its move: all of it, or nothing.

    Args:
        instance_uuid, migration_uuid: which.
        instance: what the server's record says from now on; None leaves it as it is.
        tasks: of which one the server must have; None for any.
        on_host: the host that it must be on; None for any.
        migration: what the move's record says from now on; None leaves it as it is.
        statuses: of which one the move must have; None for any.
        event: what begins.
    """

    instance_uuid: str
    migration_uuid: str
    instance: InstanceChanges | None = None
    tasks: tuple[TaskState | None, ...] | None = None
    on_host: str | None = None
    migration: MigrationChanges | None = None
    statuses: tuple[MigrationStatus, ...] | None = None
    event: Event | None = None

    @property
    def takes_server(self) -> bool:
        """Whether the server must be in a certain state; else it may even be deleted."""
        return any(each is not None for each in (self.instance, self.tasks, self.on_host))

    @property
    def writes(self) -> bool:
        """Whether anything is written."""
        return any(each is not None for each in (self.instance, self.migration, self.event))


class MovingServer(msgspec.Struct, frozen=True):
    """A server, its move and its volumes, as they are at one moment.

    Args:
        instance: its record, also of a deleted server.
        migration: the record of its move.
        mappings: its block devices: what it boots from first, then by device name.
        left_at: hosts that have still to clean up after earlier moves of it.
    """

    instance: Instance
    migration: Migration
    mappings: tuple[BlockDeviceMapping, ...]
    left_at: tuple[str, ...]
