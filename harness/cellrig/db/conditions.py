"""Which rows are listed: conditions, each with its meaning in SQL and in memory.

In memory they are needed for what is in no cell yet. A condition's *shape* is all that its SQL
text depends on, so statements are compiled once for each combination of conditions in use; values
are always bound.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Mapping
from typing import Any, Protocol

import msgspec
from sqlalchemy import ColumnElement, Table, and_, bindparam, false, func, not_, or_, select, true

#: Something in memory, by the names of the columns that it would be in.
Record = Mapping[str, Any]


class Condition(Protocol):
    """One condition."""

    def shape(self) -> Hashable:
        """Return all that `sql` depends on, but the name."""

    def sql(self, table: Table, name: str) -> ColumnElement[bool]:
        """Return the condition; its parameters' names begin with `name`."""

    def values(self, name: str) -> Mapping[str, Any]:
        """Return the parameters of `sql`."""

    def holds(self, record: Record) -> bool:
        """Whether it holds for something in memory."""


class Equals(msgspec.Struct, frozen=True):
    """A column has a value, or is null where the value is None."""

    column: str
    value: str | float | None

    def shape(self) -> Hashable:
        """See `Condition`."""
        return (Equals, self.column, self.value is None)

    def sql(self, table: Table, name: str) -> ColumnElement[bool]:
        """See `Condition`."""
        column = table.c[self.column]
        return column.is_(None) if self.value is None else column == bindparam(name)

    def values(self, name: str) -> Mapping[str, Any]:
        """See `Condition`."""
        return {} if self.value is None else {name: self.value}

    def holds(self, record: Record) -> bool:
        """See `Condition`."""
        return bool(record[self.column] == self.value)


class OneOf(msgspec.Struct, frozen=True):
    """A column has one of several values; None among them stands for null."""

    column: str
    options: tuple[str | int | None, ...]

    def shape(self) -> Hashable:
        """See `Condition`."""
        return (OneOf, self.column, None in self.options)

    def sql(self, table: Table, name: str) -> ColumnElement[bool]:
        """See `Condition`."""
        column = table.c[self.column]
        listed = column.in_(bindparam(name, expanding=True))
        return or_(listed, column.is_(None)) if None in self.options else listed

    def values(self, name: str) -> Mapping[str, Any]:
        """See `Condition`."""
        return {name: [option for option in self.options if option is not None]}

    def holds(self, record: Record) -> bool:
        """See `Condition`."""
        return record[self.column] in self.options


class AtLeast(msgspec.Struct, frozen=True):
    """A column has a value that is not smaller."""

    column: str
    bound: float

    def shape(self) -> Hashable:
        """See `Condition`."""
        return (AtLeast, self.column)

    def sql(self, table: Table, name: str) -> ColumnElement[bool]:
        """See `Condition`."""
        return table.c[self.column] >= bindparam(name)

    def values(self, name: str) -> Mapping[str, Any]:
        """See `Condition`."""
        return {name: self.bound}

    def holds(self, record: Record) -> bool:
        """See `Condition`."""
        value = record[self.column]
        return value is not None and value >= self.bound


class AtMost(msgspec.Struct, frozen=True):
    """A column has a value that is not larger."""

    column: str
    bound: float

    def shape(self) -> Hashable:
        """See `Condition`."""
        return (AtMost, self.column)

    def sql(self, table: Table, name: str) -> ColumnElement[bool]:
        """See `Condition`."""
        return table.c[self.column] <= bindparam(name)

    def values(self, name: str) -> Mapping[str, Any]:
        """See `Condition`."""
        return {name: self.bound}

    def holds(self, record: Record) -> bool:
        """See `Condition`."""
        value = record[self.column]
        return value is not None and value <= self.bound


class Matches(msgspec.Struct, frozen=True):
    """A regular expression is found in a column. Upper and lower case differ.

    The pattern is given to the database's own operator; on SQLite that is Python's `re`.
    """

    column: str
    pattern: str

    def shape(self) -> Hashable:
        """See `Condition`."""
        return (Matches, self.column)

    def sql(self, table: Table, name: str) -> ColumnElement[bool]:
        """See `Condition`."""
        return table.c[self.column].regexp_match(bindparam(name))

    def values(self, name: str) -> Mapping[str, Any]:
        """See `Condition`."""
        return {name: self.pattern}

    def holds(self, record: Record) -> bool:
        """See `Condition`."""
        value = record[self.column]
        return value is not None and re.search(self.pattern, value) is not None


class Tagged(msgspec.Struct, frozen=True):
    """A row of the main table has tags in a table of tags (Compute API, "tags" filters).

    Args:
        tags: which; at least one.
        all_of: it has all of them; else any is enough.
        negated: it is not so.
        table, owner, owned: the table of tags, its column that names the row, the row's own.
    """

    tags: tuple[str, ...]
    all_of: bool
    negated: bool
    table: str = "tags"
    owner: str = "instance_uuid"
    owned: str = "uuid"

    def shape(self) -> Hashable:
        """See `Condition`."""
        return (Tagged, self.all_of, self.negated, self.table)

    def sql(self, table: Table, name: str) -> ColumnElement[bool]:
        """See `Condition`."""
        tags = table.metadata.tables[self.table].c
        owners = select(tags[self.owner]).where(tags.tag.in_(bindparam(name, expanding=True)))
        if self.all_of:
            owners = owners.group_by(tags[self.owner]).having(
                func.count() == bindparam(f"{name}count")
            )
        tagged = table.c[self.owned].in_(owners)
        return not_(tagged) if self.negated else tagged

    def values(self, name: str) -> Mapping[str, Any]:
        """See `Condition`."""
        wanted = sorted(set(self.tags))
        return {name: wanted, f"{name}count": len(wanted)} if self.all_of else {name: wanted}

    def holds(self, record: Record) -> bool:
        """See `Condition`."""
        had: Collection[str] = record[self.table]
        quantifier = all if self.all_of else any
        return quantifier(tag in had for tag in self.tags) != self.negated


class Either(msgspec.Struct, frozen=True):
    """At least one of several groups of conditions holds, all of the group."""

    groups: tuple[tuple[Condition, ...], ...]

    def shape(self) -> Hashable:
        """See `Condition`."""
        return (Either, *(shape_of(group) for group in self.groups))

    def sql(self, table: Table, name: str) -> ColumnElement[bool]:
        """See `Condition`."""
        return or_(
            false(), *(all_of(group, table, f"{name}g{i}") for i, group in enumerate(self.groups))
        )

    def values(self, name: str) -> Mapping[str, Any]:
        """See `Condition`."""
        merged: dict[str, Any] = {}
        for index, group in enumerate(self.groups):
            merged.update(values_of(group, f"{name}g{index}"))
        return merged

    def holds(self, record: Record) -> bool:
        """See `Condition`."""
        return any(all(each.holds(record) for each in group) for group in self.groups)


def shape_of(conditions: tuple[Condition, ...]) -> Hashable:
    """Return the shapes of several conditions."""
    return tuple(condition.shape() for condition in conditions)


def all_of(conditions: tuple[Condition, ...], table: Table, name: str) -> ColumnElement[bool]:
    """Return that all of several conditions hold."""
    return and_(true(), *(each.sql(table, f"{name}x{i}") for i, each in enumerate(conditions)))


def values_of(conditions: tuple[Condition, ...], name: str) -> dict[str, Any]:
    """Return the parameters of `all_of`."""
    merged: dict[str, Any] = {}
    for index, condition in enumerate(conditions):
        merged.update(condition.values(f"{name}x{index}"))
    return merged
