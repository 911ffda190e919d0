"""Allocation candidates: from a query to the answer."""

from __future__ import annotations

from collections.abc import Hashable

from cellrig.placement.answers import Found, Pattern, PlacedWay
from cellrig.placement.forest import Node, Tree
from cellrig.placement.index import Index
from cellrig.placement.query import Group
from cellrig.placement.questions import Question
from cellrig.placement.search import Plan
from cellrig.placement.types import CandidateQuery


def find(index: Index, query: CandidateQuery) -> Found:
    """Return the candidates for a query that has been checked, from an index that is current.

    They come by tree in the order of the roots' creation, within a tree in the order of its
    providers' creation.
    """
    groups = _groups(index, query)
    if groups is None:
        return Found()
    question = index.question(_key(query, groups), lambda: Question(Plan(query, groups)))
    answer = _Answer(question, query.limit)
    refused: list[int] = []
    for slot, tree in index.trees(_possible(index, query, groups) & ~question.refused):
        if not answer.ask(tree, index.sharing_with(tree)):
            refused.append(slot)
        elif answer.left == 0:
            break
    index.refuse(question, refused)
    return answer.found


class _Answer:
    """The answer as it grows, tree by tree; `left` is how many requests it still takes."""

    def __init__(self, question: Question, limit: int | None) -> None:
        self.found = Found()
        self.left = limit
        self._question = question
        self._all_sharing: set[tuple[Node, ...]] = set()

    def ask(self, tree: Tree, sharing: tuple[Node, ...]) -> bool:
        """Add the ways in which a tree serves the query; return whether there are any."""
        if sharing or tree.shape.sharing:
            return self._ask_with_sharing(tree, sharing)
        pattern = self._question.ask(tree, (), self.left)
        if not pattern.ways:
            return False
        self._add(pattern, tree.uuids)
        self.found.trees[tree] = None
        return True

    def _ask_with_sharing(self, tree: Tree, sharing: tuple[Node, ...]) -> bool:
        # So many of a tree's ways at most have been other trees' too.
        enough = None if self.left is None else self.left + len(self._all_sharing)
        pattern = self._question.ask(tree, sharing, enough)
        members = (*tree.nodes, *sharing)
        ways: list[PlacedWay] = []
        for way in pattern.ways[:enough]:
            nodes = tuple([members[place] for place in way])
            if self._is_new(nodes) and len(ways) != self.left:
                ways.append(way)
                for node in nodes:
                    self.found.trees[node.tree] = None
        if ways:
            uuids = tuple([node.uuid for node in members])
            self._add(self._question.pattern(tuple(ways)), uuids)
        return bool(pattern.ways)

    def _add(self, pattern: Pattern, uuids: tuple[str, ...]) -> None:
        if self.left is not None:
            if len(pattern.ways) > self.left:
                pattern = self._question.pattern(pattern.ways[: self.left])
            self.left -= len(pattern.ways)
        self.found.parts.append((pattern, uuids))

    def _is_new(self, nodes: tuple[Node, ...]) -> bool:
        """Whether no other tree has had this way before, as it may if all its providers share."""
        if not all(node.is_sharing for node in nodes):
            return True
        is_new = nodes not in self._all_sharing
        self._all_sharing.add(nodes)
        return is_new


def _groups(index: Index, query: CandidateQuery) -> list[Group] | None:
    """Return the groups; None where a provider that the query names does not exist."""
    groups = []
    for request in query.groups:
        tree_id = None
        if request.in_tree is not None:
            node = index.node(request.in_tree)
            if node is None:
                return None
            tree_id = node.tree.root.id
        groups.append(Group(request, tree_id))
    return groups


def _possible(index: Index, query: CandidateQuery, groups: list[Group]) -> int:
    """Return the trees that can serve the query as far as the bitmaps tell."""
    bitmap = index.every_tree()
    for group, request in zip(groups, query.groups, strict=True):
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


def _key(query: CandidateQuery, groups: list[Group]) -> Hashable:
    """Return what two queries have in common that differ in their limit alone."""
    return (
        query.group_policy,
        query.same_subtree,
        query.root_required,
        query.root_forbidden,
        *[
            (
                request.suffix,
                group.resources,
                request.required,
                request.forbidden,
                request.member_of,
                request.forbidden_aggregates,
                group.tree_id,
            )
            for request, group in zip(query.groups, groups, strict=True)
        ],
    )
