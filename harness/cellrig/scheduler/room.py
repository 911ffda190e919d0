"""What the providers in an answer of placement have left, while one request claims from them."""

from __future__ import annotations

from collections.abc import Mapping

from cellrig.placement.types import AllocationRequest, ProviderSummary

Allocations = Mapping[str, Mapping[str, int]]


class Room:
    """The providers' rooms as placement told them, less what this request has claimed since.

    It saves claims that are sure to be refused. It decides nothing: placement does.

    Args:
        summaries: by provider uuid.
    """

    def __init__(self, summaries: Mapping[str, ProviderSummary]) -> None:
        self._summaries = summaries
        self._claimed: dict[tuple[str, str], int] = {}

    def take(self, allocations: Allocations) -> None:
        """Note a claim."""
        for provider, resources in allocations.items():
            for resource_class, amount in resources.items():
                key = provider, resource_class
                self._claimed[key] = self._claimed.get(key, 0) + amount

    def has(self, way: AllocationRequest) -> bool:
        """Whether there is room for `way` as far as is known."""
        return self.shortage(way) is None

    def shortage(self, way: AllocationRequest) -> str | None:
        """Return what is missing for `way` by now; None: nothing."""
        if not self._claimed:
            return None
        for provider, resources in way.allocations.items():
            for resource_class, amount in resources.items():
                claimed = self._claimed.get((provider, resource_class), 0)
                summary = self._summaries[provider].resources[resource_class]
                free = summary.capacity - summary.used - claimed
                if amount > free:
                    return f"{resource_class}: {amount} requested, {free} free"
        return None
