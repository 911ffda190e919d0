"""What a server leaves behind on a host when it moves: kept for a revert, and erased in the end.

A hypervisor that fails to clean up after a move does not keep the server from going on. The move's
record names its host, which tries again: now and then, and before the server comes or leaves again.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from cellrig.compute.connections import Connections
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost
from cellrig.context import RequestContext
from cellrig.driver.values import Disk, MigrateData
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
        """Erase what this host has kept of a server that has left, and give it back."""
        if not self.try_to_erase(instance, migration):
            self.note(migration)

    def try_to_erase(self, instance: Instance, migration: Migration) -> bool:
        """Do what `erase` does; False where the hypervisor fails to, and it is to be noted.

        Whatever the hypervisor says, the server has moved, and its resources here are free
        (bug 1821594).
        """
        host = self._host
        erased = True
        try:
            self._forget(instance, migration)
        except Exception as error:  # noqa: BLE001 - the server has moved all the same
            host.seams.handled(error, "what the hypervisor has kept is erased later")
            erased = False
        host.seams.insist(lambda: self._ownership.drop(migration.uuid), "give a source back")
        return erased

    # -- what has failed -------------------------------------------------------------------------

    def note(self, migration: Migration, disks: Sequence[Disk] = ()) -> None:
        """Note that this host has still to clean up after a move.

        Args:
            migration: which.
            disks: volumes that it has to let go of.
        """
        left = MigrationChanges(
            left_at=self._host.name, left_disks=[msgspec.to_builtins(disk) for disk in disks]
        )
        self._host.seams.insist(
            lambda: self._host.migrations.update(migration.uuid, left), "note what is left"
        )

    def clean_up_before(self, instance_uuid: str) -> None:
        """Clean up after earlier moves of a server that comes here, or leaves, once more.

        Raises:
            Exception: what the driver says, which cannot even now.
        """
        for migration in self._host.migrations.left_at(self._host.name):
            if migration.instance_uuid == instance_uuid:
                self.clean_up(self._host.instances.get(instance_uuid), migration)

    def clean_up(self, instance: Instance, migration: Migration) -> None:
        """Let the hypervisor do what it failed to do after a move.

        Raises:
            Exception: what the driver says, which fails again.
        """
        host = self._host
        if migration.type != MigrationType.LIVE_MIGRATION:
            self._forget(instance, migration)
        else:
            self._let_go(instance, migration)
        done = MigrationChanges(left_at=None, left_disks=[])
        host.seams.insist(
            lambda: host.migrations.update(migration.uuid, done), "note that nothing is left"
        )

    def _forget(self, instance: Instance, migration: Migration) -> None:
        kept = replace(
            instance,
            node=migration.source_node,
            flavor=migration.old_flavor,
            flavor_id=migration.old_flavor.id,
        )
        self._host.driver.confirm_migration(guest_of(kept), ())

    def _let_go(self, instance: Instance, migration: Migration) -> None:
        """Close the ways to volumes of a guest that has left, or that has not come."""
        if not migration.data:
            return  # it was not begun
        driver = self._host.driver
        data = msgspec.convert(migration.data, MigrateData)
        disks = msgspec.convert(migration.left_disks, tuple[Disk, ...])
        if migration.source_compute == self._host.name:
            left = replace(instance, host=self._host.name, node=migration.source_node)
            driver.post_live_migration_at_source(guest_of(left), disks, data)
        else:
            awaited = replace(instance, host=self._host.name, node=migration.dest_node)
            driver.rollback_live_migration_at_destination(
                guest_of(awaited), disks, data, destroy_disks=not data.shared_storage
            )

    # -- the server is deleted -------------------------------------------------------------------

    def end_moves(self, context: RequestContext, instance: Instance) -> None:
        """Let nothing be left of the moves that a server's deletion breaks off (bug 1848343)."""
        host = self._host
        migrations = host.seams.insist(
            lambda: host.migrations.of_instance(instance.uuid), "see its moves"
        )
        for migration in migrations:
            if not migration.status.is_over:
                self._end_move(context, instance, migration)
            elif migration.left_at == host.name:
                self._try_to_clean_up(instance, migration)

    def _try_to_clean_up(self, instance: Instance, migration: Migration) -> None:
        try:
            self.clean_up(instance, migration)
        except Exception as error:  # noqa: BLE001 - it stands in the record
            self._host.seams.handled(error, "the periodic work cleans up")

    def _end_move(self, context: RequestContext, instance: Instance, migration: Migration) -> None:
        host, insist = self._host, self._host.seams.insist
        for attachment_id in migration.attachments.values():
            self._connections.release(context, attachment_id)
        insist(lambda: self._ownership.drop(migration.uuid), "give a source back")
        keeper = migration.keeper
        elsewhere = keeper if keeper != host.name else None
        if elsewhere is not None and migration.cross_cell:
            return  # the super-conductor ends it: no host of this cell reaches the source
        if keeper == host.name and migration.type != MigrationType.LIVE_MIGRATION:
            self.erase(instance, migration)
        arrived = migration.status in _ARRIVED
        over = MigrationChanges(
            status=MigrationStatus.CONFIRMED if arrived else MigrationStatus.CANCELLED,
            left_at=elsewhere or UNSET,  # before it is told: it may die then
        )
        insist(lambda: host.migrations.update(migration.uuid, over), "end a move")
        if elsewhere is not None:
            other, uuid = host.compute(elsewhere), migration.uuid
            insist(lambda: other.forget_moved(context, instance.uuid, uuid), "tell a host")

    def forget_moved(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """Leave nothing of a server that another host deletes; see `ComputeService`."""
        host = self._host
        with host.lock(instance_uuid):
            try:
                migration = host.seams.insist(
                    lambda: host.migrations.get(migration_uuid), "see a move"
                )
                if migration.left_at == host.name:
                    instance = host.instances.get(instance_uuid)
                    with host.event(context, instance_uuid, "compute_forget_moved"):
                        self.clean_up(instance, migration)
            except Exception as error:  # noqa: BLE001 - it stands in the record
                host.seams.handled(error, "the periodic work cleans up")
