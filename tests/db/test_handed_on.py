"""Databases in memory, one after the other on the same connection: none knows of the one before."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from cellrig.db.database import Database, Statement
from cellrig.db.images import build_image
from cellrig.db.sqlite import InMemory
from cellrig.runtime.virtual import VirtualRuntime

_TABLES = ("apples", "pears")
_APPLES = Statement(text("SELECT kind FROM apples ORDER BY kind"))


def image(order: Sequence[str] = _TABLES) -> bytes:
    def create(connection: sqlite3.Connection) -> None:
        for table in order:
            connection.execute(f"CREATE TABLE {table} (kind TEXT)")
            connection.execute(f"INSERT INTO {table} VALUES ('{table} of the image')")  # noqa: S608

    return build_image(create)


def database(of: bytes) -> Database:
    return Database("fruit", of, VirtualRuntime(), InMemory())


def add_apple(where: Database) -> None:
    with where.transaction() as transaction:
        transaction.run(Statement(text("INSERT INTO apples VALUES ('boskoop')")))


def apples(where: Database) -> list[str]:
    return [kind for (kind,) in where.all(_APPLES)]


def test_a_database_knows_nothing_of_the_one_before() -> None:
    first = image()
    for _time in range(3):
        where = database(first)
        assert where.dump() == first
        assert apples(where) == ["apples of the image"]
        add_apple(where)
        assert apples(where) == ["apples of the image", "boskoop"]
        where.close()


def test_who_has_a_closed_database_still_does_not_reach_the_next_one() -> None:
    closed = database(image())
    add_apple(closed)
    for _time in range(2):
        closed.close()
    following = database(image())
    for use in (apples, add_apple, Database.dump):
        with pytest.raises(sqlite3.ProgrammingError):
            use(closed)
    assert apples(following) == ["apples of the image"]


def test_a_database_that_is_closed_in_a_transaction_is_not_handed_on() -> None:
    where = database(image())
    transaction = where.transaction()
    transaction.__enter__()
    transaction.run(Statement(text("INSERT INTO apples VALUES ('boskoop')")))
    where.close()
    assert apples(database(image())) == ["apples of the image"]


def test_what_was_prepared_for_one_image_is_not_used_for_one_with_its_tables_elsewhere() -> None:
    one, other = image(), image(_TABLES[::-1])
    where = database(one)
    assert apples(where) == ["apples of the image"]
    where.load(other)
    assert apples(where) == ["apples of the image"]
    where.close()
    assert apples(database(one)) == ["apples of the image"]


def test_a_table_that_one_has_made_is_not_there_in_the_next() -> None:
    first = image()
    where = database(first)
    with where.transaction() as transaction:
        transaction.run(Statement(text("CREATE TABLE plums (kind TEXT)")))
    where.close()
    assert database(first).dump() == first
