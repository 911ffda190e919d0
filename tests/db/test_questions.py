"""What a cell answers to a question, where a condition makes a sort key equal in all rows."""

from __future__ import annotations

import pytest
from listed_servers import server_row

from cellrig.db.cell_tables import cell_image, instances
from cellrig.db.conditions import Condition, Equals
from cellrig.db.database import Database
from cellrig.db.listing import BRIEF_SERVERS
from cellrig.db.ordering import Order, Position, SortKey
from cellrig.db.questions import Question
from cellrig.db.sqlite import SQLITE
from cellrig.db.statements import insert_into
from cellrig.runtime.virtual import VirtualRuntime

NAMED_WEB = (Equals("name", "web"),)
BY_NAME = Order((SortKey("name"), SortKey("uuid")))


@pytest.fixture
def database() -> Database:
    where = Database("cell1", cell_image(), VirtualRuntime())
    with where.transaction() as transaction:
        transaction.run_each(
            insert_into(instances),
            [server_row(uuid, name) for uuid, name in (("a", "web"), ("b", "db"), ("c", "web"))],
        )
    return where


def found(
    database: Database, conditions: tuple[Condition, ...], order: Order, after: Position | None
) -> list[tuple[Position, str]]:
    with database.reading() as transaction:
        batch = BRIEF_SERVERS.batch(transaction, Question(conditions, order, 10, after))
    return [(at, row[0]) for at, row in zip(batch.positions, batch.rows, strict=True)]


@pytest.mark.parametrize(
    ("after", "uuids"),
    [
        (None, ["a", "c"]),
        (("web", "a"), ["c"]),
        (("web", "c"), []),
        (("db", "z"), ["a", "c"]),  # a marker of another name is no place among these
        (("zone", "a"), []),
    ],
)
def test_a_page_goes_on_behind_any_marker(
    database: Database, after: Position | None, uuids: list[str]
) -> None:
    expected = [(("web", uuid), uuid) for uuid in uuids]
    assert found(database, NAMED_WEB, BY_NAME, after) == expected


def test_a_key_that_is_equal_in_all_rows_is_in_the_position_and_sorts_nothing(
    database: Database,
) -> None:
    order = Order((SortKey("project_id"), SortKey("name"), SortKey("uuid")))
    conditions = (*NAMED_WEB, Equals("project_id", "p"))
    assert found(database, conditions, order, None) == [
        (("p", "web", "a"), "a"),
        (("p", "web", "c"), "c"),
    ]
    statement, _values = BRIEF_SERVERS.statement(Question(conditions, order, 10))
    assert "ORDER BY instances.uuid" in statement.bind(SQLITE, {"row_limit": 1})[0]


def test_where_nothing_else_is_left_to_sort_by_the_question_stays_as_it_is(
    database: Database,
) -> None:
    by_id = Order((SortKey("uuid"),))
    assert found(database, (Equals("uuid", "a"),), by_id, None) == [(("a",), "a")]
