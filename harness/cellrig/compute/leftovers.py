"""What a server leaves behind on a host when it moves: kept for a revert, and erased in the end."""

from __future__ import annotations

from msgspec.structs import replace

from cellrig.compute.connections import Connections
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost
from cellrig.context import RequestContext
from cellrig.model import (
    Instance,
    Migration,
    MigrationChanges,
    MigrationStatus,
    MigrationType,
)
from cellrig.moves import Ownership

#: Statuses of a move after which only what was kept at its source is left.
_ARRIVED = (MigrationStatus.FINISHED, MigrationStatus.CONFIRMING)


class Leftovers:
    """What servers that have moved left on one host.

    Args:
        host: which.
        connections: of the host.
        ownership: of resources.
    """

    def __init__(self, host: ComputeHost, connections: Connections, ownership: Ownership) -> None:
        self._host = host
        self._connections = connections
        self._ownership = ownership

    def erase(self, instance: Instance, migration: Migration) -> None:
        """Erase what this host has kept of a server that has left, and give it back.

        Whatever the hypervisor says, the server has moved, and its resources here are free
        (bug 1821594).
        """
        host = self._host
        kept = replace(
            instance,
            node=migration.source_node,
            flavor=migration.old_flavor,
            flavor_id=migration.old_flavor.id,
        )
        try:
            host.driver.confirm_migration(guest_of(kept), ())
        except Exception as error:  # noqa: BLE001 - the server has moved all the same
            host.seams.handled(error, "what the hypervisor has kept stays there")
        host.seams.insist(lambda: self._ownership.drop(migration.uuid), "give a source back")

    def end_moves(self, context: RequestContext, instance: Instance) -> None:
        """Let nothing be left of the moves that a server's deletion breaks off (bug 1848343)."""
        host = self._host
        migrations = host.seams.insist(
            lambda: host.migrations.of_instance(instance.uuid), "see its moves"
        )
        for migration in migrations:
            if not migration.status.is_over:
                self._end_move(context, instance, migration)

    def _end_move(self, context: RequestContext, instance: Instance, migration: Migration) -> None:
        host, insist = self._host, self._host.seams.insist
        for attachment_id in migration.attachments.values():
            self._connections.release(context, attachment_id)
        insist(lambda: self._ownership.drop(migration.uuid), "give a source back")
        if migration.type == MigrationType.LIVE_MIGRATION:
            self._end_live(context, migration)
        elif migration.source_compute == host.name:
            self.erase(instance, migration)
        else:
            source = host.compute(migration.source_compute)
            insist(
                lambda: source.forget_moved(context, instance.uuid, migration.uuid),
                "tell a source",
            )
        arrived = migration.status in _ARRIVED
        status = MigrationStatus.CONFIRMED if arrived else MigrationStatus.CANCELLED
        insist(
            lambda: host.migrations.update(migration.uuid, MigrationChanges(status=status)),
            "end a move",
        )

    def _end_live(self, context: RequestContext, migration: Migration) -> None:
        """Let a destination give back what it has prepared; a source keeps nothing."""
        if migration.dest_compute in (None, self._host.name):
            return
        destination = self._host.compute(str(migration.dest_compute))
        uuid = migration.instance_uuid
        self._host.seams.insist(
            lambda: destination.rollback_live_migration(context, uuid, migration.uuid, True),
            "tell a destination",
        )
