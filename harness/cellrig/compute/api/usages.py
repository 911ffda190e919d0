"""How much servers have used in a time: hours, and amounts by the hour.

Source: Compute API, "Usage reports" (``os-simple-tenant-usage``).
"""

from __future__ import annotations

import msgspec

from cellrig.compute.api.policy import check_admin
from cellrig.compute.api.server_filters import ServerFilters
from cellrig.compute.api.server_list import ServerLists, ServerQuery
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.model import Server

_HOUR = 3600.0


class ServerUsage(msgspec.Struct, frozen=True):
    """One server in a time.

    Args:
        server: which.
        hours: that it has run of it.
        seconds: since its guest was started, until it ended or until the end of the time.
    """

    server: Server
    hours: float
    seconds: int


class ProjectUsage(msgspec.Struct, frozen=True):
    """The servers of a project in a time.

    Args:
        project_id: which.
        start, stop: from when to when, in seconds since the epoch.
        servers: by id.
    """

    project_id: str
    start: float
    stop: float
    servers: tuple[ServerUsage, ...]

    @property
    def hours(self) -> float:
        """Hours of all servers together."""
        return sum(each.hours for each in self.servers)

    @property
    def vcpu_hours(self) -> float:
        """Hours, each counted once for each virtual CPU."""
        return sum(each.hours * each.server.flavor.vcpus for each in self.servers)

    @property
    def memory_hours(self) -> float:
        """Hours, each counted once for each MiB of memory."""
        return sum(each.hours * each.server.flavor.memory_mb for each in self.servers)

    @property
    def disk_hours(self) -> float:
        """Hours, each counted once for each GiB of local disk."""
        flavors = [(each.hours, each.server.flavor) for each in self.servers]
        return sum(hours * (flavor.root_gb + flavor.ephemeral_gb) for hours, flavor in flavors)


class Usages:
    """Adds up what servers have used.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._lists = ServerLists(around)

    def all(self, context: RequestContext, start: float, stop: float) -> list[ProjectUsage]:
        """Return the usage of each project that had a server then, by id (administrators).

        Args:
            context: who asks.
            start, stop: from when to when, in seconds since the epoch.
        """
        check_admin(context, "see the usage of all projects")
        by_project: dict[str, list[ServerUsage]] = {}
        for usage in self._found(context, None, start, stop):
            by_project.setdefault(usage.server.project_id, []).append(usage)
        return [
            ProjectUsage(project, start, stop, tuple(found))
            for project, found in sorted(by_project.items())
        ]

    def of_project(
        self, context: RequestContext, project_id: str, start: float, stop: float
    ) -> ProjectUsage:
        """Return the usage of one project.

        Raises:
            Forbidden: it is another project's, and the caller is no administrator.
        """
        if project_id != context.project_id:
            check_admin(context, f"see the usage of project {project_id}")
        found = self._found(context, project_id, start, stop)
        return ProjectUsage(project_id, start, stop, tuple(found))

    def _found(
        self, context: RequestContext, project_id: str | None, start: float, stop: float
    ) -> list[ServerUsage]:
        """Return the servers that ran then: those that are there, and those deleted since."""
        servers: dict[str, Server] = {}
        for since in (None, start):
            filters = ServerFilters(project=project_id, changes_since=since)
            walk = self._lists.walk(context, ServerQuery(filters=filters))
            servers |= {each.id: each for each in walk.take(None)}
        now = self._around.runtime.now()
        found = [_usage(server, start, min(stop, now)) for _id, server in sorted(servers.items())]
        return [each for each in found if each is not None]


def _usage(server: Server, start: float, stop: float) -> ServerUsage | None:
    began, ended = server.launched_at, server.deleted_at
    if began is None or began > stop or (ended is not None and ended < start):
        return None
    until = stop if ended is None else min(ended, stop)
    return ServerUsage(
        server,
        hours=max(until - max(began, start), 0.0) / _HOUR,
        seconds=max(int(until - began), 0),
    )
