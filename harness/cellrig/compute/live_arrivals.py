"""Live migrations, on their destination: checks, preparation, and what is left of it either way."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from cellrig.compute.arrivals import Arrivals
from cellrig.compute.connections import Connections
from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost, power_state_of
from cellrig.compute.interfaces import bind_ports, devices_here, note_functions
from cellrig.compute.leftovers import Leftovers
from cellrig.compute.second_attachments import SecondAttachments
from cellrig.context import RequestContext
from cellrig.driver.errors import MigrationPreCheckError
from cellrig.driver.reports import HostState
from cellrig.driver.values import MigrateData
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.model import (
    BlockDeviceMapping,
    Instance,
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    MovingServer,
    PowerState,
    Step,
    TaskState,
    VmState,
)
from cellrig.moves import Ownership

_FINISH = "compute_post_live_migration_at_destination"


class LiveArrivals:
    """Takes in guests that run.

    Args:
        host: which.
        arrivals, connections, second, leftovers: of the host.
        ownership: of resources.
    """

    def __init__(
        self,
        host: ComputeHost,
        arrivals: Arrivals,
        connections: Connections,
        second: SecondAttachments,
        leftovers: Leftovers,
        ownership: Ownership,
    ) -> None:
        self._host = host
        self._arrivals = arrivals
        self._connections = connections
        self._second = second
        self._leftovers = leftovers
        self._ownership = ownership

    def host_state(self, _context: RequestContext, node: str) -> HostState:
        """Return what the hypervisor says of a node of this host."""
        return self._host.driver.get_host_state(node)

    def check_destination(
        self,
        context: RequestContext,
        instance: Instance,
        mappings: tuple[BlockDeviceMapping, ...],
        node: str,
        source_state: HostState,
        block_migration: bool | None,
    ) -> MigrateData:
        """Ask both drivers whether a guest can come here; nothing is changed.

        Args:
            context, instance: who asks, for which server.
            mappings: its volumes.
            node: the node here.
            source_state: of the node where it is.
            block_migration: copy local disks; None: where the hosts do not share them.

        Raises:
            MigrationPreCheckError: it cannot, and why.
        """
        host = self._host
        if not host.driver.capabilities.live_migration:
            raise MigrationPreCheckError(
                instance.uuid, f"the driver of host {host.name} does not support live migration"
            )
        guest = guest_of(replace(instance, node=node))
        data = host.driver.check_can_live_migrate_destination(
            guest, source_state, bool(block_migration)
        )
        if block_migration is None and not data.shared_storage and _has_local_disk(instance):
            data = host.driver.check_can_live_migrate_destination(guest, source_state, True)
        source = host.compute(str(instance.host))
        return source.check_can_live_migrate_source(context, instance, mappings, data)

    def check_source(
        self,
        context: RequestContext,
        instance: Instance,
        mappings: tuple[BlockDeviceMapping, ...],
        data: MigrateData,
    ) -> MigrateData:
        """Ask the driver here, where the guest is, whether it can go; nothing is changed."""
        return self._host.driver.check_can_live_migrate_source(
            guest_of(instance), disks_of(mappings), data
        )

    def prepare(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> MigrateData:
        """Connect a server's volumes by attachments of their own, set its devices aside.

        Raises:
            CellrigError: it cannot come; the source takes back what was made.
        """
        host = self._host
        with host.lock(instance_uuid):
            comes = Step(
                instance_uuid=instance_uuid,
                migration_uuid=migration_uuid,
                statuses=(MigrationStatus.PREPARING,),
            )
            moving = host.steps.take(comes)
            if host.name in moving.left_at:
                self._leftovers.clean_up_before(instance_uuid)
            migration, mappings = moving.migration, moving.mappings
            instance = self._here(moving.instance, migration)
            with self._connections.section(context, mappings):
                opened = self._second.open(context, instance, migration, mappings)
                return host.driver.pre_live_migration(
                    guest_of(instance),
                    disks_of(opened),
                    devices_here(host, instance),
                    msgspec.convert(migration.data, MigrateData),
                )

    def finish(self, context: RequestContext, instance_uuid: str, migration_uuid: str) -> None:
        """Make a guest that has arrived a lasting one, and end its move; twice is harmless."""
        host = self._host
        with host.lock(instance_uuid):
            has_come = Step(
                instance_uuid=instance_uuid,
                migration_uuid=migration_uuid,
                statuses=(MigrationStatus.POST_MIGRATING,),
                event=host.beginning(context, _FINISH),
            )
            try:
                moving = host.take_step(has_come, "see a move")
            except Conflict as error:
                host.seams.handled(error, "the move has been ended")
                return
            except CellrigError as error:
                host.seams.handled(error, "the periodic work ends the move")
                return
            try:
                with host.begun_event(context, instance_uuid, _FINISH):
                    self.end(context, moving)
            except Exception as error:  # noqa: BLE001 - told, and tried again
                host.seams.handled(error, "the periodic work ends the move")

    def end(self, context: RequestContext, moving: MovingServer) -> None:
        """Do what `finish` does; twice is harmless."""
        host, insist = self._host, self._host.seams.insist
        migration, mappings = moving.migration, moving.mappings
        uuid = migration.instance_uuid
        arrived = self._here(moving.instance, migration)
        try:
            devices = devices_here(host, arrived)
            host.undo(
                lambda: host.driver.post_live_migration_at_destination(
                    guest_of(arrived),
                    disks_of(mappings),
                    devices,
                    msgspec.convert(migration.data, MigrateData),
                ),
                "make a guest lasting",
            )
        except Exception as error:  # noqa: BLE001 - the guest runs here all the same
            host.seams.handled(error, "the guest runs here as it has arrived")
        self._second.complete(context, mappings)
        bind_ports(host, context, arrived)
        note_functions(host, context, arrived)
        insist(lambda: self._ownership.drop(migration.uuid), "give a source back")
        power = power_state_of(host, arrived)
        state = VmState.PAUSED if power == PowerState.PAUSED else VmState.ACTIVE
        completed = MigrationChanges(status=MigrationStatus.COMPLETED)
        over = Step(
            instance_uuid=uuid,
            instance=InstanceChanges(vm_state=state, task_state=None, power_state=power),
            tasks=(TaskState.MIGRATING, None),
            migration_uuid=migration.uuid,
            migration=completed,
        )
        try:
            host.note_step(over, "end a move")
        except (Conflict, NotFound) as error:
            host.seams.handled(error, "the user deletes the server")
            insist(lambda: host.migrations.update(migration.uuid, completed), "end a move")

    def roll_back(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str, cancelled: bool
    ) -> None:
        """Give back what was prepared for a guest that stays where it was; twice is harmless."""
        host = self._host
        with host.lock(instance_uuid):
            try:
                migration = host.seams.insist(
                    lambda: host.migrations.get(migration_uuid), "see a move"
                )
                if migration.status != MigrationStatus.REVERTING:
                    return
                with host.event(
                    context, instance_uuid, "compute_rollback_live_migration_at_destination"
                ):
                    self.take_back(context, migration, cancelled=cancelled)
            except Exception as error:  # noqa: BLE001 - told, and tried again
                host.seams.handled(error, "the periodic work takes the rest back")

    def take_back(self, context: RequestContext, migration: Migration, *, cancelled: bool) -> None:
        """Do what `roll_back` does; twice is harmless."""
        host, insist = self._host, self._host.seams.insist
        uuid = migration.instance_uuid
        instance = insist(lambda: host.instances.get(uuid), "see what became of the server")
        mappings = insist(lambda: host.block_devices.of_instance(uuid), "see its volumes")
        data = msgspec.convert(migration.data, MigrateData)
        with self._connections.section(context, mappings):
            disks = disks_of(self._second.opened(context, migration, mappings))
            try:
                host.undo(
                    lambda: host.driver.rollback_live_migration_at_destination(
                        guest_of(self._here(instance, migration)),
                        disks,
                        data,
                        destroy_disks=not data.shared_storage,
                    ),
                    "give back what was prepared",
                )
            except Exception as error:  # noqa: BLE001 - the guest is not here
                host.seams.handled(error, "what was prepared is given back later")
                self._leftovers.note(migration, disks)
            self._second.release(context, migration)
        over = MigrationStatus.CANCELLED if cancelled else MigrationStatus.ERROR
        changes = MigrationChanges(status=over, attachments={})
        insist(lambda: host.migrations.update(migration.uuid, changes), "end a move")

    def _here(self, instance: Instance, migration: Migration) -> Instance:
        return replace(instance, host=self._host.name, node=migration.dest_node)


def _has_local_disk(instance: Instance) -> bool:
    flavor = instance.hosted_flavor
    return bool(flavor.root_gb or flavor.ephemeral_gb or flavor.swap_mb)
