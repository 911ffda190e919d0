"""Databases that are asked by turns and work at the same time; what is prepared there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import psycopg
import pytest
from accounts import ALL, DOUBLE, FIRST, NAMES, OPEN, open_account, opened
from sqlalchemy import Float, Integer, String, bindparam, cast, func, literal_column, select, text

from cellrig.db.database import Database, Statement
from cellrig.db.turns import READERS, OpenOnServer
from cellrig.runtime.virtual import VirtualRuntime
from cellrig.seams import Process

#: What comes back is what was given, as a type of the database's.
WORD = Statement(select(cast(bindparam("word", type_=String), String)))
NUMBER = Statement(select(cast(bindparam("number"), Float)))
WHOLE = Statement(select(cast(bindparam("number"), Integer) + 1))
HUNDREDTHS = Statement(
    select(literal_column("'5%'"), cast(bindparam("word", type_=String), String))
)


@pytest.fixture
def runtime() -> Iterator[VirtualRuntime]:
    made = VirtualRuntime()
    yield made
    made.close()


@pytest.fixture
def database(find_server: Callable[[str], str], runtime: VirtualRuntime) -> Iterator[Database]:
    """A database on PostgreSQL."""
    with opened(find_server("postgresql"), runtime=runtime) as (made,):
        yield made


def word(database: Database, given: str) -> str:
    ((found,),) = database.ask(WORD, {"word": given})
    return str(found)


def test_while_a_server_is_at_work_other_tasks_ask_theirs(
    runtime: VirtualRuntime, database: Database
) -> None:
    steps: list[str] = []

    def ask(name: str) -> None:
        steps.append(f"{name} asks")
        steps.append(f"{word(database, name)} is told")

    def both() -> None:
        tasks = [runtime.spawn(partial(ask, name), name=name) for name in ("first", "second")]
        for task in tasks:
            task.result()

    runtime.run(both, name="both")
    assert steps == ["first asks", "second asks", "first is told", "second is told"]


def test_more_tasks_than_may_read_at_once_are_all_told(
    runtime: VirtualRuntime, database: Database
) -> None:
    names = [f"task-{number}" for number in range(3 * READERS)]

    def everybody() -> list[str]:
        tasks = [runtime.spawn(partial(word, database, name), name=name) for name in names]
        return [task.result() for task in tasks]

    assert runtime.run(everybody, name="everybody") == names


def test_an_answer_that_nobody_waits_for_any_more_is_not_given_to_another(
    runtime: VirtualRuntime, database: Database
) -> None:
    dying = Process("api")
    told: list[str] = []
    runtime.spawn(lambda: told.append(word(database, "lost")), name="dying", owner=dying)
    runtime.spawn(dying.crash, name="death")
    dying.at_death(lambda: runtime.kill(dying))
    runtime.settle()
    assert told == []
    assert isinstance(database._open, OpenOnServer)
    own = database._open._home.space
    idle = [home.space for home, _session in database._open._connections._idle]
    assert own not in idle, "nobody uses that connection again"
    assert word(database, "mine") == "mine"
    assert database.all(NAMES) == []


def test_what_is_read_again_and_again_stays_what_it_is(database: Database) -> None:
    open_account(database, "a", 5)
    for number in (1, 40_000, 3_000_000_000, 2.5, -1):
        for _time in range(5):
            assert database.all(NUMBER, number=number) == [(float(number),)]
    for _time in range(5):
        assert database.all(WORD, word=None) == [(None,)]
        assert database.all(WORD, word="é%s") == [("é%s",)]
        assert database.all(HUNDREDTHS, word="%") == [("5%", "%")]
        assert database.all(WHOLE, number=True) == [(2,)]
        assert database.all(ALL) == [(1, "a", 5)]


def test_what_a_server_does_not_understand_is_told_each_time_and_harms_nothing(
    database: Database,
) -> None:
    wrong = Statement(select(literal_column("no_such_column")))
    pattern = Statement(select(literal_column("'a' ~ '('")))
    for statement in (wrong, pattern):
        for _time in range(5):
            with pytest.raises(psycopg.Error, match=r"no_such_column|parentheses"):
                database.all(statement)
    assert word(database, "fine") == "fine"


def test_a_page_that_is_read_again_and_again_is_planned_for_good(database: Database) -> None:
    """A server that does not know how few rows it is to send finds every general plan too dear."""
    with database.transaction() as transaction:
        rows = [{"the_name": f"a{number}", "amount": 0} for number in range(1000)]
        transaction.run_each(OPEN, rows)
        for suffix in "bcdef":
            transaction.run(DOUBLE, suffix=suffix)
    for start in range(0, 600, 30):
        for limit in (3, 7):
            found = database.all(FIRST, after=start, row_limit=limit)
            assert found == [(start + number,) for number in range(1, limit + 1)]
    plans = text("generic_plans FROM pg_prepared_statements WHERE statement LIKE '%%LIMIT%%'")
    assert [plans > 9 for (plans,) in database.all(Statement(select(plans)))] == [True, True]


def test_a_connection_keeps_a_bounded_number_of_prepared_statements(database: Database) -> None:
    for number in range(300):
        statement = Statement(select(literal_column(str(number))))
        for _time in range(3):
            assert database.all(statement) == [(number,)]
    prepared = Statement(select(func.count()).select_from(text("pg_prepared_statements")))
    ((kept,),) = database.all(prepared)
    assert 200 < kept <= 256
