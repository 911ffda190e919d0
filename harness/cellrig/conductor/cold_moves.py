"""The super-conductor's part of a cold migration or a resize: a destination, claimed."""

from __future__ import annotations

import traceback

from msgspec.structs import replace

from cellrig.conductor.cross_cell_moves import CrossCellMoves
from cellrig.conductor.moving import MoveTools
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import NoValidHost
from cellrig.model import (
    Flavor,
    Instance,
    Migration,
    MigrationChanges,
    MigrationStatus,
    MigrationType,
    Move,
    SchedulingRequest,
    Selection,
    TaskState,
)
from cellrig.placement.errors import AllocationRefused

#: Statuses of a move that no host has taken up.
_UNSENT = (MigrationStatus.ACCEPTED, MigrationStatus.PRE_MIGRATING)


class ColdMoves:
    """Finds destinations for cold migrations and resizes.

    Args:
        tools: of the super-conductor.
        cross_cell: moves servers to other cells.
        max_attempts: hosts to try for one move, the first included.
        resize_on_same_host: whether a resize may end on the host where it began.
    """

    def __init__(
        self,
        tools: MoveTools,
        cross_cell: CrossCellMoves,
        max_attempts: int,
        resize_on_same_host: bool,
    ) -> None:
        self._tools = tools
        self._cross_cell = cross_cell
        self._max_attempts = max_attempts
        self._resize_on_same_host = resize_on_same_host

    def migrate_server(
        self,
        context: RequestContext,
        instance_uuid: str,
        flavor: Flavor | None,
        host: str | None,
    ) -> None:
        """Start a cold migration or a resize; see `SuperConductorService`."""
        if instance_uuid in self._tools.in_hand:
            return  # a second copy of the message
        self._tools.in_hand.add(instance_uuid)
        try:
            self._migrate(context, instance_uuid, flavor, host)
        finally:
            self._tools.in_hand.discard(instance_uuid)

    def _migrate(
        self,
        context: RequestContext,
        instance_uuid: str,
        flavor: Flavor | None,
        host: str | None,
    ) -> None:
        tools = self._tools
        found = tools.find(instance_uuid, TaskState.RESIZE_PREP)
        if found is None:
            return
        cell, instance = found
        kind = MigrationType.MIGRATION if flavor is None else MigrationType.RESIZE
        migration = tools.begin(context, cell, instance, kind, flavor or instance.flavor)
        try:
            tools.ownership.hand_over(instance.uuid, migration.uuid)
            self._send(context, cell, instance, migration, host)
        except Exception as error:  # noqa: BLE001 - whatever it was, the server stays as it is
            why = "".join(traceback.format_exception(error))
            tools.record_failure(context, cell, instance.uuid, "conductor_migrate_server", why)
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
        spec = tools.spec(instance, migration.new_flavor, host)
        stays = migration.type == MigrationType.RESIZE and self._resize_on_same_host
        request = SchedulingRequest(
            spec=spec,
            instance_uuids=(instance.uuid,),
            # A host that an administrator names is the only one to be tried.
            alternates=0 if host is not None else self._max_attempts - 1,
            ignore_hosts=() if stays else (migration.source_compute,),
            only_cell=self._cell_to_ask(cell, host),
            multiattach=tools.shares_volumes(cell, instance),
        )
        selection, *alternates = self._select(context, cell, migration, request, stays)
        if selection.cell != cell.name:
            move = Move(
                instance_uuid=instance.uuid,
                migration_uuid=migration.uuid,
                spec=spec,
                group=tools.group(spec),
                selection=selection,
                alternates=tuple(alternates),
            )
            self._cross_cell.send(context, cell, migration, move)
            return
        tools.seams.insist(
            lambda: cell.migrations.update(
                migration.uuid,
                MigrationChanges(
                    status=MigrationStatus.PRE_MIGRATING,
                    dest_compute=selection.host,
                    dest_node=selection.node,
                    dest_zone=selection.availability_zone,
                ),
                _UNSENT,
            ),
            "note a destination",
        )
        move = Move(
            instance_uuid=instance.uuid,
            migration_uuid=migration.uuid,
            spec=spec,
            group=tools.group(spec),
            selection=selection,
            alternates=tuple(alternates),
        )
        compute = tools.compute(selection.host)
        tools.seams.insist(lambda: compute.prep_resize(context, move), "tell a destination")

    def _cell_to_ask(self, cell: CellDatabase, host: str | None) -> str:
        """Return the cell that is asked first: that of a host that is named, else the server's."""
        if host is None or not self._cross_cell.allowed:
            return cell.name
        return self._tools.api.mappings.cell_of_host(host)

    def _select(
        self,
        context: RequestContext,
        cell: CellDatabase,
        migration: Migration,
        request: SchedulingRequest,
        stays: bool,
    ) -> tuple[Selection, ...]:
        """Return a claimed host and its alternates: of the server's cell where it has one.

        Raises:
            NoValidHost: nowhere is one; it tells what refused each host that was asked.
        """
        tools = self._tools
        try:
            return tools.select(context, request)
        except NoValidHost as error:
            nowhere = error
        if stays:
            tools.seams.handled(nowhere, "the server's own host is asked without its old size")
            try:
                return (self._claim_in_place(context, cell, migration, request, nowhere),)
            except NoValidHost as error:
                nowhere = error
        if not self._cross_cell.allowed or request.spec.requested_host is not None:
            raise nowhere
        tools.seams.handled(nowhere, "the other cells are asked")
        try:
            return tools.select(context, replace(request, only_cell=None))
        except NoValidHost as error:
            refusals = {**nowhere.refusals, **error.refusals}
            raise NoValidHost(error.reason, refusals) from error

    def _claim_in_place(
        self,
        context: RequestContext,
        cell: CellDatabase,
        migration: Migration,
        request: SchedulingRequest,
        nowhere: NoValidHost,
    ) -> Selection:
        """Claim a new size in the place of the old one, where no host has room for both.

        Raises:
            NoValidHost: there is too little even so; it tells also what refused the other hosts.
        """
        tools = self._tools
        try:
            held = tools.ownership.held(migration.uuid)
            nodes = cell.hosts.nodes_of_host(migration.source_compute)
            node = next(n for n in nodes if n.hypervisor_hostname == migration.source_node)
            selection = tools.scheduler.select_in_place(context, request, node.uuid, held)
            noted = MigrationChanges(old_allocations=held)
            # Noted before anything is given up: whoever takes the move back reads it.
            migration = tools.seams.insist(
                lambda: cell.migrations.update(migration.uuid, noted, (MigrationStatus.ACCEPTED,)),
                "note what a server had",
            )
            tools.seams.insist(
                lambda: tools.ownership.claim_in_place(migration, selection), "claim in place"
            )
        except (NoValidHost, AllocationRefused) as error:
            host = migration.source_compute
            told = error.refusals if isinstance(error, NoValidHost) else {host: str(error)}
            raise NoValidHost(nowhere.reason, {**nowhere.refusals, **told}) from error
        return selection
