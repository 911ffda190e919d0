"""When what placement answers was written last: ``Last-Modified``, since microversion 1.15.

Usages, aggregates and candidates have no time of their own, and so that of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from cellrig.placement import Placement, PlacementClient


def newest(times: Iterable[float | None]) -> float | None:
    """Return the newest of times; None where there is none, or one of them is not known."""
    known: list[float] = []
    for time in times:
        if time is None:
            return None
        known.append(time)
    return max(known, default=None)


def traits_updated_at(service: PlacementClient, names: Iterable[str]) -> float | None:
    """Return when the youngest of these traits came; None where there is none, or nobody says."""
    listed = list(names)
    if not listed or not isinstance(service, Placement):
        return None
    return service.traits_updated_at(listed)


def resource_classes_updated_at(service: PlacementClient, names: Iterable[str]) -> float | None:
    """Return when the youngest of these classes came; None where nobody says."""
    return service.resource_classes_updated_at(names) if isinstance(service, Placement) else None
