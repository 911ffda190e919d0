"""What one server asks of its host, as filters and weighers see it."""

from __future__ import annotations

import msgspec

from cellrig.model import RequestSpec, ServerGroup
from cellrig.scheduler.options import SchedulerOptions


class HostRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One server's wish, with what had to be looked up for it.

    Args:
        spec: flavor, image, hints, zone.
        options: of the scheduler.
        now: the time, seconds since the epoch.
        group: the server group; None where the server is in none.
        group_members: servers of the group by host: those that run, and those that this request
            has placed; the servers of the request itself do not count where they are now.
        hint_hosts: the hosts of the servers that the scheduler hints name, by server uuid; a server
            that is on no host, or does not exist, is not in it.
    """

    spec: RequestSpec
    options: SchedulerOptions
    now: float
    group: ServerGroup | None = None
    group_members: dict[str, int] = {}
    hint_hosts: dict[str, str] = {}

    def has_policy(self, policy: str) -> bool:
        """Whether the server is in a group with this policy."""
        return self.group is not None and self.group.policy == policy

    def members_on(self, host: str) -> int:
        """Return how many servers of the group are on `host`."""
        return self.group_members.get(host, 0)

    def hint(self, name: str) -> tuple[str, ...]:
        """Return the values of a scheduler hint; empty where it was not given."""
        return self.spec.scheduler_hints.get(name, ())
