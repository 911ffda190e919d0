"""``rig.migrations``: the records of moves."""

from __future__ import annotations

from collections.abc import Sequence

from cellrig.client.requests import Caller
from cellrig.client.server_requests import ServerRef, id_of
from cellrig.compute.api import Migrations
from cellrig.model import Migration, MigrationStatus, MigrationType


class MigrationClient:
    """The migrations of all cells.

    Args:
        call: who asks.
        migrations: of the compute API.
    """

    def __init__(self, call: Caller, migrations: Migrations) -> None:
        self._call = call
        self._migrations = migrations

    def list(
        self,
        *,
        server: ServerRef | None = None,
        host: str | None = None,
        status: MigrationStatus | None = None,
        type: MigrationType | None = None,  # noqa: A002 - the API's own name
        changes_since: float | None = None,
        changes_before: float | None = None,
        limit: int | None = None,
        marker: Migration | str | None = None,
    ) -> Sequence[Migration]:
        """Return the migrations of all cells that answer, the newest first; see `Migrations`."""
        last = marker.uuid if isinstance(marker, Migration) else marker
        uuid = None if server is None else id_of(server)
        found, _missing = self._call(
            lambda c: self._migrations.all(
                c,
                server_id=uuid,
                host=host,
                status=status,
                type=type,
                changes_since=changes_since,
                changes_before=changes_before,
                limit=limit,
                marker=last,
            ),
            "list migrations",
        )
        return found

    def in_progress(self, server: ServerRef) -> Sequence[Migration]:
        """Return a server's live migrations that are not over."""
        return self._call(
            lambda c: self._migrations.in_progress(c, id_of(server)), "list migrations"
        )

    def show(self, server: ServerRef, migration: int | str) -> Migration:
        """Return one of a server's migrations, by its number or uuid."""
        return self._call(
            lambda c: self._migrations.show(c, id_of(server), migration), "show migration"
        )
