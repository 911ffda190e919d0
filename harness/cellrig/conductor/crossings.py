"""Carrying a server's record from cell to cell, so that one of them has it at each moment."""

from __future__ import annotations

import msgspec

from cellrig.conductor.moving import MoveTools
from cellrig.db import CellDatabase
from cellrig.db.hosts import COMPUTE
from cellrig.errors import CellrigError
from cellrig.model import Instance, Migration, ServerGroup, TaskState


class Place(msgspec.Struct, frozen=True):
    """Where a server goes: host, node, and its zone, in a cell."""

    cell: str
    host: str
    node: str
    zone: str | None


class Seen(msgspec.Struct, frozen=True):
    """A server that moves between cells, as the cell has it that its mapping names.

    Args:
        cell: which.
        instance, migration: what it has of the server and of its move.
        home, away: the cells of the move's source and of its destination.
    """

    cell: CellDatabase
    instance: Instance
    migration: Migration
    home: str
    away: str

    @property
    def at_home(self) -> bool:
        """Whether its record is in the cell where the move began."""
        return self.cell.name == self.home

    @property
    def mark(self) -> tuple[object, ...]:
        """What changes with each step."""
        each = self.instance
        return (
            self.cell.name,
            self.migration.status,
            each.task_state,
            each.vm_state,
            each.host,
            each.hidden,
            each.leaving,
        )


class Crossings:
    """Carries records of servers; each step is harmless when it is done twice.

    The instance mapping says whose record is the server's. It is changed in one write, when all
    that is needed is in the other cell; so whoever finds a half of it afterwards knows which half.

    Args:
        tools: of the super-conductor.
    """

    def __init__(self, tools: MoveTools) -> None:
        self._tools = tools

    def carry(
        self,
        here: CellDatabase,
        instance: Instance,
        migration: Migration,
        place: Place,
        group: ServerGroup | None,
    ) -> None:
        """Carry a server's record to another cell.

        Args:
            here: the cell that has it.
            instance, migration: the server and its move; its task tells that no host works on it.
            place: where it goes.
            group: whose policy the place must agree with; None where it need not.

        Raises:
            Conflict: the user deletes it.
            GroupPolicyViolated: it may not go there; it has not.
            CellrigError: one of the databases does not answer.
        """
        insist, uuid = self._tools.seams.insist, instance.uuid
        there = self._tools.cells.databases[place.cell]
        task: TaskState | None = instance.task_state
        assert task is not None  # noqa: S101 - one without a task is nobody's to carry
        record = insist(lambda: here.transfers.depart(uuid, task), "let a record leave its cell")
        try:
            insist(
                lambda: there.transfers.receive(
                    record, place.host, place.node, place.zone, migration.uuid, group
                ),
                "write a record in another cell",
            )
        except CellrigError:
            insist(lambda: here.transfers.stay(uuid), "let a record stay")
            raise
        mappings = self._tools.api.mappings
        insist(
            lambda: mappings.instance_move(uuid, here.name, there.name), "map a server to a cell"
        )
        insist(lambda: there.transfers.show(uuid), "show a record that has come")
        insist(lambda: here.transfers.forget(uuid), "forget a record that has left")

    def tidy(self, instance_uuid: str, other: CellDatabase) -> None:
        """Remove what a broken-off crossing has left in `other`, which has not the server."""
        self._tools.seams.insist(
            lambda: other.transfers.forget(instance_uuid), "forget half a crossing"
        )

    def settle(self, cell: CellDatabase, instance: Instance) -> None:
        """Let a record be seen and changed in the cell that the mapping names."""
        insist, uuid = self._tools.seams.insist, instance.uuid
        if instance.hidden:
            insist(lambda: cell.transfers.show(uuid), "show a record that has come")
        if instance.leaving:
            insist(lambda: cell.transfers.stay(uuid), "let a record stay")


def is_up(tools: MoveTools, cell: str, host: str) -> bool:
    """Whether a host of a cell is up, as far as its reports tell."""
    hosts = tools.cells.databases[cell].hosts
    service = tools.seams.insist(
        lambda: hosts.service_get(host, COMPUTE), "see whether a host is up"
    )
    return service.is_up(tools.runtime.now())
