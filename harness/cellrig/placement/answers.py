"""The answer to a candidates query in its short form: what trees have in common is told once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

from cellrig.placement.forest import Tree
from cellrig.placement.types import AllocationRequest, Candidates, ProviderSummary

#: A way to serve a query: a place for each numbered group, then for each unnumbered class.
PlacedWay = tuple[int, ...]


class PlacedRequest(NamedTuple):
    """An `AllocationRequest` with places where that has uuids."""

    allocations: tuple[tuple[int, dict[str, int]], ...]
    mappings: tuple[tuple[str, tuple[int, ...]], ...]


class Pattern:
    """Allocation requests that differ from tree to tree in the providers' uuids alone.

    Attributes:
        ways: how each of the requests serves the query.
        requests: what each of them comes to.
        breadth: how many uuids `requests_of` needs at least.
        memo: what has been made of it once and is wanted again, by who wants it.
    """

    __slots__ = ("breadth", "memo", "requests", "ways")

    def __init__(self, ways: tuple[PlacedWay, ...], requests: tuple[PlacedRequest, ...]) -> None:
        self.ways = ways
        self.requests = requests
        self.memo: dict[Hashable, Any] = {}
        self.breadth = 1 + max((place for way in ways for place in way), default=-1)

    def requests_of(self, uuids: tuple[str, ...]) -> list[AllocationRequest]:
        """Return the requests of providers with these uuids, by place."""
        return [
            AllocationRequest(
                {uuids[place]: amounts.copy() for place, amounts in allocations},
                {suffix: tuple([uuids[p] for p in places]) for suffix, places in mappings},
            )
            for allocations, mappings in self.requests
        ]


class Found:
    """What a search has found.

    Attributes:
        parts: patterns, each with the uuids that its places stand for, in the order of the answer.
        trees: those that the requests take from, each once.
    """

    def __init__(self) -> None:
        self.parts: list[tuple[Pattern, tuple[str, ...]]] = []
        self.trees: dict[Tree, None] = {}

    def candidates(self) -> Candidates:
        """Return the answer at length."""
        requests: list[AllocationRequest] = []
        for pattern, uuids in self.parts:
            requests += pattern.requests_of(uuids)
        summaries: dict[str, ProviderSummary] = {}
        for tree in self.trees:
            summaries |= tree.shape.summaries(tree.uuids)
        return Candidates(tuple(requests), summaries)
