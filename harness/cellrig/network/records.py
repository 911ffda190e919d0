"""Things with an id, each kind in a table of its own, read and written inside a transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from sqlalchemy import Table, bindparam, func, select

from cellrig.db.database import Statement, Transaction
from cellrig.db.statements import delete_by, insert_into, update_by
from cellrig.errors import NotFound


class Identified(Protocol):
    """Something with an id."""

    @property
    def id(self) -> str:
        """Its id."""


T = TypeVar("T", bound=Identified)


class Records(Generic[T]):
    """All things of one kind, in the order in which they were made.

    Args:
        table: where they are.
        kind: what they are.
        called: what one of them is called in errors.
    """

    def __init__(self, table: Table, kind: type[T], called: str) -> None:
        self.called = called
        self._table = table
        self._keys = tuple(
            column.name for column in table.columns if column.name not in ("number", "id", "value")
        )
        self._decode: Callable[[str], T] = msgspec.json.Decoder(kind).decode
        self._selects: dict[tuple[str, ...], Statement] = {}
        self._counts: dict[tuple[str, ...], Statement] = {}

    def add(self, transaction: Transaction, thing: T) -> T:
        """Add one."""
        transaction.run(insert_into(self._table), **self._row(thing))
        return thing

    def get(self, transaction: Transaction, id_: str) -> T:
        """Return one by its id.

        Raises:
            NotFound: there is none.
        """
        found = self.find(transaction, id_)
        if found is None:
            raise NotFound(self.called, id_)
        return found

    def find(self, transaction: Transaction, id_: str) -> T | None:
        """Return one by its id, or None."""
        row = transaction.one(self._select(("id",)), id=id_)
        return None if row is None else self._decode(row[0])

    def all(self, transaction: Transaction, **keys: str) -> list[T]:
        """Return all that have these keys."""
        rows = transaction.all(self._select(tuple(keys)), **keys)
        return [self._decode(row[0]) for row in rows]

    def count(self, transaction: Transaction, **keys: str) -> int:
        """Return how many have these keys."""
        names = tuple(keys)
        statement = self._counts.get(names)
        if statement is None:
            chosen = select(func.count()).select_from(self._table)
            chosen = chosen.where(*[self._table.c[key] == bindparam(key) for key in names])
            statement = self._counts[names] = Statement(chosen)
        row = transaction.one(statement, **keys)
        return 0 if row is None else int(row[0])

    def replace(self, transaction: Transaction, thing: T) -> T:
        """Let the one with its id be as given."""
        row = self._row(thing)
        transaction.run(
            update_by(self._table, "id", *self._keys, "value"), by_id=row.pop("id"), **row
        )
        return thing

    def remove(self, transaction: Transaction, id_: str) -> None:
        """Remove one; one that is not there is harmless."""
        transaction.run(delete_by(self._table, "id"), id=id_)

    def _select(self, names: tuple[str, ...]) -> Statement:
        statement = self._selects.get(names)
        if statement is None:
            columns = self._table.c
            chosen = select(columns.value).where(*[columns[key] == bindparam(key) for key in names])
            statement = self._selects[names] = Statement(chosen.order_by(columns.number))
        return statement

    def _row(self, thing: T) -> dict[str, Any]:
        keys = {key: getattr(thing, key) for key in self._keys}
        return {"id": thing.id, **keys, "value": msgspec.json.encode(thing).decode()}
