"""What the identity service only keeps and shows: services, endpoints, regions and the like."""

from __future__ import annotations

from typing import Any

import msgspec

from cellrig.db.database import Database
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.errors import NotFound
from cellrig.identity import tables
from cellrig.identity.errors import NameTaken

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Records:
    """All things of one kind, as documents with an ``id``.

    Args:
        database: the identity service's.
        kind: what they are called in the database.
        called: what one of them is called in errors.
    """

    def __init__(self, database: Database, kind: str, called: str) -> None:
        self._database = database
        self._kind = kind
        self._called = called

    def create(self, value: dict[str, Any], owner: str = "") -> dict[str, Any]:
        """Add one.

        Args:
            value: with its ``id``.
            owner: the user whose it is, and with whom it goes.

        Raises:
            NameTaken: there is one with its id.
        """
        keys = {"kind": self._kind, "id": value["id"]}
        told = msgspec.json.encode(value).decode()
        with self._database.transaction() as transaction:
            if transaction.one(select_by(tables.records, *keys), **keys) is not None:
                raise NameTaken(self._called, value["id"])
            transaction.run(insert_into(tables.records), **keys, owner=owner, value=told)
        return value

    def get(self, id_: str) -> dict[str, Any]:
        """Return one.

        Raises:
            NotFound: there is none.
        """
        keys = {"kind": self._kind, "id": id_}
        row = self._database.one(select_by(tables.records, *keys), **keys)
        if row is None:
            raise NotFound(self._called, id_)
        return _decode(row[3])

    def all(self, owner: str | None = None) -> list[dict[str, Any]]:
        """Return all, by id; those of one user where one is given."""
        keys = {"kind": self._kind} | ({} if owner is None else {"owner": owner})
        rows = self._database.all(select_by(tables.records, *keys), **keys)
        return [_decode(row[3]) for row in sorted(rows, key=lambda row: str(row[1]))]

    def replace(self, value: dict[str, Any]) -> dict[str, Any]:
        """Let the one with its id be as given.

        Raises:
            NotFound: there is none.
        """
        keys = {"kind": self._kind, "id": value["id"]}
        told = msgspec.json.encode(value).decode()
        with self._database.transaction() as transaction:
            row = transaction.one(select_by(tables.records, *keys), **keys)
            if row is None:
                raise NotFound(self._called, value["id"])
            transaction.run(delete_by(tables.records, *keys), **keys)
            transaction.run(insert_into(tables.records), **keys, owner=row[2], value=told)
        return value

    def delete(self, id_: str) -> None:
        """Remove one.

        Raises:
            NotFound: there is none.
        """
        keys = {"kind": self._kind, "id": id_}
        with self._database.transaction() as transaction:
            if not transaction.run(delete_by(tables.records, *keys), **keys):
                raise NotFound(self._called, id_)

    def drop(self, owner: str) -> None:
        """Remove all of a user."""
        with self._database.transaction() as transaction:
            transaction.run(
                delete_by(tables.records, "kind", "owner"), kind=self._kind, owner=owner
            )
