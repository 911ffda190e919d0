"""The super-conductor's part of a live migration: a destination that both drivers accept."""

from __future__ import annotations

import traceback

import msgspec

from cellrig.conductor.moving import MoveTools
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import CellrigError, GroupPolicyViolated, NoValidHost
from cellrig.model import (
    Instance,
    Migration,
    MigrationChanges,
    MigrationStatus,
    MigrationType,
    SchedulingRequest,
    Selection,
    ServerGroup,
    TaskState,
)


class LiveMoves:
    """Finds destinations for live migrations.

    Args:
        tools: of the super-conductor.
        max_attempts: hosts to try for one move, the first included.
    """

    def __init__(self, tools: MoveTools, max_attempts: int) -> None:
        self._tools = tools
        self._max_attempts = max_attempts

    def live_migrate_server(
        self,
        context: RequestContext,
        instance_uuid: str,
        host: str | None,
        force: bool,
        block_migration: bool | None,
    ) -> None:
        """Start a live migration; see `SuperConductorService`."""
        if instance_uuid in self._tools.in_hand:
            return  # a second copy of the message
        self._tools.in_hand.add(instance_uuid)
        try:
            self._migrate(context, instance_uuid, host, force, block_migration)
        finally:
            self._tools.in_hand.discard(instance_uuid)

    def _migrate(
        self,
        context: RequestContext,
        instance_uuid: str,
        host: str | None,
        force: bool,
        block_migration: bool | None,
    ) -> None:
        tools = self._tools
        found = tools.find(instance_uuid, TaskState.MIGRATING)
        if found is None:
            return
        cell, instance = found
        migration = tools.begin(
            context, cell, instance, MigrationType.LIVE_MIGRATION, instance.flavor
        )
        try:
            tools.ownership.hand_over(instance.uuid, migration.uuid)
            self._send(context, cell, instance, migration, host, force, block_migration)
        except Exception as error:  # noqa: BLE001 - whatever it was, the server stays as it is
            why = "".join(traceback.format_exception(error))
            tools.record_failure(
                context, cell, instance.uuid, "conductor_live_migrate_instance", why
            )
            tools.take_back(cell, migration, error)

    def _send(
        self,
        context: RequestContext,
        cell: CellDatabase,
        instance: Instance,
        migration: Migration,
        host: str | None,
        force: bool,
        block_migration: bool | None,
    ) -> None:
        """Try one destination after the other until both drivers accept one, and tell the source.

        Raises:
            NoValidHost: none is left, or the one that was asked for refuses.
        """
        tools = self._tools
        spec = tools.spec(instance, instance.flavor, None if force else host)
        if force:
            spec = msgspec.structs.replace(spec, force_host=host)
        mappings = tuple(cell.block_devices.of_instance(instance.uuid))
        group = None if force else tools.group(spec)
        source = tools.compute(migration.source_compute)
        failures: dict[str, str] = {}
        state = source.get_host_state(context, migration.source_node)
        while len(failures) < self._max_attempts:
            try:
                selection = tools.select(
                    context,
                    SchedulingRequest(
                        spec=spec,
                        instance_uuids=(instance.uuid,),
                        alternates=0,
                        ignore_hosts=(migration.source_compute, *failures),
                        only_cell=cell.name,
                        multiattach=any(each.multiattach for each in mappings),
                    ),
                )[0]
            except NoValidHost as error:
                raise NoValidHost(error.reason, {**error.refusals, **failures}) from error
            refusal: CellrigError | None
            try:
                data = tools.compute(selection.host).check_can_live_migrate_destination(
                    context, instance, mappings, selection.node, state, block_migration
                )
            except CellrigError as error:
                refusal = error
            else:
                refusal = self._note(cell, migration, selection, msgspec.to_builtins(data), group)
            if refusal is None:
                tools.seams.insist(
                    lambda: source.live_migration(context, instance.uuid, migration.uuid),
                    "tell a source",
                )
                return
            failures[selection.host] = str(refusal)
            tools.seams.handled(refusal, "the next host is tried")
            tools.seams.insist(
                lambda: tools.ownership.drop(instance.uuid), "give back a destination"
            )
            if host is not None:
                break
        raise NoValidHost(
            f"no host that was chosen for server {instance.uuid} can take it while it runs",
            failures,
        )

    def _note(
        self,
        cell: CellDatabase,
        migration: Migration,
        selection: Selection,
        data: dict[str, object],
        group: ServerGroup | None,
    ) -> GroupPolicyViolated | None:
        """Note a destination; return what the server's group has against it.

        Members may have landed there since the scheduler looked.
        """
        tools, uuid, host = self._tools, migration.uuid, selection.host
        changes = MigrationChanges(
            dest_compute=selection.host,
            dest_node=selection.node,
            dest_zone=selection.availability_zone,
            data=data,
        )
        tools.seams.insist(
            lambda: cell.migrations.update(uuid, changes, (MigrationStatus.ACCEPTED,)),
            "note a destination",
        )
        if group is None:
            return None
        noted = tools.seams.insist(
            lambda: cell.migrations.arrive(uuid, host, group), "let a server in"
        )
        if noted.dest_node is not None:
            return None
        return GroupPolicyViolated(migration.instance_uuid, host, group.policy, group.uuid)
