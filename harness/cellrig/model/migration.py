"""Migrations: the record of a server's move, and the consumer of what it holds meanwhile."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from cellrig.model.flavor import Flavor
from cellrig.model.scheduling import RequestSpec, Selection, ServerGroup
from cellrig.model.states import VmState


class MigrationType(StrEnum):
    """What sort of move it is, in the Compute API's words."""

    MIGRATION = "migration"
    RESIZE = "resize"
    LIVE_MIGRATION = "live-migration"
    EVACUATION = "evacuation"


class MigrationStatus(StrEnum):
    """How far a move has come, in the Compute API's words."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    PREPARING = "preparing"
    PRE_MIGRATING = "pre-migrating"
    MIGRATING = "migrating"
    RUNNING = "running"
    POST_MIGRATING = "post-migrating"
    FINISHED = "finished"
    CONFIRMING = "confirming"
    CONFIRMED = "confirmed"
    REVERTING = "reverting"
    REVERTED = "reverted"
    COMPLETED = "completed"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    ERROR = "error"

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen any more."""
        return self in _OVER


_OVER = (
    MigrationStatus.CONFIRMED,
    MigrationStatus.REVERTED,
    MigrationStatus.COMPLETED,
    MigrationStatus.DONE,
    MigrationStatus.CANCELLED,
    MigrationStatus.FAILED,
    MigrationStatus.ERROR,
)


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One move of one server.

    Its uuid is a consumer in placement: it holds what the server has at its source until the move
    has ended, while the server itself holds what it has at its destination.

    Args:
        id: counts the migrations of the cell.
        source_compute, source_node: where the server is when it begins.
        dest_compute, dest_node: where it goes; None until a host is chosen.
        old_vm_state: what the server was when it began.
        old_flavor, new_flavor: the server's before and after.
        attachments: volume id to the attachment at the destination, while the server's own is
            still the one at the source.
        data: what the hosts' drivers have told each other, a `MigrateData`; empty before they have.
        old_allocations: what the server held before, by provider uuid, where a resize is claimed in
            place: server and migration then hold together no more than the larger of both sizes.
        source_zone, dest_zone: the availability zones of both hosts.
        admitted_by: the host on which the server counts as a member of its group, since it was
            let in there.
        cross_cell: the destination is in another cell.
        left_at: the host whose hypervisor has failed to clean up after the move, and tries again.
        left_disks: what a `Disk` is made of, of the volumes that it has to let go of.
        memory_total, memory_processed, memory_remaining: bytes, of a live migration.
        disk_total, disk_processed, disk_remaining: bytes, of a block migration.
        history: the statuses that it has had, each with its time.
    """

    id: int = 0
    uuid: str
    instance_uuid: str
    type: MigrationType
    status: MigrationStatus
    source_compute: str
    source_node: str
    dest_compute: str | None = None
    dest_node: str | None = None
    user_id: str
    project_id: str
    old_vm_state: VmState
    old_flavor: Flavor
    new_flavor: Flavor
    attachments: dict[str, str] = {}
    data: dict[str, Any] = {}
    old_allocations: dict[str, dict[str, int]] = {}
    source_zone: str | None = None
    dest_zone: str | None = None
    admitted_by: str | None = None
    cross_cell: bool = False
    left_at: str | None = None
    left_disks: list[dict[str, Any]] = []
    memory_total: int = 0
    memory_processed: int = 0
    memory_remaining: int = 0
    disk_total: int = 0
    disk_processed: int = 0
    disk_remaining: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0
    history: tuple[tuple[MigrationStatus, float], ...] = ()

    @property
    def in_place(self) -> bool:
        """Whether the server stays on its host and gets another size there."""
        return self.source_compute == self.dest_compute and self.source_node == self.dest_node

    @property
    def keeper(self) -> str | None:
        """The host that has something of the server beside the one where it is.

        The source of a cold move keeps what it was, the destination of a live migration makes what
        it will be. An evacuation leaves a guest that its source destroys when it is back.
        """
        if self.type == MigrationType.EVACUATION:
            return None
        is_live = self.type == MigrationType.LIVE_MIGRATION
        return self.dest_compute if is_live else self.source_compute


class MigrationChanges(msgspec.Struct, frozen=True, kw_only=True):
    """New values for some columns of a migration; what is not given stays as it is."""

    status: MigrationStatus | UnsetType = UNSET
    dest_compute: str | UnsetType | None = UNSET
    dest_node: str | UnsetType | None = UNSET
    dest_zone: str | UnsetType | None = UNSET
    cross_cell: bool | UnsetType = UNSET
    left_at: str | UnsetType | None = UNSET
    left_disks: list[dict[str, Any]] | UnsetType = UNSET
    attachments: dict[str, str] | UnsetType = UNSET
    data: dict[str, Any] | UnsetType = UNSET
    old_allocations: dict[str, dict[str, int]] | UnsetType = UNSET
    memory_total: int | UnsetType = UNSET
    memory_processed: int | UnsetType = UNSET
    memory_remaining: int | UnsetType = UNSET
    disk_total: int | UnsetType = UNSET
    disk_processed: int | UnsetType = UNSET
    disk_remaining: int | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """Return what is given, by column."""
        return {
            name: value
            for name in self.__struct_fields__
            if (value := getattr(self, name)) is not UNSET
        }


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to move a server, as it is handed from host to host inside a cell.

    Args:
        instance_uuid, migration_uuid: the server, and the record of its move.
        spec: what it needs at its destination.
        group: its server group as it was when it was scheduled.
        selection: the host to go to; its resources are claimed for the server.
        alternates: what is left to try after that, unclaimed, best first.
        failures: hosts that have been tried, and what each said.
        incapable: those among them whose drivers do no such thing: nothing has gone wrong there.
    """

    instance_uuid: str
    migration_uuid: str
    spec: RequestSpec
    group: ServerGroup | None
    selection: Selection
    alternates: tuple[Selection, ...] = ()
    failures: dict[str, str] = {}
    incapable: frozenset[str] = frozenset()
