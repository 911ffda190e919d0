"""Quotas: how much a project may have of block storage, and how much it has.

Volumes, snapshots and the GiB of both are counted where they are written, in the same transaction,
each in all and by volume type (``volumes_<type>``). A volume that another one's data are moved to
is nobody's. Quotas hold for requests that are limited (`RequestContext.is_limited`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Table, bindparam, func, or_, select

from cellrig.context import RequestContext
from cellrig.db.database import Statement, Transaction
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.errors import Invalid
from cellrig.volume import tables
from cellrig.volume.checks import check_admin
from cellrig.volume.errors import OverQuota
from cellrig.volume.surroundings import Surroundings

UNLIMITED = -1
DEFAULT_CLASS = "default"

#: The field's own defaults (Cinder's options ``quota_*`` and ``per_volume_size_limit``).
DEFAULTS: Mapping[str, int] = {
    "volumes": 10,
    "snapshots": 10,
    "gigabytes": 1000,
    "per_volume_gigabytes": UNLIMITED,
    "backups": 10,
    "backup_gigabytes": 1000,
    "groups": 10,
}
_BY_TYPE = ("volumes", "gigabytes", "snapshots")

_VOLUMES = tables.volumes.c
_VOLUMES_OF = Statement(
    select(_VOLUMES.volume_type_id, func.count(), func.sum(_VOLUMES.size))
    .where(_VOLUMES.project_id == bindparam("project_id"))
    .where(or_(_VOLUMES.migration_status.is_(None), _VOLUMES.migration_status.not_like("target:%")))
    .group_by(_VOLUMES.volume_type_id)
)
_SNAPSHOTS_OF = Statement(
    select(_VOLUMES.volume_type_id, func.count(), func.sum(tables.snapshots.c.size))
    .select_from(tables.snapshots.join(tables.volumes, tables.snapshots.c.volume_id == _VOLUMES.id))
    .where(tables.snapshots.c.project_id == bindparam("project_id"))
    .group_by(_VOLUMES.volume_type_id)
)
_TYPES = Statement(select(tables.volume_types.c.id, tables.volume_types.c.name))


class Usage(msgspec.Struct, frozen=True):
    """One resource of a project."""

    limit: int
    in_use: int


class Quotas:
    """The quotas of all projects."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._transaction = around.database.transaction

    def defaults(self) -> dict[str, int]:
        """Return the limits of a project for which nothing was set."""
        return self._class_limits(DEFAULT_CLASS)

    def of_class(self, context: RequestContext, name: str) -> dict[str, int]:
        """Return the limits of a class of projects; only ``default`` has any effect."""
        check_admin(context, "see quota classes")
        return self._class_limits(name)

    def _class_limits(self, name: str) -> dict[str, int]:
        with self._transaction() as transaction:
            return _class_limits(transaction, name)

    def limits(self, context: RequestContext, project_id: str) -> dict[str, int]:
        """Return a project's limits.

        Raises:
            Forbidden: it is another project's, and the caller is no administrator.
        """
        if project_id != context.project_id:
            check_admin(context, f"see the quotas of project {project_id}")
        with self._transaction() as transaction:
            return limits_of(transaction, project_id)

    def usages(self, context: RequestContext, project_id: str) -> dict[str, Usage]:
        """Return a project's limits and what it uses; raises as `limits`."""
        limits = self.limits(context, project_id)
        with self._transaction() as transaction:
            used = used_by(transaction, project_id)
        return {name: Usage(limit, used.get(name, 0)) for name, limit in limits.items()}

    def change(
        self,
        context: RequestContext,
        project_id: str,
        wanted: Mapping[str, int],
        *,
        force: bool = True,
    ) -> dict[str, int]:
        """Set some limits of a project and return all (administrators).

        Args:
            context, project_id: who asks, for which project.
            wanted: the limits to be set; -1 for none.
            force: also below what is used.

        Raises:
            Invalid: there is no such resource; or the limit is below what is used.
        """
        check_admin(context, "change quotas")
        with self._transaction() as transaction:
            _check_known(limits_of(transaction, project_id), wanted)
            if not force:
                _check_used(used_by(transaction, project_id), wanted)
            _write(transaction, tables.quotas, wanted, project_id=project_id)
            return limits_of(transaction, project_id)

    def change_class(
        self, context: RequestContext, name: str, wanted: Mapping[str, int]
    ) -> dict[str, int]:
        """Set some limits of a class of projects and return all (administrators)."""
        check_admin(context, "change quotas")
        with self._transaction() as transaction:
            _check_known(_class_limits(transaction, name), wanted)
            _write(transaction, tables.quota_classes, wanted, class_name=name)
            return _class_limits(transaction, name)

    def reset(self, context: RequestContext, project_id: str) -> None:
        """Let a project have the defaults again (administrators)."""
        check_admin(context, "change quotas")
        with self._transaction() as transaction:
            transaction.run(delete_by(tables.quotas, "project_id"), project_id=project_id)


