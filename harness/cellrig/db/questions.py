"""What a cell is asked when something is listed, and the statements that answer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Generic, TypeVar, overload

import msgspec
from sqlalchemy import ColumnElement, Table, bindparam, select

from cellrig.db.conditions import Condition, Equals, all_of, shape_of, values_of
from cellrig.db.database import Database, Row, Statement, Transaction
from cellrig.db.ordering import Order, Position
from cellrig.db.statement import ROW_LIMIT

T = TypeVar("T")

#: Combinations of filters and sort keys whose statements a process keeps compiled.
_STATEMENTS_KEPT = 256
#: Listings, with the values of their filters, of which a process knows how to ask.
_LISTINGS_KEPT = 64


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


class Positions(Sequence[Position]):
    """Where rows stand, which is found out when it is asked for: most are never compared.

    Args:
        rows: as the database has sent them.
        of: takes a row's position out of it.
    """

    __slots__ = ("_of", "_rows")

    def __init__(self, rows: list[Row], of: Callable[[Row], Position]) -> None:
        self._rows = rows
        self._of = of

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Position: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Position]: ...
    def __getitem__(self, index: int | slice) -> Position | Sequence[Position]:
        if isinstance(index, slice):
            return Positions(self._rows[index], self._of)
        return self._of(self._rows[index])

    def __iter__(self) -> Iterator[Position]:
        return map(self._of, self._rows)

    def clear(self) -> None:
        """Keep nothing of the rows."""
        self._rows = []


class Batch(msgspec.Struct, Generic[T], frozen=True):
    """What a cell answers: some rows, in order.

    Args:
        positions: where each of them stands.
        rows: as many.
    """

    positions: Positions
    rows: list[T]

    def __len__(self) -> int:
        return len(self.rows)


class Listed:
    """What is read of every row of a table that is listed.

    Args:
        table: whose rows.
        columns: their names; all where none are given.
        found: more about each row, that the database finds for it by an index.
        always: which rows are listed at all.
    """

    def __init__(
        self,
        table: Table,
        *columns: str,
        found: Sequence[ColumnElement[Any]] = (),
        always: tuple[Condition, ...] = (),
    ) -> None:
        self.table = table
        self.columns = columns or tuple(column.name for column in table.columns)
        self.found = tuple(found)
        self.always = always

    def statement(self, question: Question) -> tuple[Statement, dict[str, Any]]:
        """Return the statement that answers a question, and its parameters.

        It selects `columns`, what is `found`, and those sort keys that are not there yet.
        """
        return _listing(self, question.conditions, question.order).statement(question)

    def batch(self, reader: Database | Transaction, question: Question) -> Batch[Row]:
        """Return the rows that a question wants; behind what was asked for there may be more.

        Args:
            reader: the database, or a transaction of it where something else is read too.
            question: what is asked.
        """
        listing = _listing(self, question.conditions, question.order)
        rows = reader.ask(*listing.statement(question))
        return Batch(Positions(rows, listing.position), rows)


class _Listing:
    """What the questions of a listing have in common: they differ in limit and place only.

    Args:
        listed: what is read.
        conditions, order: of the questions.

    Attributes:
        position: takes a row's position out of it.
    """

    def __init__(self, listed: Listed, conditions: tuple[Condition, ...], order: Order) -> None:
        self._listed = listed
        self._conditions = (*listed.always, *conditions)
        self._order = order
        keys = order.keys
        equal = {each.column: each.value for each in self._conditions if isinstance(each, Equals)}
        self._constants = {
            place: equal[key.column] for place, key in enumerate(keys) if key.column in equal
        }
        self._values = values_of(self._conditions, "c")
        self._statements: dict[Hashable, Statement] = {}
        names = [*listed.columns, *([None] * len(listed.found)), *_keys_besides(listed, order)]
        self.position = _position_at([names.index(key.column) for key in keys])

    def statement(self, question: Question) -> tuple[Statement, dict[str, Any]]:
        """Return the statement that answers one of the questions, and its parameters."""
        order, after = self._order, question.after
        if self._constants:
            order, after = self._without_constants(after)
        values = {**self._values, **order.values_of(after), ROW_LIMIT: question.limit}
        form = (order, order.shape_of(after))
        known = self._statements.get(form)
        if known is None:
            asked = Question(self._conditions, order, question.limit, after)
            known = _statement(_Shape(self._listed, asked, self._order))
            self._statements[form] = known
        return known, values

    def _without_constants(self, after: Position | None) -> tuple[Order, Position | None]:
        """Return how to sort and where to begin, not by what a condition makes equal in all rows.

        Databases go by an index then which they do not believe in otherwise.
        """
        constants = self._constants
        kept = [
            place
            for place in range(len(self._order.keys))
            if place not in constants or (after is not None and after[place] != constants[place])
        ]
        if not kept:
            return self._order, after
        return (
            Order(tuple(self._order.keys[place] for place in kept)),
            None if after is None else tuple(after[place] for place in kept),
        )


def _position_at(places: Sequence[int]) -> Callable[[Row], Position]:
    if len(places) > 1:
        return itemgetter(*places)
    (place,) = places
    return lambda row: (row[place],)


@lru_cache(maxsize=_LISTINGS_KEPT)
def _listing(listed: Listed, conditions: tuple[Condition, ...], order: Order) -> _Listing:
    return _Listing(listed, conditions, order)


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
    return Statement(chosen.order_by(*order.terms(table)).limit(bindparam(ROW_LIMIT)))


def _keys_besides(listed: Listed, order: Order) -> list[str]:
    return [key.column for key in order.keys if key.column not in listed.columns]
