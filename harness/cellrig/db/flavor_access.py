"""The API database's record of which projects may use flavors that are not public."""

from __future__ import annotations

from cellrig.db import api_tables as tables
from cellrig.db.database import Database
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.errors import Conflict, NotFound

_ROWS = tables.flavor_projects


class FlavorAccessStore:
    """Which project may use which flavor.

    Args:
        database: the API database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, flavor_id: str, project_id: str) -> None:
        """Let a project use a flavor.

        Raises:
            Conflict: it may already.
        """
        key = {"flavor_id": flavor_id, "project_id": project_id}
        with self._database.transaction() as transaction:
            if transaction.one(select_by(_ROWS, *key), **key):
                raise Conflict(f"project {project_id} may use flavor {flavor_id} already")
            transaction.run(insert_into(_ROWS), **key)

    def remove(self, flavor_id: str, project_id: str) -> None:
        """Let a project use a flavor no more.

        Raises:
            NotFound: it may not.
        """
        key = {"flavor_id": flavor_id, "project_id": project_id}
        with self._database.transaction() as transaction:
            if not transaction.run(delete_by(_ROWS, *key), **key):
                raise NotFound(f"access to flavor {flavor_id} of project", project_id)

    def projects(self, flavor_id: str) -> tuple[str, ...]:
        """Return the projects that may use a flavor."""
        rows = self._database.all(select_by(_ROWS, "flavor_id"), flavor_id=flavor_id)
        return tuple(sorted(project for _flavor, project in rows))

    def flavors(self, project_id: str) -> frozenset[str]:
        """Return the flavors that a project may use though they are not public."""
        rows = self._database.all(select_by(_ROWS, "project_id"), project_id=project_id)
        return frozenset(flavor for flavor, _project in rows)

    def forget(self, flavor_id: str) -> None:
        """Forget who may use a flavor that is no more."""
        with self._database.transaction() as transaction:
            transaction.run(delete_by(_ROWS, "flavor_id"), flavor_id=flavor_id)
