"""Who is in which group."""

from __future__ import annotations

from cellrig.db.database import Database
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.errors import NotFound
from cellrig.identity import tables


class Memberships:
    """Users in groups.

    Args:
        database: the identity service's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user_id: str, group_id: str) -> None:
        """Put a user into a group; twice is harmless."""
        keys = {"user_id": user_id, "group_id": group_id}
        with self._database.transaction() as transaction:
            if transaction.one(select_by(tables.memberships, *keys), **keys) is None:
                transaction.run(insert_into(tables.memberships), **keys)

    def remove(self, user_id: str, group_id: str) -> None:
        """Take a user out of a group.

        Raises:
            NotFound: they are not in it.
        """
        keys = {"user_id": user_id, "group_id": group_id}
        with self._database.transaction() as transaction:
            if not transaction.run(delete_by(tables.memberships, *keys), **keys):
                raise NotFound("user", f"{user_id} in group {group_id}")

    def groups_of(self, user_id: str) -> list[str]:
        """Return the ids of the groups that a user is in."""
        return [group_id for _user_id, group_id in self._rows(user_id=user_id)]

    def members_of(self, group_id: str) -> list[str]:
        """Return the ids of the users who are in a group."""
        return [user_id for user_id, _group_id in self._rows(group_id=group_id)]

    def drop(self, **keys: str) -> None:
        """Forget all that have these keys: a user's, or a group's."""
        with self._database.transaction() as transaction:
            transaction.run(delete_by(tables.memberships, *keys), **keys)

    def _rows(self, **keys: str) -> list[tuple[str, str]]:
        rows = self._database.all(select_by(tables.memberships, *keys), **keys)
        return sorted((row[0], row[1]) for row in rows)
