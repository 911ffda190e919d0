"""In which order rows are listed: the same in SQL and in memory, on every database.

A listing goes on where it stopped by the values of the last row's sort keys (keyset paging), never
by counting rows, so that what is created or deleted between two pages moves nothing.

A null counts as smaller than every value, by an expression of its own: databases differ.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from enum import Enum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, and_, bindparam, case, false, or_

#: The values of a row's sort keys, in their order.
Position = tuple[Any, ...]

#: What `Order.rank` returns for two rows compares as the rows do.
Rank = tuple[Any, ...]


class SortKey(msgspec.Struct, frozen=True):
    """A column that rows are sorted by.

    Args:
        column: its name.
        descending: the largest first.
        nullable: whether it can be null.
    """

    column: str
    descending: bool = False
    nullable: bool = False


class Order(msgspec.Struct, frozen=True):
    """A total order: no two rows are equal in it.

    Args:
        keys: the first counts most; the last is unique.
    """

    keys: tuple[SortKey, ...]

    def columns(self, table: Table) -> list[ColumnElement[Any]]:
        """Return the columns whose values are a row's position."""
        return [table.c[key.column] for key in self.keys]

    def terms(self, table: Table) -> list[ColumnElement[Any]]:
        """Return the terms of ORDER BY."""
        found: list[ColumnElement[Any]] = []
        for key in self.keys:
            column: ColumnElement[Any] = table.c[key.column]
            if key.nullable:
                has_value = case((column.is_(None), 0), else_=1)
                found.append(has_value.desc() if key.descending else has_value)
            found.append(column.desc() if key.descending else column.asc())
        return found

    def after(self, table: Table, position: Position) -> ColumnElement[bool]:
        """Return the condition that a row comes after `position`, its values as parameters.

        The parameters are ``after0``, ``after1``, ...; see `values_of`.
        """
        steps = [
            _Step(table.c[key.column], key, bindparam(f"after{index}"), position[index] is None)
            for index, key in enumerate(self.keys)
        ]
        condition = steps[-1].beyond()
        for step in reversed(steps[:-1]):
            condition = step.followed_by(condition)
        return condition

    def shape_of(self, position: Position | None) -> Hashable:
        """Return what the text of `after` depends on."""
        return None if position is None else tuple(value is None for value in position)

    def values_of(self, position: Position | None) -> dict[str, Any]:
        """Return the parameters of `after`."""
        values = () if position is None else position
        return {f"after{i}": value for i, value in enumerate(values) if value is not None}

    def position_of(self, record: object) -> Position:
        """Return where something in memory stands; its attributes are named as the columns."""
        return tuple(_plain(getattr(record, key.column)) for key in self.keys)

    @property
    def reverse(self) -> bool:
        """Whether the larger `rank` comes first."""
        return all(key.descending for key in self.keys)

    def rank(self) -> Callable[[Sequence[Any]], Rank]:
        """Return what makes of a position something that sorts, in the direction of `reverse`."""
        if not any(key.nullable for key in self.keys) and (
            self.reverse or not any(key.descending for key in self.keys)
        ):
            return tuple
        reverse = self.reverse
        turned = [key.descending and not reverse for key in self.keys]

        def rank(position: Sequence[Any]) -> Rank:
            return tuple(
                _Turned(value) if turn else (value is not None, value)
                for value, turn in zip(position, turned, strict=True)
            )

        return rank


class _Step:
    """One key of the comparison with a position."""

    def __init__(
        self, column: ColumnElement[Any], key: SortKey, value: ColumnElement[Any], is_null: bool
    ) -> None:
        self._column = column
        self._key = key
        self._value = value
        self._is_null = is_null

    def beyond(self) -> ColumnElement[bool]:
        """Return that the column is beyond the position's value."""
        column, key = self._column, self._key
        if self._is_null:
            return false() if key.descending else column.is_not(None)
        if not key.descending:
            return column > self._value
        smaller = column < self._value
        return or_(smaller, column.is_(None)) if key.nullable else smaller

    def followed_by(self, rest: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return that the column is beyond the value, or equal to it and `rest` holds.

        Where there are no nulls it begins with a plain bound, which an index can start from.
        """
        column = self._column
        if self._is_null or self._key.nullable:
            equal = column.is_(None) if self._is_null else column == self._value
            return or_(self.beyond(), and_(equal, rest))
        bound = column <= self._value if self._key.descending else column >= self._value
        return and_(bound, or_(self.beyond(), rest))


class _Turned:
    """Sorts the other way round than the value in it; a null last."""

    __slots__ = ("_rank",)

    def __init__(self, value: Any) -> None:
        self._rank = (value is not None, value)

    def __lt__(self, other: _Turned) -> bool:
        return self._rank > other._rank

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Turned) and self._rank == other._rank

    __hash__ = None  # type: ignore[assignment]


def _plain(value: Any) -> Any:
    """Return a value as a database has it: flags and states are numbers and words."""
    if isinstance(value, Enum):
        return value.value
    return int(value) if isinstance(value, bool) else value
