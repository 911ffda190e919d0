"""The API database's knowledge of cells: which there are, and what is in which."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, exists, func, select, update

from cellrig.db import api_tables as tables
from cellrig.db.conditions import Condition, Equals
from cellrig.db.database import Database, Row, Statement
from cellrig.db.ordering import Order, SortKey
from cellrig.db.questions import Listed, Question
from cellrig.db.statements import delete_by, insert_into, select_by, select_in, update_by
from cellrig.errors import Conflict, NotFound
from cellrig.model import CELL0, CellMapping, InstanceMapping

#: More rows than any table has.
_EVERY = 2**31 - 1
#: In which order the mappings of a cell are listed.
NEWEST_MAPPINGS_FIRST = Order(
    (SortKey("created_at", descending=True), SortKey("instance_uuid", descending=True))
)
MAPPINGS = Listed(tables.instance_mappings)
_CELLS = Statement(select(tables.cell_mappings).order_by(tables.cell_mappings.c.name))
_HOSTS = Statement(select(tables.host_mappings).order_by(tables.host_mappings.c.host))
_ALL = Statement(
    select(tables.instance_mappings).order_by(tables.instance_mappings.c.instance_uuid)
)
_PLACE_UNLESS_DELETED = Statement(
    update(tables.instance_mappings)
    .where(
        tables.instance_mappings.c.instance_uuid == bindparam("by_instance_uuid"),
        tables.instance_mappings.c.queued_for_delete == 0,
    )
    .values(cell=bindparam("cell"))
)
_MOVE = Statement(
    update(tables.instance_mappings)
    .where(
        tables.instance_mappings.c.instance_uuid == bindparam("by_instance_uuid"),
        tables.instance_mappings.c.cell == bindparam("by_cell"),
    )
    .values(cell=bindparam("cell"))
)
_OTHER_CELL = Statement(
    select(tables.instance_mappings.c.cell)
    .join(
        tables.server_group_members,
        tables.server_group_members.c.instance_uuid == tables.instance_mappings.c.instance_uuid,
    )
    .where(
        tables.server_group_members.c.group_uuid == bindparam("group"),
        tables.instance_mappings.c.instance_uuid != bindparam("uuid"),
        tables.instance_mappings.c.cell.is_not(None),
        tables.instance_mappings.c.cell.not_in([CELL0]),
        tables.instance_mappings.c.cell != bindparam("cell"),
        tables.instance_mappings.c.queued_for_delete == 0,
    )
    .limit(1)
)
_CELLS_OF_PROJECT = Statement(
    select(tables.cell_mappings.c.name).where(
        exists().where(
            tables.instance_mappings.c.project_id == bindparam("project_id"),
            tables.instance_mappings.c.cell == tables.cell_mappings.c.name,
        )
    )
)

_COUNT_OF_PROJECT = Statement(
    select(func.count())
    .select_from(tables.instance_mappings)
    .where(
        tables.instance_mappings.c.project_id == bindparam("project_id"),
        tables.instance_mappings.c.queued_for_delete == 0,
    )
)


def _mapping(row: Row) -> InstanceMapping:
    return InstanceMapping(row[0], row[1], row[2], row[3], bool(row[4]), row[5])


class MappingStore:
    """Cell, host and instance mappings.

    Args:
        database: the API database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def cell_create(self, cell: CellMapping) -> None:
        """Write a cell's mapping."""
        with self._database.transaction() as transaction:
            row = msgspec.structs.asdict(cell)
            transaction.run(insert_into(tables.cell_mappings), **{**row, "disabled": 0})

    def cell_set_disabled(self, cell: str, disabled: bool) -> None:
        """Keep new servers away from a cell, or let them in again."""
        with self._database.transaction() as transaction:
            statement = update_by(tables.cell_mappings, "name", "disabled")
            if not transaction.run(statement, by_name=cell, disabled=int(disabled)):
                raise NotFound("cell", cell)

    def cells(self) -> list[CellMapping]:
        """Return all cells, by name."""
        return [CellMapping(u, n, bool(d)) for u, n, d in self._database.all(_CELLS)]

    def host_create(self, hosts: Sequence[str], cell: str) -> None:
        """Map `hosts` to their cell."""
        with self._database.transaction() as transaction:
            transaction.run_each(
                insert_into(tables.host_mappings), [{"host": h, "cell": cell} for h in hosts]
            )

    def host_delete(self, host: str) -> None:
        """Forget a host."""
        with self._database.transaction() as transaction:
            transaction.run(delete_by(tables.host_mappings, "host"), host=host)

    def cell_of_host(self, host: str) -> str:
        """Return the cell that `host` belongs to.

        Raises:
            NotFound: no cell has it.
        """
        row = self._database.one(select_by(tables.host_mappings, "host"), host=host)
        if row is None:
            raise NotFound("host", host)
        return str(row[1])

    def hosts(self) -> dict[str, str]:
        """Return the cell of each host."""
        return dict(self._database.all(_HOSTS))

    def instance_get(self, instance_uuid: str) -> InstanceMapping:
        """Return an instance's mapping.

        Raises:
            NotFound: there was never such a server.
        """
        row = self._database.one(
            select_by(tables.instance_mappings, "instance_uuid"), instance_uuid=instance_uuid
        )
        if row is None:
            raise NotFound("server", instance_uuid)
        return _mapping(row)

    def instances(self, instance_uuids: Sequence[str] | None = None) -> list[InstanceMapping]:
        """Return the mappings of `instance_uuids`, or all."""
        if instance_uuids is None:
            rows = self._database.all(_ALL)
        else:
            rows = self._database.all(
                select_in(tables.instance_mappings, "instance_uuid", "instance_uuid"),
                keys=instance_uuids,
            )
        return [_mapping(row) for row in rows]

    def cells_of_project(self, project_id: str) -> list[str]:
        """Return the cells where a project has, or had, servers."""
        return [name for (name,) in self._database.all(_CELLS_OF_PROJECT, project_id=project_id)]

    def instances_of_cell(
        self, cell: str, conditions: tuple[Condition, ...], limit: int | None
    ) -> list[InstanceMapping]:
        """Return the mappings of a cell's servers that are not deleted, the newest first.

        Args:
            cell: its name.
            conditions: on columns of the mappings.
            limit: the most to return; None for all.
        """
        question = Question(
            (Equals("cell", cell), Equals("queued_for_delete", 0), *conditions),
            NEWEST_MAPPINGS_FIRST,
            _EVERY if limit is None else limit,
        )
        batch = MAPPINGS.batch(self._database, question)
        return [_mapping(row) for row in batch.rows]

    def count_of_project(self, project_id: str) -> int:
        """Return how many servers a project has that are not deleted."""
        (count,) = self._database.one(_COUNT_OF_PROJECT, project_id=project_id) or (0,)
        return int(count)

    def instance_queue_for_delete(self, instance_uuid: str) -> None:
        """Note that an instance is deleted, or about to be."""
        with self._database.transaction() as transaction:
            transaction.run(
                update_by(tables.instance_mappings, "instance_uuid", "queued_for_delete"),
                by_instance_uuid=instance_uuid,
                queued_for_delete=1,
            )

    def instance_place(self, instance_uuid: str, cell: str, beside: str | None = None) -> bool:
        """Map an instance to its cell, unless its deletion was asked for.

        Its build request ends in the same transaction, so it is never in both or in neither.

        Args:
            instance_uuid: which.
            cell: the cell.
            beside: the server group whose other members must be in the same cell.

        Returns:
            Whether it was placed; False means that the user has deleted it meanwhile.

        Raises:
            Conflict: a member of the group is in another cell.
        """
        with self._database.transaction() as transaction:
            if beside is not None:
                other = transaction.one(_OTHER_CELL, group=beside, uuid=instance_uuid, cell=cell)
                if other is not None:
                    raise Conflict(
                        f"server {instance_uuid} cannot be in cell {cell}: "
                        f"a member of its affinity group {beside} is in cell {other[0]}"
                    )
            placed = transaction.run(
                _PLACE_UNLESS_DELETED, by_instance_uuid=instance_uuid, cell=cell
            )
            if placed:
                transaction.run(
                    delete_by(tables.build_requests, "instance_uuid"), instance_uuid=instance_uuid
                )
        return bool(placed)

    def instance_move(self, instance_uuid: str, source: str, destination: str) -> None:
        """Map an instance to another cell than it is in; twice is harmless.

        Raises:
            Conflict: it is in neither of the two.
        """
        with self._database.transaction() as transaction:
            moved = transaction.run(
                _MOVE, by_instance_uuid=instance_uuid, by_cell=source, cell=destination
            )
            if moved:
                return
            row = transaction.one(
                select_by(tables.instance_mappings, "instance_uuid"), instance_uuid=instance_uuid
            )
        if row is None or _mapping(row).cell != destination:
            raise Conflict(f"server {instance_uuid} is not in cell {source}: it cannot leave it")
