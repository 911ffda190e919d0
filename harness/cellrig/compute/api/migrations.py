"""Migrations: the records of moves, for administrators."""

from __future__ import annotations

from cellrig.cells import Stream
from cellrig.compute.api.policy import check_admin
from cellrig.compute.api.record_lists import (
    MIGRATIONS,
    check_limit,
    migration_conditions,
    migrations_of,
    position_of_marker,
)
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.tasks import Tasks
from cellrig.context import RequestContext
from cellrig.errors import CellUnavailable, NotFound
from cellrig.model import Migration, MigrationStatus, MigrationType


class Migrations:
    """The migrations of all cells.

    Args:
        around: the compute API's surroundings.
        tasks: to find servers with.
    """

    def __init__(self, around: Surroundings, tasks: Tasks) -> None:
        self._around = around
        self._tasks = tasks

    def all(
        self,
        context: RequestContext,
        *,
        server_id: str | None = None,
        host: str | None = None,
        source: str | None = None,
        user_id: str | None = None,
        project_id: str | None = None,
        status: MigrationStatus | None = None,
        type: MigrationType | None = None,  # noqa: A002 - the API's own name
        changes_since: float | None = None,
        changes_before: float | None = None,
        limit: int | None = None,
        marker: str | None = None,
    ) -> tuple[list[Migration], dict[str, CellUnavailable]]:
        """Return migrations, the newest first, and the cells that did not tell theirs.

        Args:
            context: an administrator's.
            server_id, host, status, type: only those of a server, from or to a host, with a
                status, of a type.
            source, user_id, project_id: only those from a host, begun by a user, in a project.
            changes_since, changes_before: changed then or later, then or earlier.
            limit: the most to return; None for all.
            marker: the uuid of the last migration of the page before.

        Raises:
            MarkerNotFound: no migration has this uuid.
            CellUnavailable: it is perhaps in a cell that does not answer.
        """
        check_admin(context, "list migrations")
        check_limit(limit)
        cells = self._around.cells
        asked = cells.with_hosts() if server_id is None else cells.of_instances((server_id,))
        stream = Stream(
            cells.scatter,
            asked,
            migrations_of,
            migration_conditions(
                {
                    "instance_uuid": server_id,
                    "status": status,
                    "type": type,
                    "source_compute": source,
                    "user_id": user_id,
                    "project_id": project_id,
                },
                host,
                changes_since,
                changes_before,
            ),
            MIGRATIONS,
            limit,
            position_of_marker(
                cells,
                cells.with_hosts(),
                marker,
                lambda cell: cell.listing.migration_position(marker or "", MIGRATIONS),
            ),
        )
        return list(stream), stream.missing

    def in_progress(self, context: RequestContext, server_id: str) -> list[Migration]:
        """Return a server's live migrations that are not over (microversion 2.23)."""
        check_admin(context, "list migrations")
        cell, _instance = self._tasks.placed(context, server_id)
        return [
            each
            for each in cell.migrations.under_way_of(server_id)
            if each.type == MigrationType.LIVE_MIGRATION
        ]

    def show(self, context: RequestContext, server_id: str, migration_id: int | str) -> Migration:
        """Return one of a server's migrations, by its number or uuid.

        Raises:
            NotFound: the server has none such.
        """
        check_admin(context, "show a migration")
        cell, _instance = self._tasks.placed(context, server_id)
        return chosen(cell.migrations.of_instance(server_id), server_id, migration_id)


def chosen(migrations: list[Migration], server_id: str, migration_id: int | str) -> Migration:
    """Return the migration with this number or uuid.

    Raises:
        NotFound: the server has none.
    """
    for migration in migrations:
        if migration_id in (migration.id, str(migration.id), migration.uuid):
            return migration
    raise NotFound(f"migration of server {server_id}", str(migration_id))