def limits_of(transaction: Transaction, project_id: str) -> dict[str, int]:
    """Return a project's limits by resource."""
    own = _read(transaction, tables.quotas, project_id=project_id)
    limits = _class_limits(transaction, DEFAULT_CLASS)
    return {name: own.get(name, limit) for name, limit in limits.items()}


def used_by(transaction: Transaction, project_id: str) -> dict[str, int]:
    """Return how much a project has, by resource; what it has nothing of may be missing."""
    used = dict.fromkeys(_BY_TYPE, 0)
    names: dict[str, str] = dict(transaction.all(_TYPES))
    for counted, statement in (("volumes", _VOLUMES_OF), ("snapshots", _SNAPSHOTS_OF)):
        for type_id, count, size in transaction.all(statement, project_id=project_id):
            for resource, amount in ((counted, count), ("gigabytes", size)):
                of_type = f"{resource}_{names.get(type_id, type_id)}"
                used[resource] += int(amount)
                used[of_type] = used.get(of_type, 0) + int(amount)
    return used


class Wanted(msgspec.Struct, frozen=True):
    """What somebody wants more of.

    Args:
        context: who asks.
        project_id: the project that would have it.
        volume_type_id: of the volume.
        more: by resource how much more.
    """

    context: RequestContext
    project_id: str
    volume_type_id: str
    more: Mapping[str, int]


def check_quota(transaction: Transaction, wanted: Wanted) -> None:
    """Check that a project may have more, in the transaction that writes it.

    Raises:
        OverQuota: names the first resource that is short.
    """
    if wanted.context.is_limited:
        more = {**wanted.more, **_of_type(transaction, wanted)}
        _check(transaction, wanted.project_id, more)


def check_quota_of_type(transaction: Transaction, wanted: Wanted) -> None:
    """Check that a project may have more of a volume type, not in all; see `check_quota`."""
    if wanted.context.is_limited:
        _check(transaction, wanted.project_id, _of_type(transaction, wanted))


def _of_type(transaction: Transaction, wanted: Wanted) -> dict[str, int]:
    names: dict[str, str] = dict(transaction.all(_TYPES))
    name = names.get(wanted.volume_type_id, wanted.volume_type_id)
    return {f"{resource}_{name}": amount for resource, amount in wanted.more.items()}


def _check(transaction: Transaction, project_id: str, wanted: Mapping[str, int]) -> None:
    limits = limits_of(transaction, project_id)
    asked = {each: wanted[each] for each in wanted if limits.get(each, UNLIMITED) != UNLIMITED}
    used = used_by(transaction, project_id) if asked else {}
    for resource, amount in asked.items():
        in_use, limit = used.get(resource, 0), limits[resource]
        if amount > 0 and in_use + amount > limit:
            raise OverQuota(resource, amount, in_use, limit)


def check_volume_size(
    transaction: Transaction, context: RequestContext, project_id: str, size: int
) -> None:
    """Check that one volume may be so large; raises `OverQuota`."""
    limit = limits_of(transaction, project_id)["per_volume_gigabytes"]
    if context.is_limited and limit != UNLIMITED and size > limit:
        raise OverQuota("per_volume_gigabytes", size, 0, limit)


def _class_limits(transaction: Transaction, name: str) -> dict[str, int]:
    types = [row[1] for row in transaction.all(_TYPES)]
    of_types = {f"{resource}_{each}": UNLIMITED for each in types for resource in _BY_TYPE}
    known = {**DEFAULTS, **of_types}
    own = _read(transaction, tables.quota_classes, class_name=name)
    return {resource: own.get(resource, limit) for resource, limit in known.items()}


def _check_known(limits: Mapping[str, int], wanted: Mapping[str, int]) -> None:
    unknown = sorted(set(wanted) - set(limits))
    if unknown:
        raise Invalid(
            f"there is no quota of {', '.join(unknown)}; there are: {', '.join(sorted(limits))}"
        )


def _check_used(used: Mapping[str, int], wanted: Mapping[str, int]) -> None:
    for name, limit in wanted.items():
        if UNLIMITED < limit < used.get(name, 0):
            raise Invalid(
                f"quota limit {limit} for {name} must be greater than or equal to "
                f"already used {used[name]}"
            )


def _read(transaction: Transaction, table: Table, **holder: str) -> dict[str, int]:
    rows = transaction.all(select_by(table, *holder), **holder)
    return {resource: limit for _holder, resource, limit in rows}


def _write(
    transaction: Transaction, table: Table, limits: Mapping[str, int], **holder: str
) -> None:
    for resource, limit in limits.items():
        key = {**holder, "resource": resource}
        transaction.run(delete_by(table, *key), **key)
        transaction.run(insert_into(table), **key, hard_limit=limit)
