"""Where the servers are that a request refers to: those of its group, those that its hints name."""

from __future__ import annotations

from collections.abc import Iterable

from cellrig.cells import Cells
from cellrig.db import ApiDatabase, CellDatabase
from cellrig.errors import NotFound, NoValidHost
from cellrig.model import CELL0, SchedulingRequest, ServerGroup
from cellrig.scheduler.filters import different_host, same_host
from cellrig.seams import Seams

_HINTS = (same_host.HINT, different_host.HINT)


def group_of(request: SchedulingRequest, api: ApiDatabase, seams: Seams) -> ServerGroup | None:
    """Return the group of the request's servers, None where they are in none."""
    group_uuid = request.spec.group_uuid
    if group_uuid is None:
        return None
    try:
        return api.server_groups.get(group_uuid)
    except NotFound as error:
        seams.handled(error, "the group has been deleted; its policy no longer holds")
        return None


def members_by_host(
    group: ServerGroup, request: SchedulingRequest, cells: Cells, api: ApiDatabase
) -> dict[str, int]:
    """Return how many of the group's servers each host has, those of `request` left out.

    One that moves counts on each host that it may end on.

    Raises:
        NoValidHost: the group must stay on one host, and which that is only a cell knows that does
            not answer.
    """
    own = frozenset(request.instance_uuids)
    others = [member for member in group.members if member not in own]
    if not others:
        return {}
    gathered = cells.scatter.gather(
        cells.with_hosts(), lambda cell: cell.instances.hosts_of_group(group)
    )
    hosts = {
        member: there
        for answer in gathered.answers.values()
        for member, there in answer.items()
        if member not in own
    }
    if gathered.missing and group.policy == "affinity":
        for mapping in api.mappings.instances([each for each in others if each not in hosts]):
            if mapping.cell in gathered.missing and not mapping.queued_for_delete:
                raise NoValidHost(
                    f"server group {group.uuid} must stay on one host, and its server "
                    f"{mapping.instance_uuid} is in a cell that does not answer: "
                    f"{gathered.missing[mapping.cell]}"
                )
    counts: dict[str, int] = {}
    for member in sorted(hosts):
        for host in hosts[member]:
            counts[host] = counts.get(host, 0) + 1
    return counts


def hinted_hosts(request: SchedulingRequest, cells: Cells, api: ApiDatabase) -> dict[str, str]:
    """Return the hosts of the servers that hints name, by server uuid, as far as they have one."""
    hints = request.spec.scheduler_hints
    servers = [server for hint in _HINTS for server in hints.get(hint, ())]
    if not servers:
        return {}
    by_cell: dict[str, list[str]] = {}
    for mapping in api.mappings.instances(servers):
        if mapping.cell is not None and mapping.cell != CELL0:
            by_cell.setdefault(mapping.cell, []).append(mapping.instance_uuid)

    def hosts(cell: CellDatabase) -> Iterable[tuple[str, str]]:
        return [
            (instance.uuid, instance.host)
            for instance in cell.instances.all_by_uuid(by_cell[cell.name])
            if instance.host is not None and not instance.deleted
        ]

    asked = {name: cells.databases[name] for name in by_cell}
    answers = cells.scatter.gather(asked, hosts).answers.values()
    return {server: host for answer in answers for server, host in answer}
