"""The host aggregates as one request sees them, and the zones that some of them make."""

from __future__ import annotations

from collections.abc import Sequence

from cellrig.db import ApiDatabase
from cellrig.model import Aggregate

#: The zone of hosts that no aggregate puts into one (the field's default_availability_zone).
DEFAULT_ZONE = "nova"

_ZONE = "availability_zone"
_TENANT = "filter_tenant_id"


class AggregateIndex:
    """All aggregates, read once for a request; which hosts they have, only for its candidates.

    Args:
        api: the API database.
    """

    def __init__(self, api: ApiDatabase) -> None:
        self._api = api
        self._aggregates = api.aggregates.all_without_hosts()

    def of_hosts(self, hosts: Sequence[str]) -> dict[str, tuple[Aggregate, ...]]:
        """Return the aggregates that each of `hosts` is in, the oldest first."""
        if not self._aggregates:
            return {}
        known = {each.id: each for each in self._aggregates}
        ids = self._api.aggregates.ids_of_hosts(hosts)
        return {
            host: tuple(known[each] for each in numbers if each in known)
            for host, numbers in ids.items()
        }

    def in_zone(self, zone: str) -> tuple[str, ...]:
        """Return the uuids of the aggregates that make up `zone`."""
        return tuple(each.uuid for each in self._aggregates if each.metadata.get(_ZONE) == zone)

    def in_other_zones(self, zone: str) -> tuple[str, ...]:
        """Return the uuids of the aggregates that put their hosts into another zone."""
        return tuple(
            each.uuid for each in self._aggregates if each.metadata.get(_ZONE, zone) != zone
        )

    def of_tenant(self, project_id: str) -> tuple[str, ...]:
        """Return the uuids of the aggregates that are kept for a project."""
        return tuple(each.uuid for each in self._aggregates if project_id in tenants_of(each))

    def of_tenants(self) -> tuple[str, ...]:
        """Return the uuids of the aggregates that are kept for any project."""
        return tuple(each.uuid for each in self._aggregates if tenants_of(each))


def zone_of(aggregates: Sequence[Aggregate]) -> str:
    """Return the zone of a host that is in `aggregates`."""
    for each in aggregates:
        if _ZONE in each.metadata:
            return each.metadata[_ZONE]
    return DEFAULT_ZONE


def tenants_of(aggregate: Aggregate) -> tuple[str, ...]:
    """Return the projects that an aggregate is kept for: its metadata ``filter_tenant_id*``.

    A value may list several, with commas (Compute schedulers, "Tenant isolation").
    """
    return tuple(
        project.strip()
        for key, value in aggregate.metadata.items()
        if key.startswith(_TENANT)
        for project in value.split(",")
    )
