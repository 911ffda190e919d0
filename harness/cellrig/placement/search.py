"""The ways in which one tree, with the providers that share with it, serves a query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product

from cellrig.placement.forest import Node, Tree
from cellrig.placement.query import Group
from cellrig.placement.shapes import fits
from cellrig.placement.types import CandidateQuery

#: One provider for each numbered group; then one for each class of the unnumbered group.
Way = tuple[tuple[Node, ...], tuple[Node, ...]]

#: What the providers chosen so far give of contended classes, by provider and class.
_Taken = dict[tuple[Node, str], int]


class Plan:
    """A checked query, ready to be put to trees.

    Args:
        groups: the groups of `query`.

    Attributes:
        is_of_one_tree: whether it matters which tree a tree is, not only what it is like.
    """

    def __init__(self, query: CandidateQuery, groups: Sequence[Group]) -> None:
        self.numbered = tuple(group for group in groups if group.suffix)
        self.unnumbered = next((group for group in groups if not group.suffix), None)
        self.is_of_one_tree = any(group.tree_id is not None for group in groups)
        self._isolate = query.group_policy == "isolate"
        self._root_required = query.root_required
        self._root_forbidden = query.root_forbidden
        self._contended = _contended(groups)
        places = {group.suffix: place for place, group in enumerate(self.numbered)}
        self._subtrees = [[places[suffix] for suffix in sorted(s)] for s in query.same_subtree]

    def ways(self, tree: Tree, sharing: tuple[Node, ...]) -> Iterator[Way]:
        """Yield the ways to serve the query, in the order of the providers' ids.

        Args:
            tree: where to look.
            sharing: providers of other trees that share with this one.
        """
        traits = tree.root.traits
        if not (self._root_required <= traits and self._root_forbidden.isdisjoint(traits)):
            return
        pools = self._pools(tree, sharing)
        if pools is None:
            return
        if not self.numbered:
            for spread in product(*pools):
                if self._has_traits(spread):
                    yield (), spread
            return
        choices = [_serving(group, tree, sharing) for group in self.numbered]
        if not all(choices):
            return
        taken: _Taken = {}
        for chosen in self._choose(choices, (), taken):
            for spread in product(*pools):
                if self._has_traits(spread) and self._has_room(spread, taken):
                    yield chosen, spread

    def _pools(self, tree: Tree, sharing: tuple[Node, ...]) -> list[list[Node]] | None:
        """Return for each class of the unnumbered group the providers that could give it.

        None where there is a class that none could give.
        """
        group = self.unnumbered
        pools: list[list[Node]] = []
        if group is None:
            return pools
        if group.tree_id is not None:
            sharing = ()  # what the unnumbered group wants of one tree nobody shares with it
        takes_any = group.takes_any
        for name, amount in group.resources:
            pool = []
            having = tree.having(name)
            for node in (*having, *sharing) if sharing else having:
                room = node.rooms.get(name)
                if room and fits(room, amount) and (takes_any or group.may_use(node)):
                    pool.append(node)
            if not pool:
                return None
            pools.append(pool)
        return pools

    def _choose(
        self, choices: list[list[Node]], chosen: tuple[Node, ...], taken: _Taken
    ) -> Iterator[tuple[Node, ...]]:
        """Yield one provider for each numbered group; `taken` says meanwhile what they give."""
        place = len(chosen)
        if place == len(choices):
            if all(_in_one_subtree([chosen[p] for p in places]) for places in self._subtrees):
                yield chosen
            return
        group = self.numbered[place]
        for node in choices[place]:
            if self._isolate and node in chosen:
                continue
            contended = [each for each in group.resources if each[0] in self._contended]
            for name, amount in contended:
                taken[node, name] = taken.get((node, name), 0) + amount
            if all(_allows(node, name, taken[node, name]) for name, _amount in contended):
                yield from self._choose(choices, (*chosen, node), taken)
            for name, amount in contended:
                taken[node, name] -= amount

    def _has_traits(self, spread: tuple[Node, ...]) -> bool:
        """Whether the unnumbered group's providers together have the traits that it requires."""
        group = self.unnumbered
        if group is None or not group.required:
            return True
        return group.satisfied_by(frozenset().union(*[node.traits for node in spread]))

    def _has_room(self, spread: tuple[Node, ...], taken: _Taken) -> bool:
        """Whether the providers have room for the unnumbered group beside what is taken."""
        if self.unnumbered is None or not taken:
            return True
        for node, (name, amount) in zip(spread, self.unnumbered.resources, strict=True):
            already = taken.get((node, name))
            if already and not _allows(node, name, already + amount):
                return False
        return True


def _contended(groups: Sequence[Group]) -> frozenset[str]:
    """Return the classes that several groups want: what is left of one depends on the others."""
    wanted = Counter(name for group in groups for name, _amount in group.resources)
    return frozenset(name for name, count in wanted.items() if count > 1)


def _serving(group: Group, tree: Tree, sharing: tuple[Node, ...]) -> list[Node]:
    """Return the providers that could be the whole of a numbered group's."""
    own = tree.having(group.resources[0][0]) if group.resources else tree.nodes
    return [node for node in (*own, *sharing) if group.serves(node)]


def _allows(node: Node, name: str, amount: int) -> bool:
    """Whether a provider has room for what several groups together want of it.

    Each group's own amount has been held against all units; of the sum only the limits above
    count.
    """
    capacity, used, _min_unit, max_unit, _step_size = node.rooms[name]
    return used + amount <= capacity and amount <= max_unit


def _in_one_subtree(nodes: list[Node]) -> bool:
    """Whether one of the providers is the same as, or above, each of the others."""
    return any(all(_is_above(top, node) for node in nodes) for top in nodes)


def _is_above(top: Node, node: Node | None) -> bool:
    while node is not None:
        if node is top:
            return True
        node = node.parent
    return False
