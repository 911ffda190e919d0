"""Allocation candidates: from a query to the answer."""

from __future__ import annotations

from collections.abc import Hashable

from cellrig.placement.forest import Node, Tree
from cellrig.placement.index import Index
from cellrig.placement.query import Group
from cellrig.placement.search import Plan
from cellrig.placement.types import (
    AllocationRequest,
    CandidateQuery,
    Candidates,
    ProviderSummary,
)


def find(index: Index, query: CandidateQuery) -> Candidates:
    """Return the candidates for a query that has been checked, from an index that is current.

    They come by tree in the order of the roots' creation, within a tree in the order of its
    providers' creation.
    """
    plan = _plan(index, query)
    if plan is None:
        return Candidates((), {})
    answer = _Answer(plan, query.limit)
    key = _key(query)
    refused: list[int] = []
    for slot, tree in index.trees(_possible(index, query, plan) & ~index.refused(key)):
        if not answer.ask(tree, index.sharing_with(tree)):
            refused.append(slot)
        if answer.is_full:
            break
    index.refuse(key, refused)
    return Candidates(tuple(answer.requests), answer.summaries)


class _Answer:
    """The answer as it grows, tree by tree."""

    def __init__(self, plan: Plan, limit: int | None) -> None:
        self.requests: list[AllocationRequest] = []
        self.summaries: dict[str, ProviderSummary] = {}
        self.is_full = False
        self._plan = plan
        self._amounts = dict(plan.unnumbered.resources) if plan.unnumbered else {}
        self._limit = limit
        self._all_sharing: set[tuple[Node, ...]] = set()

    def ask(self, tree: Tree, sharing: tuple[Node, ...]) -> bool:
        """Add the ways in which a tree serves the query; return whether there are any."""
        served = False
        for chosen, spread in self._plan.ways(tree, sharing):
            served = True
            if sharing or tree.sharing:
                nodes = (*chosen, *spread)
                if not self._is_new(nodes):
                    continue
                for node in nodes:
                    self._summarize(node.tree)
            else:
                self._summarize(tree)
            self.requests.append(self._request(chosen, spread))
            if len(self.requests) == self._limit:
                self.is_full = True
                break
        return served

    def _request(self, chosen: tuple[Node, ...], spread: tuple[Node, ...]) -> AllocationRequest:
        allocations: dict[str, dict[str, int]] = {}
        mappings: dict[str, tuple[str, ...]] = {}
        unnumbered = self._plan.unnumbered
        if unnumbered is not None:
            first = spread[0]
            if spread.count(first) == len(spread):  # as it is wherever a tree is one provider
                allocations[first.uuid] = self._amounts.copy()
            else:
                for node, (name, amount) in zip(spread, unnumbered.resources, strict=True):
                    allocations.setdefault(node.uuid, {})[name] = amount
            mappings[""] = tuple(allocations)
        for node, group in zip(chosen, self._plan.numbered, strict=True):
            mappings[group.suffix] = (node.uuid,)
            if group.resources:
                _add(group.resources, allocations.setdefault(node.uuid, {}))
        return AllocationRequest(allocations, mappings)

    def _is_new(self, nodes: tuple[Node, ...]) -> bool:
        """Whether no other tree has had this way before, as it may if all its providers share."""
        if not all(node.is_sharing for node in nodes):
            return True
        is_new = nodes not in self._all_sharing
        self._all_sharing.add(nodes)
        return is_new

    def _summarize(self, tree: Tree) -> None:
        if tree.root.uuid not in self.summaries:
            for node in tree.nodes:
                self.summaries[node.uuid] = node.summary()


def _add(resources: tuple[tuple[str, int], ...], given: dict[str, int]) -> None:
    for name, amount in resources:
        given[name] = given.get(name, 0) + amount


def _plan(index: Index, query: CandidateQuery) -> Plan | None:
    """Return the plan; None where a provider that the query names does not exist."""
    groups = []
    for request in query.groups:
        tree_id = None
        if request.in_tree is not None:
            node = index.node(request.in_tree)
            if node is None:
                return None
            tree_id = node.tree.root.id
        groups.append(Group(request, tree_id))
    return Plan(query, groups)


def _possible(index: Index, query: CandidateQuery, plan: Plan) -> int:
    """Return the trees that can serve the query as far as the bitmaps tell."""
    bitmap = index.every_tree()
    for group, request in zip(plan.groups, query.groups, strict=True):
        if group.tree_id is not None:
            bitmap &= index.only(group.tree_id)
        for name, amount in group.resources:
            bitmap &= index.with_room(name, amount)
        for choice in request.required:
            bitmap &= index.with_trait(choice)
        for choice in request.member_of:
            bitmap &= index.in_aggregate(choice)
    for trait in query.root_required:
        bitmap &= index.with_trait((trait,))
    return bitmap


def _key(query: CandidateQuery) -> Hashable:
    """Return what two queries have in common that differ in their limit alone."""
    return (
        query.group_policy,
        query.same_subtree,
        query.root_required,
        query.root_forbidden,
        *[
            (
                group.suffix,
                tuple(group.resources.items()),
                group.required,
                group.forbidden,
                group.member_of,
                group.forbidden_aggregates,
                group.in_tree,
            )
            for group in query.groups
        ],
    )
