"""The API database's key pairs."""

from __future__ import annotations

import msgspec
from sqlalchemy import func, select

from cellrig.db import api_tables as tables
from cellrig.db.database import Database, Row
from cellrig.db.statement import Statement
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.errors import Conflict, NotFound
from cellrig.model import Keypair, KeypairType

_ROWS = tables.key_pairs
_LAST = Statement(select(func.max(_ROWS.c.number)))


def _keypair(row: Row) -> Keypair:
    return Keypair(row[0], row[1], KeypairType(row[2]), *row[3:])


class KeypairStore:
    """Key pairs of all users.

    Args:
        database: the API database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, keypair: Keypair) -> Keypair:
        """Write a new key pair and return it with its number.

        Raises:
            Conflict: the user has one of this name.
        """
        with self._database.transaction() as transaction:
            known = transaction.one(
                select_by(_ROWS, "user_id", "name"), user_id=keypair.user_id, name=keypair.name
            )
            if known is not None:
                raise Conflict(f"Key pair '{keypair.name}' already exists.")
            (last,) = transaction.one(_LAST) or (None,)
            numbered = msgspec.structs.replace(keypair, number=(last or 0) + 1)
            row = msgspec.structs.asdict(numbered)
            transaction.run(insert_into(_ROWS), **{**row, "type": keypair.type.value})
        return numbered

    def get(self, user_id: str, name: str) -> Keypair:
        """Return one of a user's key pairs.

        Raises:
            NotFound: the user has none of this name.
        """
        row = self._database.one(select_by(_ROWS, "user_id", "name"), user_id=user_id, name=name)
        if row is None:
            raise NotFound("key pair", name)
        return _keypair(row)

    def of_user(self, user_id: str) -> list[Keypair]:
        """Return a user's key pairs, by name."""
        rows = self._database.all(select_by(_ROWS, "user_id"), user_id=user_id)
        return sorted((_keypair(row) for row in rows), key=lambda each: each.name)

    def delete(self, user_id: str, name: str) -> None:
        """Delete one of a user's key pairs; servers keep its public key.

        Raises:
            NotFound: the user has none of this name.
        """
        with self._database.transaction() as transaction:
            if not transaction.run(delete_by(_ROWS, "user_id", "name"), user_id=user_id, name=name):
                raise NotFound("key pair", name)
