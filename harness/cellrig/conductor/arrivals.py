"""The super-conductor's part of evacuating and of unshelving: a host for a server without one."""

from __future__ import annotations

import traceback

from msgspec.structs import replace

from cellrig.conductor.moving import MoveTools
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.model import (
    Instance,
    InstanceChanges,
    InstanceFault,
    Migration,
    MigrationChanges,
    MigrationStatus,
    MigrationType,
    Move,
    SchedulingRequest,
    TaskState,
    VmState,
)


class Arrivals:
    """Finds hosts for servers whose own is dead, or that have none.

    Args:
        tools: of the super-conductor.
    """

    def __init__(self, tools: MoveTools) -> None:
        self._tools = tools

    # -- evacuation ------------------------------------------------------------------------------

    def evacuate_server(
        self, context: RequestContext, instance_uuid: str, host: str | None, stopped: bool
    ) -> None:
        """Start an evacuation; see `SuperConductorService`."""
        if instance_uuid in self._tools.in_hand:
            return  # a second copy of the message
        self._tools.in_hand.add(instance_uuid)
        try:
            self._evacuate(context, instance_uuid, host, stopped)
        finally:
            self._tools.in_hand.discard(instance_uuid)

    def _evacuate(
        self, context: RequestContext, instance_uuid: str, host: str | None, stopped: bool
    ) -> None:
        tools = self._tools
        found = tools.find(instance_uuid, TaskState.REBUILDING)
        if found is None:
            return
        cell, instance = found
        # Its new host leaves a server off that was off before.
        told = replace(instance, vm_state=VmState.STOPPED) if stopped else instance
        migration = tools.begin(context, cell, told, MigrationType.EVACUATION, told.flavor)
        try:
            tools.ownership.hand_over(instance.uuid, migration.uuid)
            self._send(context, cell, instance, migration, host)
        except Exception as error:  # noqa: BLE001 - whatever it was, the server stays as it is
            tools.take_back(cell, migration, error)

    def _send(
        self,
        context: RequestContext,
        cell: CellDatabase,
        instance: Instance,
        migration: Migration,
        host: str | None,
    ) -> None:
        tools = self._tools
        spec = tools.spec(instance, instance.flavor, host)
        selection = tools.select(
            context,
            SchedulingRequest(
                spec=spec,
                instance_uuids=(instance.uuid,),
                alternates=0,
                ignore_hosts=(migration.source_compute,),
                only_cell=cell.name,
                multiattach=tools.shares_volumes(cell, instance),
            ),
        )[0]
        changes = MigrationChanges(
            status=MigrationStatus.PRE_MIGRATING,
            dest_compute=selection.host,
            dest_node=selection.node,
            dest_zone=selection.availability_zone,
        )
        unsent = (MigrationStatus.ACCEPTED, MigrationStatus.PRE_MIGRATING)
        tools.seams.insist(
            lambda: cell.migrations.update(migration.uuid, changes, unsent), "note a destination"
        )
        move = Move(
            instance_uuid=instance.uuid,
            migration_uuid=migration.uuid,
            spec=spec,
            group=tools.group(spec),
            selection=selection,
        )
        compute = tools.compute(selection.host)
        tools.seams.insist(lambda: compute.evacuate_instance(context, move), "tell a destination")

    # -- unshelving ------------------------------------------------------------------------------

    def unshelve_server(
        self, context: RequestContext, instance_uuid: str, zone: str | None, host: str | None
    ) -> None:
        """Bring an offloaded server back; see `SuperConductorService`."""
        if instance_uuid in self._tools.in_hand:
            return  # a second copy of the message
        self._tools.in_hand.add(instance_uuid)
        try:
            self._unshelve(context, instance_uuid, zone, host)
        finally:
            self._tools.in_hand.discard(instance_uuid)

    def _unshelve(
        self, context: RequestContext, instance_uuid: str, zone: str | None, host: str | None
    ) -> None:
        tools = self._tools
        found = tools.find(instance_uuid, TaskState.UNSHELVING)
        if found is None:
            return
        cell, instance = found
        if instance.host is not None:
            return
        try:
            spec = tools.spec(instance, instance.flavor, host)
            if zone is not None:
                spec = replace(spec, availability_zone=zone)
            selection = tools.select(
                context,
                SchedulingRequest(
                    spec=spec,
                    instance_uuids=(instance.uuid,),
                    alternates=0,
                    only_cell=cell.name,
                    multiattach=tools.shares_volumes(cell, instance),
                ),
            )[0]
            if zone is not None:
                # Where it was asked to come back it is kept from then on (microversion 2.77).
                tools.api.requests.spec_save(replace(spec, requested_host=None))
            group = tools.group(spec)
            compute = tools.compute(selection.host)
            tools.seams.insist(
                lambda: compute.unshelve_instance(context, instance.uuid, selection, group),
                "tell a destination",
            )
        except Exception as error:  # noqa: BLE001 - whatever it was, the server stays shelved
            self._stay_shelved(cell, instance, error)

    def _stay_shelved(self, cell: CellDatabase, instance: Instance, error: Exception) -> None:
        tools, insist = self._tools, self._tools.seams.insist
        fault = InstanceFault(
            instance.uuid,
            500,
            str(error) if isinstance(error, CellrigError) else f"{type(error).__name__}: {error}",
            "".join(traceback.format_exception(error)),
            None,
            tools.runtime.now(),
        )
        try:
            insist(
                lambda: cell.instances.update(
                    instance.uuid,
                    InstanceChanges(task_state=None),
                    (TaskState.UNSHELVING, None),
                    expected_host=None,
                    fault=fault,
                ),
                "let a server stay shelved",
            )
            insist(lambda: tools.ownership.drop(instance.uuid), "give back a claim")
        except (Conflict, NotFound) as taken:
            tools.seams.handled(taken, "a host has it, or the user deletes it")
        tools.seams.handled(error, "recorded as the server's fault, which stays shelved")
