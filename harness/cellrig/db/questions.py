"""What a cell is asked when something is listed, and the statements that answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Column, Table, bindparam, select

from cellrig.db.conditions import Condition, all_of, shape_of, values_of
from cellrig.db.database import Row, Statement, Transaction
from cellrig.db.ordering import Order, Position

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


class _Shape:
    """A question without its values; two with the same key have the same statement."""

    __slots__ = ("_hash", "columns", "key", "question", "table")

    def __init__(self, table: Table, columns: tuple[str, ...], question: Question) -> None:
        self.table = table
        self.columns = columns
        self.question = question
        self.key = (
            table.name,
            columns,
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
    table, question = shape.table, shape.question
    order = question.order
    wanted: list[Column[Any]] = [table.c[name] for name in shape.columns]
    chosen = select(*order.columns(table), *wanted).where(all_of(question.conditions, table, "c"))
    if question.after is not None:
        chosen = chosen.where(order.after(table, question.after))
    return Statement(chosen.order_by(*order.terms(table)).limit(bindparam("row_limit")))


def statement_of(table: Table, columns: Sequence[str], question: Question) -> Statement:
    """Return the statement that answers a question: sort keys first, then `columns`."""
    return _statement(_Shape(table, tuple(columns), question))


def parameters_of(question: Question) -> dict[str, Any]:
    """Return the parameters of the statement that answers a question."""
    return {
        **values_of(question.conditions, "c"),
        **question.order.values_of(question.after),
        "row_limit": question.limit,
    }


def rows_of(
    transaction: Transaction, table: Table, columns: Sequence[str], question: Question
) -> list[tuple[Position, Row]]:
    """Return the rows that a question wants, each with its position."""
    statement = statement_of(table, columns, question)
    count = len(question.order.keys)
    rows = transaction.all(statement, **parameters_of(question))
    return [(row[:count], row[count:]) for row in rows]
