"""How the databases find what is listed: by an index, and in its order, never by reading all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Table

from cellrig.compute.api.record_lists import (
    ACTIONS,
    MIGRATIONS,
    SERVICES,
    action_conditions,
    migration_conditions,
)
from cellrig.compute.api.server_filters import ServerFilters, order_of
from cellrig.db import api_tables, cell_tables
from cellrig.db.conditions import Condition, Equals
from cellrig.db.mappings import NEWEST_MAPPINGS_FIRST
from cellrig.db.ordering import Order
from cellrig.db.questions import Question, parameters_of, statement_of
from cellrig.db.sqlite import SQLITE


class Plan(NamedTuple):
    """What a database means to do.

    Args:
        indexes: the indexes that it uses.
        scans: the tables that it reads from end to end without an index.
        sorts: whether it sorts rows itself, instead of reading them in order.
    """

    indexes: frozenset[str]
    scans: frozenset[str]
    sorts: bool


def sqlite_plan(table: Table, question: Question) -> Plan:
    """Ask SQLite, of an empty database: it knows the tables and nothing of their rows."""
    image = (
        cell_tables.cell_image()
        if table.metadata is cell_tables.metadata
        else api_tables.api_image()
    )
    columns = [column.name for column in table.columns]
    text, values = statement_of(table, columns, question).bind(SQLITE, parameters_of(question))
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(image)
        connection.create_function("regexp", 2, lambda pattern, value: False)
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]
    finally:
        connection.close()
    indexes = {word for step in steps for word in step.split() if "_by_" in word}
    scans = {step.split()[1] for step in steps if step.startswith("SCAN") and "USING" not in step}
    return Plan(
        frozenset(indexes),
        frozenset(scans),
        any("TEMP B-TREE FOR ORDER BY" in step or "LAST TERM" in step for step in steps),
    )


#: How the plan is asked of each kind of database.
PLANNERS: Mapping[str, Callable[[Table, Question], Plan]] = {"sqlite": sqlite_plan}


class Listing(NamedTuple):
    """A listing, and the index that must serve it.

    Args:
        served_by: the index; None where any is good enough.
        in_order: the index gives the rows in order, so that a page reads no more than it shows.
    """

    name: str
    table: Table
    conditions: tuple[Condition, ...]
    order: Order
    served_by: str | None
    in_order: bool


def servers(
    title: str,
    index: str | None,
    *sort_keys: str,
    in_order: bool = True,
    **filters: Any,
) -> Listing:
    conditions = ServerFilters(**filters).conditions()
    order = order_of(sort_keys, ())
    return Listing(title, cell_tables.instances, conditions, order, index, in_order)


def migrations(name: str, index: str, *, in_order: bool, **asked: Any) -> Listing:
    given = {"host": None, "changes_since": None, "changes_before": None, **asked}
    equal = given.pop("equal", {})
    conditions = migration_conditions(equal, **given)
    return Listing(name, cell_tables.migrations, conditions, MIGRATIONS, index, in_order)


LISTINGS = (
    servers("all servers", "instances_by_created_at"),
    servers("of a project", "instances_by_project", project="p"),
    servers("deleted", "instances_by_created_at", deleted=True),
    servers("deleted of a project", "instances_by_project", project="p", deleted=True),
    servers("by name", "instances_by_name", "name"),
    servers("with a literal name", "instances_by_name", "name", name="^web$"),
    servers("with a pattern", "instances_by_created_at", name="web"),
    servers("of a project with a pattern", "instances_by_project", project="p", name="web"),
    servers("with a status", "instances_by_created_at", status="ACTIVE"),
    servers("with a flavor", "instances_by_created_at", flavor="1"),
    servers("with an image", "instances_by_created_at", image="i"),
    servers("in a zone", "instances_by_created_at", zone="north"),
    servers("without a tag", "instances_by_created_at", not_tags_any=["amber"]),
    servers("of a host", "instances_by_host_and_age", host="h"),
    servers("of a reservation", "instances_by_reservation", reservation_id="r"),
    servers("by ids", None, ids=["a", "b"], in_order=False),
    servers("changed since", "instances_by_updated_at", changes_since=5.0, in_order=False),
    migrations("migrations", "migrations_by_created_at", in_order=True),
    migrations(
        "migrations of a server",
        "migrations_by_instance",
        equal={"instance_uuid": "u"},
        in_order=False,
    ),
    migrations("migrations of a host", "migrations_by_source", host="h", in_order=False),
    Listing(
        "actions",
        cell_tables.actions,
        action_conditions("u", None, None),
        ACTIONS,
        "instance_actions_by_time",
        True,
    ),
    Listing("services", cell_tables.services, (), SERVICES, "services_by_host", True),
    Listing(
        "mappings of a cell",
        api_tables.instance_mappings,
        (Equals("cell", "cell1"), Equals("queued_for_delete", 0)),
        NEWEST_MAPPINGS_FIRST,
        "instance_mappings_by_cell",
        True,
    ),
)


def pages(listing: Listing) -> Iterator[Question]:
    """The first page, and one behind another."""
    position = tuple(
        5.0 if key.column in {"created_at", "start_time"} else 7 if key.column == "id" else "m"
        for key in listing.order.keys
    )
    for after in (None, position):
        yield Question(listing.conditions, listing.order, 100, after)


@pytest.mark.parametrize("kind", PLANNERS)
@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.name)
def test_every_listing_is_served_by_its_index(kind: str, listing: Listing) -> None:
    for question in pages(listing):
        plan = PLANNERS[kind](listing.table, question)
        assert not plan.scans
        assert listing.served_by is None or listing.served_by in plan.indexes, plan
        if listing.in_order:
            assert not plan.sorts, plan


@pytest.mark.parametrize("kind", PLANNERS)
def test_servers_with_a_tag_are_found_from_the_tag(kind: str) -> None:
    listing = servers("tagged", None, tags_any=["amber"])
    for question in pages(listing):
        plan = PLANNERS[kind](listing.table, question)
        assert "tags_by_tag" in plan.indexes
        assert not plan.scans
