"""Things with an id and a name, each in a table of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

import msgspec
from sqlalchemy import Table, select

from cellrig.db.database import Database, Statement
from cellrig.db.statements import delete_by, insert_into, select_by, update_by
from cellrig.errors import NotFound
from cellrig.identity.errors import NameTaken


class Named(Protocol):
    """Something with an id and a name."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def name(self) -> str:
        """Its name."""


T = TypeVar("T", bound=Named)


class Things(Generic[T]):
    """All things of one kind.

    Args:
        database: the identity service's.
        table: where they are.
        kind: what they are.
        called: what one of them is called in errors.
        unique: the keys that two of them may not have in common.
    """

    def __init__(
        self, database: Database, table: Table, kind: type[T], called: str, unique: tuple[str, ...]
    ) -> None:
        self._database = database
        self._table = table
        self._called = called
        self._unique = unique
        self._keys = tuple(c.name for c in table.columns if c.name not in ("id", "value"))
        self._decode: Callable[[str], T] = msgspec.json.Decoder(kind).decode
        self._all = Statement(select(table.c.value).order_by(table.c.name, table.c.id))

    def create(self, thing: T) -> T:
        """Add one.

        Raises:
            NameTaken: there is one with the same name.
        """
        keys = {key: getattr(thing, key) for key in self._unique}
        with self._database.transaction() as transaction:
            if transaction.one(select_by(self._table, *self._unique), **keys) is not None:
                raise NameTaken(self._called, thing.name)
            transaction.run(insert_into(self._table), **self._row(thing))
        return thing

    def get(self, id_: str) -> T:
        """Return one by its id.

        Raises:
            NotFound: there is none.
        """
        row = self._database.one(select_by(self._table, "id"), id=id_)
        if row is None:
            raise NotFound(self._called, id_)
        return self._decode(row[-1])

    def find(self, **keys: str) -> T | None:
        """Return the first one with these keys, or None."""
        row = self._database.one(select_by(self._table, *keys), **keys)
        return None if row is None else self._decode(row[-1])

    def all(self, wanted: Mapping[str, object] | None = None) -> list[T]:
        """Return all, by name; those with the fields of `wanted` where it is given."""
        found = [self._decode(row[0]) for row in self._database.all(self._all)]
        asked = wanted or {}
        return [thing for thing in found if all(getattr(thing, key) == asked[key] for key in asked)]

    def replace(self, thing: T) -> T:
        """Let one be as given.

        Raises:
            NotFound: there is none with its id.
            NameTaken: another one has its name.
        """
        keys = {key: getattr(thing, key) for key in self._unique}
        row = self._row(thing)
        del row["id"]
        with self._database.transaction() as transaction:
            other = transaction.one(select_by(self._table, *self._unique), **keys)
            if other is not None and other[0] != thing.id:
                raise NameTaken(self._called, thing.name)
            changed = transaction.run(
                update_by(self._table, "id", *sorted(row)), by_id=thing.id, **row
            )
        if not changed:
            raise NotFound(self._called, thing.id)
        return thing

    def delete(self, id_: str) -> None:
        """Remove one.

        Raises:
            NotFound: there is none.
        """
        with self._database.transaction() as transaction:
            if not transaction.run(delete_by(self._table, "id"), id=id_):
                raise NotFound(self._called, id_)

    def _row(self, thing: T) -> dict[str, str]:
        row = {key: getattr(thing, key) for key in self._keys}
        return {"id": thing.id, **row, "value": msgspec.json.encode(thing).decode()}
