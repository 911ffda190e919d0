"""Queries as they are put to trees, and what is remembered of the trees' answers.

Trees and shapes never change, so an answer holds as long as who gave it lives. What is remembered
is dropped, not corrected: a shape takes its answers with it, and a question those trees of which it
knows that they cannot serve it.
"""

from __future__ import annotations

from itertools import islice

from cellrig.placement.answers import Pattern, PlacedRequest, PlacedWay
from cellrig.placement.forest import Node, Tree
from cellrig.placement.search import Plan

#: What is not remembered: more questions of one shape, more patterns of one question, and patterns
#: with more ways. In practice there are few of each; the bounds are against queries without end.
_MOST_QUESTIONS = 32
_MOST_PATTERNS = 256
_MOST_WAYS = 256


class Question:
    """One query, whatever its limit.

    Attributes:
        refused: bitmap of the trees that are known not to serve it.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.refused = 0
        self._patterns: dict[tuple[PlacedWay, ...], Pattern] = {}

    def ask(self, tree: Tree, sharing: tuple[Node, ...], most: int | None) -> Pattern:
        """Return the ways in which a tree serves the query.

        Args:
            tree: is asked only where no other tree of its shape has been.
            sharing: providers of other trees that share with it; their places follow its own.
            most: so many ways are enough, though more may come; None for all.
        """
        memo = tree.shape.memo
        key = (self, sharing) if sharing else self
        pattern: Pattern | None = memo.get(key)
        if pattern is not None:
            return pattern
        ways = _placed(self.plan, tree, sharing, most)
        pattern = self.pattern(ways)
        is_whole = most is None or len(ways) < most
        if is_whole and len(ways) <= _MOST_WAYS and not self.plan.is_of_one_tree:
            if len(memo) >= _MOST_QUESTIONS:
                memo.clear()
            memo[key] = pattern
        return pattern

    def pattern(self, ways: tuple[PlacedWay, ...]) -> Pattern:
        """Return the requests that make `ways` come true."""
        pattern = self._patterns.get(ways)
        if pattern is None:
            pattern = Pattern(ways, tuple([self._request(way) for way in ways]))
            if len(ways) <= _MOST_WAYS:
                if len(self._patterns) >= _MOST_PATTERNS:
                    self._patterns.clear()
                self._patterns[ways] = pattern
        return pattern

    def _request(self, way: PlacedWay) -> PlacedRequest:
        allocations: dict[int, dict[str, int]] = {}
        mappings: list[tuple[str, tuple[int, ...]]] = []
        numbered, unnumbered = self.plan.numbered, self.plan.unnumbered
        if unnumbered is not None:
            spread = way[len(numbered) :]
            for place, (name, amount) in zip(spread, unnumbered.resources, strict=True):
                allocations.setdefault(place, {})[name] = amount
            mappings.append(("", tuple(allocations)))
        for place, group in zip(way, numbered, strict=False):  # a way goes on after these
            mappings.append((group.suffix, (place,)))
            if group.resources:
                given = allocations.setdefault(place, {})
                for name, amount in group.resources:
                    given[name] = given.get(name, 0) + amount
        return PlacedRequest(tuple(allocations.items()), tuple(mappings))


def _placed(
    plan: Plan, tree: Tree, sharing: tuple[Node, ...], most: int | None
) -> tuple[PlacedWay, ...]:
    """Return at most `most` of a tree's ways, by place."""
    ways = islice(plan.ways(tree, sharing), most)
    if not sharing:
        return tuple([tuple([n.place for n in (*chosen, *spread)]) for chosen, spread in ways])
    members = (*tree.nodes, *sharing)
    places = {node: place for place, node in enumerate(members)}
    return tuple([tuple([places[n] for n in (*chosen, *spread)]) for chosen, spread in ways])
