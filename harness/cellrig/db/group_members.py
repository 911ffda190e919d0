"""Where the members of a server group count, as a cell's database knows it.

A member that moves counts on every host that it may end on. So of an anti-affinity group it takes
its place where it goes and keeps it where it may be brought back to; to stay together, the others
follow it to where it goes.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import bindparam, select

from cellrig.db import cell_tables as tables
from cellrig.db.database import Statement, Transaction
from cellrig.model import MigrationStatus, ServerGroup

_instances = tables.instances.c
_migrations = tables.migrations.c
_UNDER_WAY = [status.value for status in MigrationStatus if not status.is_over]
_MEMBERS = Statement(
    select(_instances.uuid, _instances.host).where(
        _instances.server_group == bindparam("group"),
        _instances.deleted == 0,
        _instances.node.is_not(None),
    )
)
_MOVES = Statement(
    select(_migrations.instance_uuid, _migrations.source_compute, _migrations.admitted_by)
    .select_from(
        tables.migrations.join(tables.instances, _instances.uuid == _migrations.instance_uuid)
    )
    .where(
        _instances.server_group == bindparam("group"),
        _instances.deleted == 0,
        _migrations.status.in_(_UNDER_WAY),
        _migrations.admitted_by.is_not(None),
    )
    .order_by(_migrations.id)
)


def hosts_of_members(transaction: Transaction, group: ServerGroup) -> dict[str, tuple[str, ...]]:
    """Return the hosts on which each member of a group counts in this cell, by its uuid."""
    rows = transaction.all(_MEMBERS, group=group.uuid)
    hosts: dict[str, tuple[str, ...]] = {uuid: (host,) for uuid, host in rows}
    for uuid, source, destination in transaction.all(_MOVES, group=group.uuid):
        if uuid not in hosts:
            continue
        if group.policy == "affinity":
            hosts[uuid] = (destination,)
        else:
            hosts[uuid] = tuple(dict.fromkeys((*hosts[uuid], source, destination)))
    return hosts


def allowed_on(transaction: Transaction, group: ServerGroup, host: str, member: str) -> bool:
    """Whether a group's policy lets one of its members be on a host beside the others."""
    return group.allows(host, list(_of_others(transaction, group, member)))


def _of_others(transaction: Transaction, group: ServerGroup, member: str) -> Iterator[str]:
    for uuid, hosts in hosts_of_members(transaction, group).items():
        if uuid != member:
            yield from hosts
