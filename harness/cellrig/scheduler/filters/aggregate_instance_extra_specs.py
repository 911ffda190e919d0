"""Sends flavors to hosts of certain aggregates (the field's AggregateInstanceExtraSpecsFilter)."""

from __future__ import annotations

from cellrig.flavors.comparisons import satisfies
from cellrig.flavors.extra_specs import AGGREGATE_SCOPE
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class AggregateInstanceExtraSpecsFilter:
    """Compares extra specs ``aggregate_instance_extra_specs:KEY`` with metadata of aggregates.

    One of the host's aggregates must have KEY with a value that satisfies the extra spec. Only keys
    with the scope count: without it, a key cannot be told from one that is meant for a driver.
    """

    enabled_by_default = True

    def applies(self, request: HostRequest) -> bool:
        """Where the flavor has such an extra spec."""
        return any(key.startswith(AGGREGATE_SCOPE) for key in request.spec.flavor.extra_specs)

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse hosts without an aggregate that fits."""
        for scoped, wanted in request.spec.flavor.extra_specs.items():
            if not scoped.startswith(AGGREGATE_SCOPE):
                continue
            key = scoped.removeprefix(AGGREGATE_SCOPE)
            values = host.aggregate_values(key)
            if not any(satisfies(value, wanted) for value in values):
                have = ", ".join(map(repr, values)) or "nothing"
                return f"{key} must be {wanted!r}, the host's aggregates say {have}"
        return None
