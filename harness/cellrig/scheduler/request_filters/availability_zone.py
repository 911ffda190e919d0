"""Hosts of the zone that was asked for (the field's map_az_to_placement_aggregate)."""

from __future__ import annotations

from cellrig.errors import NoValidHost
from cellrig.placement.types import CandidateQuery
from cellrig.scheduler.aggregates import DEFAULT_ZONE
from cellrig.scheduler.request_filters.host_conditions import in_aggregates
from cellrig.scheduler.request_filters.interface import Asked


def availability_zone(query: CandidateQuery, asked: Asked) -> CandidateQuery:
    """Take hosts of the aggregates that make up the zone.

    The default zone is made of the hosts that no aggregate puts into another one.
    """
    zone = asked.spec.availability_zone
    if zone is None:
        return query
    if zone == DEFAULT_ZONE:
        return in_aggregates(query, none_of=asked.aggregates.in_other_zones(zone))
    aggregates = asked.aggregates.in_zone(zone)
    if not aggregates:
        raise NoValidHost(f"the availability zone {zone!r} does not exist")
    return in_aggregates(query, any_of=aggregates)
