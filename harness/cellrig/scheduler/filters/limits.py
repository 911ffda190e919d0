"""Limits that an aggregate's metadata may set for its hosts."""

from __future__ import annotations

from cellrig.scheduler.host_state import HostState


def limit_of(host: HostState, key: str, default: int) -> int:
    """Return the smallest number that the host's aggregates have for `key`, else `default`.

    A value that is no number is passed over, as in the field.
    """
    said = [value.strip() for value in host.aggregate_values(key)]
    return min((int(value) for value in said if value.isdigit()), default=default)
