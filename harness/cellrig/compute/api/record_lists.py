"""Lists of migrations, instance actions and services: the orders and conditions of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cellrig.cells import Cells, Stream
from cellrig.db import CellDatabase
from cellrig.db.conditions import AtLeast, AtMost, Condition, Either, Equals
from cellrig.db.ordering import Order, Position, SortKey
from cellrig.db.questions import Batch, Question
from cellrig.errors import Invalid, MarkerNotFound
from cellrig.model import InstanceAction, Migration, Service

#: The newest first (microversion 2.59).
MIGRATIONS = Order((SortKey("created_at", descending=True), SortKey("uuid", descending=True)))
#: The newest first (microversion 2.58).
ACTIONS = Order((SortKey("start_time", descending=True), SortKey("id", descending=True)))
#: A host has one service of a kind, and is in one cell.
SERVICES = Order((SortKey("host"), SortKey("binary")))


def migrations_of(cell: CellDatabase, question: Question) -> Batch[Migration]:
    """Ask a cell for migrations."""
    return cell.listing.migrations(question)


def actions_of(cell: CellDatabase, question: Question) -> Batch[InstanceAction]:
    """Ask a cell for instance actions."""
    return cell.listing.actions(question)


def services_of(cell: CellDatabase, question: Question) -> Batch[Service]:
    """Ask a cell for services."""
    return cell.listing.services(question)


def migration_conditions(
    equal: Mapping[str, str | None],
    host: str | None,
    changes_since: float | None,
    changes_before: float | None,
) -> tuple[Condition, ...]:
    """Return the conditions of a list of migrations; what is None is not looked at.

    Args:
        equal: column to value.
        host: the source or the destination.
        changes_since, changes_before: seconds since the epoch (microversions 2.59, 2.66).
    """
    found: list[Condition] = [
        Equals(column, value) for column, value in equal.items() if value is not None
    ]
    if host is not None:
        found.append(Either(((Equals("source_compute", host),), (Equals("dest_compute", host),))))
    if changes_since is not None:
        found.append(AtLeast("updated_at", changes_since))
    if changes_before is not None:
        found.append(AtMost("updated_at", changes_before))
    return tuple(found)


def action_conditions(
    instance_uuid: str, changes_since: float | None, changes_before: float | None
) -> tuple[Condition, ...]:
    """Return the conditions of a list of a server's actions; what is None is not looked at.

    An action changes when it starts and when it ends (microversions 2.58, 2.66).
    """
    found: list[Condition] = [Equals("instance_uuid", instance_uuid)]
    for bound, kind in ((changes_since, AtLeast), (changes_before, AtMost)):
        if bound is not None:
            running = (Equals("finish_time", None), kind("start_time", bound))
            found.append(Either(((kind("finish_time", bound),), running)))
    return tuple(found)


def check_limit(limit: int | None) -> None:
    """Check a limit.

    Raises:
        Invalid: it is less than 0.
    """
    if limit is not None and limit < 0:
        raise Invalid(f"a limit is 0 or more, not {limit}")


def position_of_marker(
    cells: Cells,
    asked: Mapping[str, CellDatabase],
    marker: str | None,
    find: Callable[[CellDatabase], Position | None],
) -> Position | None:
    """Return where a marker stands, whatever cell it is in; None where there is none.

    Raises:
        MarkerNotFound: no cell has it.
        CellUnavailable: no cell has it that answers.
    """
    if marker is None:
        return None
    gathered = cells.scatter.gather(asked, find)
    for position in gathered.answers.values():
        if position is not None:
            return position
    for missing in gathered.missing.values():
        raise missing
    raise MarkerNotFound(marker)


def all_services(cells: Cells) -> Stream[Service]:
    """Return the services of all cells, by host."""
    return Stream(cells.scatter, cells.with_hosts(), services_of, (), SERVICES)
