"""The API database's quotas: of projects, and of the class that the others have."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Table

from cellrig.db import api_tables as tables
from cellrig.db.database import Database
from cellrig.db.statements import delete_by, insert_into, select_by


class QuotaStore:
    """Hard limits by resource; what is not written has the default.

    Args:
        database: the API database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_project(self, project_id: str) -> dict[str, int]:
        """Return what was set for a project."""
        return self._read(tables.quotas, project_id=project_id)

    def of_class(self, class_name: str) -> dict[str, int]:
        """Return what was set for a class of projects."""
        return self._read(tables.quota_classes, class_name=class_name)

    def set_project(self, project_id: str, limits: Mapping[str, int]) -> None:
        """Set limits of a project; the others stay."""
        self._write(tables.quotas, limits, project_id=project_id)

    def set_class(self, class_name: str, limits: Mapping[str, int]) -> None:
        """Set limits of a class of projects; the others stay."""
        self._write(tables.quota_classes, limits, class_name=class_name)

    def reset_project(self, project_id: str) -> None:
        """Let a project have the defaults again."""
        with self._database.transaction() as transaction:
            transaction.run(delete_by(tables.quotas, "project_id"), project_id=project_id)

    def _read(self, table: Table, **holder: str) -> dict[str, int]:
        rows = self._database.all(select_by(table, *holder), **holder)
        return {resource: limit for _holder, resource, limit in rows}

    def _write(self, table: Table, limits: Mapping[str, int], **holder: str) -> None:
        with self._database.transaction() as transaction:
            for resource, limit in limits.items():
                key = {**holder, "resource": resource}
                transaction.run(delete_by(table, *key), **key)
                transaction.run(insert_into(table), **key, hard_limit=limit)
