"""How the databases find what is listed: by an index, and in its order, never by reading all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from database_servers import KINDS
from query_plans import Planner

from cellrig.compute.api.record_lists import ACTIONS as NEWEST_ACTIONS_FIRST
from cellrig.compute.api.record_lists import MIGRATIONS as NEWEST_MIGRATIONS_FIRST
from cellrig.compute.api.record_lists import SERVICES as BY_HOST
from cellrig.compute.api.record_lists import action_conditions, migration_conditions
from cellrig.compute.api.server_filters import ServerFilters, order_of
from cellrig.db.conditions import Condition, Equals
from cellrig.db.listing import ACTIONS, MIGRATIONS, SERVERS, SERVICES
from cellrig.db.mappings import MAPPINGS, NEWEST_MAPPINGS_FIRST
from cellrig.db.ordering import Order
from cellrig.db.questions import Listed, Question


@pytest.fixture(params=["sqlite", *KINDS])
def planner(request: pytest.FixtureRequest, planners: Callable[[str], Planner]) -> Planner:
    """What tells the plans of each kind of database."""
    return planners(request.param)


class Listing(NamedTuple):
    """A listing, and the index that must serve it.

    Args:
        served_by: the index; None where any is good enough.
        in_order: the index gives the rows in order, so that a page reads no more than it shows.
    """

    name: str
    listed: Listed
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
    order = order_of(sort_keys, ())
    return Listing(title, SERVERS, ServerFilters(**filters).conditions(), order, index, in_order)


def migrations(name: str, index: str, *, in_order: bool, **asked: Any) -> Listing:
    given = {"host": None, "changes_since": None, "changes_before": None, **asked}
    equal = given.pop("equal", {})
    conditions = migration_conditions(equal, **given)
    return Listing(name, MIGRATIONS, conditions, NEWEST_MIGRATIONS_FIRST, index, in_order)


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
        ACTIONS,
        action_conditions("u", None, None),
        NEWEST_ACTIONS_FIRST,
        "instance_actions_by_time",
        True,
    ),
    Listing("services", SERVICES, (), BY_HOST, "services_by_host", True),
    Listing(
        "mappings of a cell",
        MAPPINGS,
        (Equals("cell", "cell1"), Equals("queued_for_delete", 0)),
        NEWEST_MAPPINGS_FIRST,
        "instance_mappings_by_cell",
        True,
    ),
)


def pages(listing: Listing) -> Iterator[Question]:
    """The first page, and one behind another."""
    values = {"created_at": 5.0, "start_time": 5.0, "id": 500, "name": "web"}
    position = tuple(values.get(key.column, "5") for key in listing.order.keys)
    for after in (None, position):
        yield Question(listing.conditions, listing.order, 100, after)


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.name)
def test_every_listing_is_served_by_its_index(planner: Planner, listing: Listing) -> None:
    for question in pages(listing):
        plan = planner(listing.listed, question)
        assert not plan.scans, plan
        assert listing.served_by is None or listing.served_by in plan.indexes, plan
        if listing.in_order:
            assert not plan.sorts, plan


def test_servers_with_a_tag_are_found_from_the_tag(planner: Planner) -> None:
    listing = servers("tagged", None, tags_any=["amber"])
    for question in pages(listing):
        plan = planner(listing.listed, question)
        assert "tags_by_tag" in plan.indexes, plan
        assert not plan.scans, plan
