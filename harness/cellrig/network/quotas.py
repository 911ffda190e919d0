"""How much a project may have; what is not set has the field's default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.errors import Forbidden, Invalid
from cellrig.network import tables
from cellrig.network.errors import OverQuota
from cellrig.network.records import Records
from cellrig.network.store import Store, owns

#: By resource; -1 is no limit.
DEFAULT_QUOTAS = {
    "network": 100,
    "subnet": 100,
    "port": 500,
    "router": 10,
    "floatingip": 50,
    "security_group": 10,
    "security_group_rule": 100,
    "subnetpool": -1,
    "rbac_policy": 10,
}


class Quotas:
    """The quotas of projects.

    Args:
        store: the network service's things.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, context: RequestContext, project_id: str) -> dict[str, int]:
        """Return a project's limits.

        Raises:
            Forbidden: it is another's, and the caller is no administrator.
        """
        if not owns(context, project_id):
            raise Forbidden("quotas of other projects take an administrator")
        with self._store.database.transaction() as transaction:
            return self._of(transaction, project_id)

    def defaults(self, _context: RequestContext) -> dict[str, int]:
        """Return the limits of a project of which nothing is set."""
        return dict(DEFAULT_QUOTAS)

    def used(self, context: RequestContext, project_id: str) -> dict[str, int]:
        """Return how much of what is counted a project has.

        Raises:
            Forbidden: it is another's, and the caller is no administrator.
        """
        if not owns(context, project_id):
            raise Forbidden("quotas of other projects take an administrator")
        store = self._store
        counted: dict[str, Records[Any]] = {
            "network": store.networks,
            "port": store.ports,
            "security_group": store.groups,
            "security_group_rule": store.rules,
        }
        with store.database.transaction() as transaction:
            return {
                name: records.count(transaction, project_id=project_id)
                for name, records in counted.items()
            }

    def update(
        self, context: RequestContext, project_id: str, limits: Mapping[str, int]
    ) -> dict[str, int]:
        """Set limits; the others stay (administrators).

        Raises:
            Forbidden: the caller is no administrator.
            Invalid: there is no such resource.
        """
        if not context.is_admin:
            raise Forbidden("to set quotas takes an administrator")
        for resource in limits:
            if resource not in DEFAULT_QUOTAS:
                raise Invalid(f"{resource!r} has no quota")
        with self._store.database.transaction() as transaction:
            for resource, limit in limits.items():
                key = {"project_id": project_id, "resource": resource}
                transaction.run(delete_by(tables.quotas, *key), **key)
                transaction.run(insert_into(tables.quotas), **key, hard_limit=limit)
            return self._of(transaction, project_id)

    def reset(self, context: RequestContext, project_id: str) -> None:
        """Let a project have the defaults again (administrators).

        Raises:
            Forbidden: the caller is no administrator.
        """
        if not context.is_admin:
            raise Forbidden("to reset quotas takes an administrator")
        with self._store.database.transaction() as transaction:
            transaction.run(delete_by(tables.quotas, "project_id"), project_id=project_id)

    def check(
        self, transaction: Transaction, records: Records[Any], resource: str, project_id: str
    ) -> None:
        """Check that a project may have one more of something whose records name its project.

        Raises:
            OverQuota: it has all that it may.
        """
        limit = self._of(transaction, project_id)[resource]
        if 0 <= limit <= records.count(transaction, project_id=project_id):
            raise OverQuota(resource, limit)

    def _of(self, transaction: Transaction, project_id: str) -> dict[str, int]:
        rows = transaction.all(select_by(tables.quotas, "project_id"), project_id=project_id)
        return {**DEFAULT_QUOTAS, **{resource: limit for _project, resource, limit in rows}}
