"""What a cell is asked when something is listed, and the statements that answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Table, bindparam, select

from cellrig.db.conditions import Condition, Equals, all_of, shape_of, values_of
from cellrig.db.database import Database, Row, Statement, Transaction
from cellrig.db.ordering import Order, Position

T = TypeVar("T")

#: Combinations of filters and sort keys whose statements a process keeps compiled.
_STATEMENTS_KEPT = 256


class Question(msgspec.Struct, frozen=True):
    """The rows that a listing wants next of one cell.

    Args:
        conditions: which rows; all hold.
        order: how they are sorted.
        limit: the most rows to send.
        after: send only what comes after this position.
    """

    conditions: tuple[Condition, ...]
    order: Order
    limit: int
    after: Position | None = None


class Batch(msgspec.Struct, Generic[T], frozen=True):
    """What a cell answers: some rows, in order.

    Args:
        positions: where each of them stands.
        rows: as many.
    """

    positions: list[Position]
    rows: list[T]

    def __len__(self) -> int:
        return len(self.rows)


def _without_constants(question: Question) -> Question:
    """Return the same question, not sorted by what a condition makes equal in all rows.

    Databases go by an index then which they do not believe in otherwise.
    """
    order, after = question.order, question.after
    equal = {each.column: each.value for each in question.conditions if isinstance(each, Equals)}
    kept = [
        place
        for place, key in enumerate(order.keys)
        if key.column not in equal or (after is not None and after[place] != equal[key.column])
    ]
    if len(kept) == len(order.keys) or not kept:
        return question
    return msgspec.structs.replace(
        question,
        order=Order(tuple(order.keys[place] for place in kept)),
        after=None if after is None else tuple(after[place] for place in kept),
    )


class Listed:
    """What is read of every row of a table that is listed.

    Args:
        table: whose rows.
        columns: their names; all where none are given.
        found: more about each row, that the database finds for it by an index.
    """

    def __init__(
        self, table: Table, *columns: str, found: Sequence[ColumnElement[Any]] = ()
    ) -> None:
        self.table = table
        self.columns = columns or tuple(column.name for column in table.columns)
        self.found = tuple(found)

    def statement(self, question: Question) -> tuple[Statement, dict[str, Any]]:
        """Return the statement that answers a question, and its parameters.

        It selects `columns`, what is `found`, and those sort keys that are not there yet.
        """
        asked = _without_constants(question)
        values = values_of(asked.conditions, "c")
        values.update(asked.order.values_of(asked.after))
        values["row_limit"] = asked.limit
        return _statement(_Shape(self, asked, question.order)), values

    def batch(self, reader: Database | Transaction, question: Question) -> Batch[Row]:
        """Return the rows that a question wants; behind what was asked for there may be more.

        Args:
            reader: the database, or a transaction of it where something else is read too.
            question: what is asked.
        """
        statement, values = self.statement(question)
        rows = reader.all(statement, **values)
        return Batch(list(map(_position_in(self, question.order), rows)), rows)


class _Shape:
    """A question without its values; two with the same key have the same statement.

    Args:
        listed: what is read.
        question: what is asked.
        order: whose keys a position is of.
    """

    __slots__ = ("_hash", "key", "listed", "order", "question")

    def __init__(self, listed: Listed, question: Question, order: Order) -> None:
        self.listed = listed
        self.question = question
        self.order = order
        self.key = (
            listed,
            order,
            shape_of(question.conditions),
            question.order,
            question.order.shape_of(question.after),
        )
        self._hash = hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shape) and self.key == other.key

    def __hash__(self) -> int:
        return self._hash


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _statement(shape: _Shape) -> Statement:
    listed, question = shape.listed, shape.question
    table, order = listed.table, question.order
    wanted: list[ColumnElement[Any]] = [table.c[name] for name in listed.columns]
    keys = [table.c[name] for name in _keys_besides(listed, shape.order)]
    chosen = select(*wanted, *listed.found, *keys).where(all_of(question.conditions, table, "c"))
    if question.after is not None:
        chosen = chosen.where(order.after(table, question.after))
    return Statement(chosen.order_by(*order.terms(table)).limit(bindparam("row_limit")))


def _keys_besides(listed: Listed, order: Order) -> list[str]:
    return [key.column for key in order.keys if key.column not in listed.columns]


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _position_in(listed: Listed, order: Order) -> Callable[[Row], Position]:
    """Return what takes a row's position out of it."""
    names = [*listed.columns, *([None] * len(listed.found)), *_keys_besides(listed, order)]
    places = [names.index(key.column) for key in order.keys]
    if len(places) > 1:
        return itemgetter(*places)
    (place,) = places
    return lambda row: (row[place],)
