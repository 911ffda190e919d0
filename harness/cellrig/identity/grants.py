"""Roles in projects, in domains and in the system: who was given them, and who has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from cellrig.db.database import Database
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.errors import NotFound
from cellrig.identity import tables
from cellrig.identity.groups import Memberships
from cellrig.identity.implications import Implications
from cellrig.identity.things import Things
from cellrig.identity.tree import above, below
from cellrig.identity.types import Assignment, Project, Scope


class Grants:
    """The roles that users and groups were given.

    Args:
        database: the identity service's.
        projects: all that there are.
        memberships: who is in which group.
        implications: which roles come with which.
    """

    def __init__(
        self,
        database: Database,
        projects: Things[Project],
        memberships: Memberships,
        implications: Implications,
    ) -> None:
        self._database = database
        self._projects = projects
        self._memberships = memberships
        self._implications = implications

    def add(self, assignment: Assignment) -> None:
        """Give a role; twice is harmless."""
        keys = _row(assignment)
        with self._database.transaction() as transaction:
            if transaction.one(select_by(tables.assignments, *keys), **keys) is None:
                transaction.run(insert_into(tables.assignments), **keys)

    def remove(self, assignment: Assignment) -> None:
        """Take a role away.

        Raises:
            NotFound: it was not given.
        """
        keys = _row(assignment)
        with self._database.transaction() as transaction:
            if not transaction.run(delete_by(tables.assignments, *keys), **keys):
                told = f"{assignment.role_id} of {assignment.actor} {assignment.actor_id}"
                raise NotFound("role assignment", told)

    def drop(self, **keys: str) -> None:
        """Forget all that have these keys."""
        with self._database.transaction() as transaction:
            transaction.run(delete_by(tables.assignments, *keys), **keys)

    def all(self, **keys: str | int) -> list[Assignment]:
        """Return what was given, that with these keys."""
        rows = self._database.all(select_by(tables.assignments, *keys), **keys)
        return [
            Assignment(
                actor=row[0],
                actor_id=row[1],
                role_id=row[2],
                scope=row[3],
                target=row[4],
                inherited=bool(row[5]),
            )
            for row in rows
        ]

    def roles_in(self, user_id: str, scope: Scope) -> tuple[str, ...]:
        """Return the ids of the roles that a user has: all that come with what was given."""
        place = place_of(scope)
        if place is None:
            return ()
        given = {each.role_id for each in self._reaching(user_id, place)}
        return self._implications.effective(given) if given else ()

    def targets(self, user_id: str, scope: str) -> set[str]:
        """Return the ids of the projects, or of the domains, in which a user has a role."""
        found: set[str] = set()
        for actor in self._actors(user_id):
            for each in self.all(**actor):
                if each.inherited:
                    if scope == "project":
                        found |= {project.id for project in below(self._projects, each.target)}
                elif each.scope == scope:
                    found.add(each.target)
        return found

    def effective(self) -> list[Assignment]:
        """Return every role that users have: through groups, from above, with others."""
        found: dict[Assignment, None] = {}
        for given in self.all():
            users = (
                [given.actor_id]
                if given.actor == "user"
                else self._memberships.members_of(given.actor_id)
            )
            places = (
                [Place("project", project.id) for project in below(self._projects, given.target)]
                if given.inherited
                else [Place(given.scope, given.target)]
            )
            for role_id in self._implications.effective([given.role_id]):
                for user_id in users:
                    for scope, target in places:
                        had = Assignment(
                            actor_id=user_id, role_id=role_id, scope=scope, target=target
                        )
                        found[had] = None
        return list(found)

    def _actors(self, user_id: str) -> Iterator[dict[str, str]]:
        """Give the keys of a user's assignments, and of those of each of their groups."""
        yield {"actor": "user", "actor_id": user_id}
        for group_id in self._memberships.groups_of(user_id):
            yield {"actor": "group", "actor_id": group_id}

    def _reaching(self, user_id: str, place: Place) -> Iterator[Assignment]:
        for actor in self._actors(user_id):
            yield from self.all(**actor, scope=place.scope, target=place.target, inherited=0)
            from_above = self.all(**actor, inherited=1) if place.scope == "project" else []
            if from_above:
                over = self._over(place.target)
                yield from (each for each in from_above if each.target in over)

    def _over(self, project_id: str) -> set[str]:
        project = self._projects.find(id=project_id)
        if project is None:
            return set()
        return {project.domain_id, *(each.id for each in above(self._projects, project))}


class Place(NamedTuple):
    """Where a role is had: ``project``, ``domain`` or ``system``, and the id there."""

    scope: str
    target: str


def place_of(scope: Scope) -> Place | None:
    """Return where a token's roles are; None of one without a scope."""
    if scope.project_id is not None:
        return Place("project", scope.project_id)
    if scope.domain_id is not None:
        return Place("domain", scope.domain_id)
    return Place("system", "all") if scope.system else None


def _row(assignment: Assignment) -> dict[str, str | int]:
    return {**msgspec.structs.asdict(assignment), "inherited": int(assignment.inherited)}
