"""Evacuations: a server of a dead host is built again here, and removed there later."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from cellrig.compute.arrivals import Arrivals
from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost, power_state_of
from cellrig.compute.interfaces import bind_ports, devices_here, note_functions
from cellrig.compute.leftovers import Leftovers
from cellrig.compute.second_attachments import SecondAttachments
from cellrig.context import RequestContext
from cellrig.driver.errors import MigrationError
from cellrig.driver.values import MigrateData
from cellrig.errors import CellrigError, Conflict, GroupPolicyViolated, NotFound
from cellrig.model import (
    Instance,
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    MigrationType,
    Move,
    TaskState,
    VmState,
)
from cellrig.moves import Ownership, Withdrawal

_TASKS = (TaskState.REBUILDING, TaskState.REBUILD_SPAWNING)

#: What an evacuation is before and after a host takes it up, which may be done twice.
_TAKEN = (MigrationStatus.PRE_MIGRATING, MigrationStatus.MIGRATING)


class HostIsBack(CellrigError):
    """A host came back before its server was evacuated. Args: the host, the server."""

    template = "host {0} is back: server {1} is not evacuated from it"


class Evacuations:
    """Takes in the servers of dead hosts, and forgets those that were taken from this one.

    Args:
        host: which.
        arrivals, second: of the host: what guests that come need, and their second attachments.
        leftovers: of servers that have left the host.
        ownership: of resources.
        withdrawal: takes back evacuations that have not begun.
    """

    def __init__(
        self,
        host: ComputeHost,
        arrivals: Arrivals,
        second: SecondAttachments,
        leftovers: Leftovers,
        ownership: Ownership,
        withdrawal: Withdrawal,
    ) -> None:
        self._host = host
        self._arrivals = arrivals
        self._second = second
        self._leftovers = leftovers
        self._ownership = ownership
        self._withdrawal = withdrawal

    def evacuate_instance(self, context: RequestContext, move: Move) -> None:
        """Build a server here whose host is dead; see `ComputeService`."""
        host = self._host
        with host.lock(move.instance_uuid):
            try:
                migration = host.seams.insist(
                    lambda: host.migrations.arrive(move.migration_uuid, host.name, move.group),
                    "see whether a server may come",
                )
            except (Conflict, NotFound) as error:
                host.seams.handled(error, "the message is out of date")
                return
            except CellrigError as error:
                host.seams.handled(error, "the evacuation is left to the periodic work")
                return
            try:
                self._check(move, migration)
                self._leftovers.clean_up_before(move.instance_uuid)
                begun = MigrationChanges(
                    status=MigrationStatus.MIGRATING, data=self._data(move, migration)
                )
                migration = host.seams.insist(
                    lambda: host.migrations.update(move.migration_uuid, begun, _TAKEN),
                    "take a move up",
                )
            except Exception as error:  # noqa: BLE001 - the server stays where it was
                self._withdrawal.withdraw(migration, error, host=host.name)
                return
            try:
                with host.event(context, move.instance_uuid, "compute_rebuild_instance"):
                    self._rebuild(context, move, migration)
            except Exception as error:  # noqa: BLE001 - the server stays where it was, in ERROR
                self.give_up(context, migration, error)

    def _check(self, move: Move, migration: Migration) -> None:
        name, group = self._host.name, move.group
        if migration.dest_node is None and group is not None:
            raise GroupPolicyViolated(move.instance_uuid, name, group.policy, group.uuid)
        if not self._host.driver.capabilities.evacuate:
            raise MigrationError(move.instance_uuid, f"the driver of host {name} cannot take it in")
        instance = self._host.instances.get(move.instance_uuid)
        if instance.task_state not in _TASKS:
            # Its host was back before anything told it of the evacuation, and has ended the task.
            raise HostIsBack(migration.source_compute, instance.uuid)

    def _data(self, move: Move, migration: Migration) -> dict[str, object]:
        """Return what the source needs to know when it is back: whether it may erase disks."""
        state = self._host.driver.get_host_state(move.selection.node)
        data = MigrateData(
            source_host=migration.source_compute,
            destination_host=self._host.name,
            shared_storage=state.shared_storage,
        )
        return dict(msgspec.to_builtins(data))

    def _rebuild(self, context: RequestContext, move: Move, migration: Migration) -> None:
        host = self._host
        spawning = InstanceChanges(task_state=TaskState.REBUILD_SPAWNING)
        instance = host.seams.insist(
            lambda: host.instances.update(move.instance_uuid, spawning, _TASKS),
            "begin to build a server",
        )
        here = replace(instance, host=host.name, node=migration.dest_node)
        mappings = host.block_devices.of_instance(instance.uuid)
        with self._arrivals.section(context, mappings):
            # The source is fenced. Its attachments stay until the guest runs here, so that what
            # fails takes no volume from the server.
            opened = self._second.open(context, here, migration, mappings)
            host.driver.spawn(
                guest_of(here),
                self._arrivals.image(here),
                disks_of(opened),
                devices_here(host, here),
            )
            self._second.complete(context, opened)
        if migration.old_vm_state == VmState.STOPPED:
            host.driver.power_off(guest_of(here))
        host.instances.update(
            instance.uuid,
            InstanceChanges(
                host=host.name,
                node=migration.dest_node,
                availability_zone=move.selection.availability_zone,
            ),
            expected_task_states=(TaskState.REBUILD_SPAWNING,),
        )
        self.end(context, host.migrations.get(migration.uuid))

    def end(self, context: RequestContext, migration: Migration) -> None:
        """End the evacuation of a server that runs here; twice is harmless."""
        host, insist = self._host, self._host.seams.insist
        uuid = migration.instance_uuid
        mappings = insist(lambda: host.block_devices.of_instance(uuid), "see its volumes")
        with self._arrivals.section(context, mappings):
            self._second.change_over(context, migration, mappings)
        insist(lambda: self._ownership.drop(migration.uuid), "give a source back")
        self._end_task(context, migration)
        done = MigrationChanges(status=MigrationStatus.DONE)
        insist(lambda: host.migrations.update(migration.uuid, done), "end an evacuation")
        source = host.compute(migration.source_compute)
        # It waits for the source to be back.
        insist(lambda: source.clean_up_evacuated(context), "tell a source")

    def _end_task(self, context: RequestContext, migration: Migration) -> None:
        host = self._host
        uuid = migration.instance_uuid
        instance = host.seams.insist(
            lambda: host.instances.get(uuid), "see what became of the server"
        )
        bind_ports(host, context, instance)
        note_functions(host, context, instance)
        stopped = migration.old_vm_state == VmState.STOPPED
        changes = InstanceChanges(
            vm_state=VmState.STOPPED if stopped else VmState.ACTIVE,
            task_state=None,
            power_state=power_state_of(host, instance),
            launched_at=host.runtime.now(),
        )
        try:
            host.seams.insist(
                lambda: host.instances.update(uuid, changes, _TASKS), "end an evacuation"
            )
        except (Conflict, NotFound) as error:
            host.seams.handled(error, "the user deletes the server, or this has been done")

    def give_up(self, context: RequestContext, migration: Migration, error: Exception) -> None:
        """Leave nothing here of a server that could not be built; it is in ERROR, on its source."""
        host = self._host
        uuid = migration.instance_uuid
        try:
            instance = host.seams.insist(
                lambda: host.instances.get(uuid), "see what became of the server"
            )
            if instance.host == host.name and not instance.deleted:
                host.seams.handled(error, "the server was built all the same")
                self.end(context, host.migrations.get(migration.uuid))
                return
            current = host.seams.insist(
                lambda: host.migrations.get(migration.uuid), "see how far the move has come"
            )
            self._take_back(context, instance, current)
        except CellrigError as lost:
            host.seams.handled(lost, "the evacuation is left to the periodic work")
            host.seams.handled(error, "the evacuation is left to the periodic work")
            return
        host.fail(
            uuid,
            error,
            InstanceChanges(vm_state=VmState.ERROR, task_state=None),
            "the evacuation failed, the server is in ERROR where it was",
            (*_TASKS, None),
        )
        over = MigrationChanges(status=MigrationStatus.ERROR)
        try:
            host.seams.insist(
                lambda: host.migrations.update(migration.uuid, over), "end an evacuation"
            )
        except CellrigError as lost:
            host.seams.handled(lost, "the periodic work ends the evacuation")

    def _take_back(self, context: RequestContext, instance: Instance, migration: Migration) -> None:
        host, insist = self._host, self._host.seams.insist
        uuid = instance.uuid
        here = replace(instance, host=host.name, node=migration.dest_node)
        mappings = insist(lambda: host.block_devices.of_instance(uuid), "see its volumes")
        with self._arrivals.section(context, mappings):
            try:
                opened = self._second.opened(context, migration, mappings)
                host.undo(
                    lambda: host.driver.destroy(
                        guest_of(here), disks_of(opened), destroy_disks=not _shared(migration)
                    ),
                    "destroy a guest",
                )
            except Exception as error:  # noqa: BLE001 - the periodic clean-up finds the guest
                host.seams.handled(error, "the guest is left to the periodic clean-up")
            self._second.release(context, migration)
        insist(lambda: self._ownership.give_back(migration), "give resources back")

    # -- the source is back ----------------------------------------------------------------------

    def come_back(self, context: RequestContext) -> None:
        """At a start: see what has become of the servers of this host while it was away.

        What was evacuated is destroyed. An evacuation that no host has begun is called off, and
        the server stays as it is. One that is under way is its destination's: the guest here is
        stopped, so that no two write to the same disks (bug 1764883).
        """
        host = self._host
        for migration in host.migrations.under_way(host.name):
            is_evacuation = migration.type == MigrationType.EVACUATION
            if not is_evacuation or migration.source_compute != host.name:
                continue
            if migration.status == MigrationStatus.MIGRATING:
                self._stop(migration)
            else:
                self._withdrawal.withdraw(
                    migration,
                    HostIsBack(host.name, migration.instance_uuid),
                    host=host.name,
                    status=MigrationStatus.CANCELLED,
                )
        self.clean_up_evacuated(context)

    def _stop(self, migration: Migration) -> None:
        host = self._host
        with host.lock(migration.instance_uuid):
            try:
                instance = host.instances.get(migration.instance_uuid)
                left = replace(instance, host=host.name, node=migration.source_node)
                host.driver.power_off(guest_of(left))
            except CellrigError as error:
                host.seams.handled(error, "there is no guest, or it is destroyed in the end")

    def clean_up_evacuated(self, _context: RequestContext) -> None:
        """Destroy the guests of servers that have been evacuated from this host, and only those."""
        host = self._host
        try:
            migrations = host.migrations.evacuated_from(host.name)
            here = {info.uuid for info in host.driver.list_guests()} if migrations else set()
            for migration in migrations:
                self._clean_up(migration, here)
        except CellrigError as error:
            host.seams.handled(error, "what was evacuated stays until the next start")

    def _clean_up(self, migration: Migration, here: Iterable[str]) -> None:
        host = self._host
        with host.lock(migration.instance_uuid):
            try:
                instance = host.instances.get(migration.instance_uuid)
            except NotFound as error:
                host.seams.handled(error, "the server is deleted and forgotten")
                return
            if migration.instance_uuid in here and instance.host != host.name:
                left = replace(instance, host=host.name, node=migration.source_node)
                host.driver.destroy(
                    guest_of(left), (), destroy_disks=self._owns_disks(instance, migration)
                )
            host.migrations.update(
                migration.uuid, MigrationChanges(status=MigrationStatus.COMPLETED)
            )

    def _owns_disks(self, instance: Instance, migration: Migration) -> bool:
        """Whether the local disks here are not those that the server has at its destination."""
        if instance.deleted or not _shared(migration):
            return True
        return not self._host.driver.get_host_state(migration.source_node).shared_storage


def _shared(migration: Migration) -> bool:
    """Whether the destination sees the local disks of other hosts' guests."""
    return bool(migration.data) and msgspec.convert(migration.data, MigrateData).shared_storage
