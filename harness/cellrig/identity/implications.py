"""Which roles come with which."""

from __future__ import annotations

from collections.abc import Iterable

from cellrig.db.database import Database
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.errors import Conflict, Forbidden, NotFound
from cellrig.identity import tables
from cellrig.identity.things import Things
from cellrig.identity.types import Role

_ADMINISTRATOR = "admin"


class Implications:
    """The rules by which a role brings others along.

    Args:
        database: the identity service's.
        roles: all that there are.
    """

    def __init__(self, database: Database, roles: Things[Role]) -> None:
        self._database = database
        self._roles = roles

    def add(self, prior_id: str, implied_id: str) -> None:
        """Let one role bring another one along.

        Raises:
            NotFound: there is no such role.
            Forbidden: it would make administrators, or a domain's own role come with one of all.
            Conflict: the rule is there already.
        """
        prior = self._roles.get(prior_id)
        implied = self._roles.get(implied_id)
        if implied.name == _ADMINISTRATOR and not implied.domain_id:
            raise Forbidden(f"role {implied.name!r} cannot come with another one")
        if implied.domain_id and not prior.domain_id:
            raise Forbidden(f"role {implied.name!r} is its domain's alone")
        keys = {"prior_id": prior_id, "implied_id": implied_id}
        with self._database.transaction() as transaction:
            if transaction.one(select_by(tables.implications, *keys), **keys) is not None:
                raise Conflict(f"role {prior_id} implies role {implied_id} already")
            transaction.run(insert_into(tables.implications), **keys)

    def remove(self, prior_id: str, implied_id: str) -> None:
        """End a rule.

        Raises:
            NotFound: there is none.
        """
        keys = {"prior_id": prior_id, "implied_id": implied_id}
        with self._database.transaction() as transaction:
            if not transaction.run(delete_by(tables.implications, *keys), **keys):
                raise NotFound("role inference", f"{prior_id} implies {implied_id}")

    def all(self) -> dict[str, list[str]]:
        """Return the ids of the roles that each one brings along by a rule of its own."""
        rows = self._database.all(select_by(tables.implications))
        found: dict[str, list[str]] = {}
        for prior_id, implied_id in sorted((row[0], row[1]) for row in rows):
            found.setdefault(prior_id, []).append(implied_id)
        return found

    def effective(self, role_ids: Iterable[str]) -> tuple[str, ...]:
        """Return roles with all that they bring along, but those that a domain keeps for itself."""
        rules = self.all()
        found: dict[str, None] = {}
        ahead = sorted(role_ids, reverse=True)
        while ahead:
            role_id = ahead.pop()
            if role_id not in found:
                found[role_id] = None
                ahead += reversed(rules.get(role_id, []))
        everywhere = {role.id for role in self._roles.all({"domain_id": ""})}
        return tuple(role_id for role_id in found if role_id in everywhere)

    def drop(self, role_id: str) -> None:
        """Forget all rules about a role."""
        with self._database.transaction() as transaction:
            for key in ("prior_id", "implied_id"):
                transaction.run(delete_by(tables.implications, key), **{key: role_id})
