"""A candidates query, checked and turned into what the search asks of each tree."""

from __future__ import annotations

from collections.abc import Iterable

from cellrig.db.database import Transaction
from cellrig.placement.errors import ContradictoryQuery, InvalidQuery
from cellrig.placement.forest import Node
from cellrig.placement.names import unknown_resource_classes, unknown_traits
from cellrig.placement.shapes import fits
from cellrig.placement.types import MAX_AMOUNT, CandidateQuery, RequestGroup

POLICIES = frozenset({"none", "isolate"})


class Group:
    """One request group, as a question to a provider.

    Attributes:
        resources: pairs of class and amount, in the order of the request.
        tree_id: id of the root of the only tree that may serve it; None for any.
        takes_any: whether it has no conditions but `required`.
    """

    __slots__ = (
        "_forbidden",
        "_forbidden_aggregates",
        "_member_of",
        "required",
        "resources",
        "suffix",
        "takes_any",
        "tree_id",
    )

    def __init__(self, request: RequestGroup, tree_id: int | None) -> None:
        self.suffix = request.suffix
        self.resources = tuple(request.resources.items())
        self.required = request.required
        self.tree_id = tree_id
        self._forbidden = request.forbidden
        self._member_of = request.member_of
        self._forbidden_aggregates = request.forbidden_aggregates
        self.takes_any = not (
            request.forbidden or request.member_of or request.forbidden_aggregates
        ) and (tree_id is None)

    def serves(self, node: Node) -> bool:
        """Whether one provider can be the whole group's, by itself (a numbered group)."""
        for name, amount in self.resources:
            room = node.rooms.get(name)
            if room is None or not fits(room, amount):
                return False
        return self.satisfied_by(node.traits) and self._allows(node, node.aggregates)

    def may_use(self, node: Node) -> bool:
        """Whether a provider may be among the group's (the unnumbered group).

        An aggregate of a root provider spans its whole tree (Placement's user guide, "Filtering
        Aggregates"); one of another provider does not.
        """
        if self.takes_any:
            return True
        root = node.tree.root
        spanned = node.aggregates if node is root else node.aggregates | root.aggregates
        return self._allows(node, spanned)

    def satisfied_by(self, traits: frozenset[str]) -> bool:
        """Whether `traits` have what the group requires."""
        return not self.required or all(not each.isdisjoint(traits) for each in self.required)

    def _allows(self, node: Node, aggregates: frozenset[str]) -> bool:
        if self.takes_any:
            return True
        if self.tree_id is not None and node.tree.root.id != self.tree_id:
            return False
        if not self._forbidden.isdisjoint(node.traits):
            return False
        if not self._forbidden_aggregates.isdisjoint(aggregates):
            return False
        return all(not choice.isdisjoint(aggregates) for choice in self._member_of)


def check(query: CandidateQuery) -> None:
    """Raise `InvalidQuery` for a query that is wrong whatever the database holds."""
    suffixes = [group.suffix for group in query.groups]
    _refuse(
        len(set(suffixes)) != len(suffixes), f"request groups have one suffix twice: {suffixes}"
    )
    named = frozenset().union(*query.same_subtree)
    strangers = sorted(named.difference(suffixes))
    _refuse(
        bool(strangers),
        f"same_subtree names groups that are not in the request: {strangers}",
        ContradictoryQuery,
    )
    _refuse("" in named, "same_subtree cannot name the unnumbered group")
    for group in query.groups:
        _refuse(
            not group.resources and group.suffix not in named,
            f"request group {group.suffix!r} has no resources and is not in same_subtree",
            ContradictoryQuery,
        )
        for name, amount in group.resources.items():
            _refuse(
                not 1 <= amount <= MAX_AMOUNT,
                f"{amount} of {name} is asked for; an amount is from 1 to {MAX_AMOUNT}",
            )
    _refuse(
        not any(group.resources for group in query.groups), "no request group has any resources"
    )
    _refuse(
        query.group_policy is None and sum(bool(suffix) for suffix in suffixes) > 1,
        "group_policy is needed with more than one numbered group: none or isolate",
    )
    _refuse(
        query.group_policy not in {None, *POLICIES},
        f"group_policy is {query.group_policy!r}, not none or isolate",
    )
    _refuse(query.limit is not None and query.limit < 1, f"limit is {query.limit}, not 1 or more")
    for where, required, forbidden, kind in _traits(query):
        both = sorted(required & forbidden)
        _refuse(bool(both), f"traits both required and forbidden{where}: {', '.join(both)}", kind)


def check_names(transaction: Transaction, query: CandidateQuery) -> None:
    """Raise `InvalidQuery` for resource classes and traits that do not exist."""
    for group in query.groups:
        check_group(transaction, group)
    _check_traits(transaction, query.root_required | query.root_forbidden)


def check_group(transaction: Transaction, group: RequestGroup) -> None:
    """Raise `InvalidQuery` for resource classes and traits of one group that do not exist."""
    unknown = unknown_resource_classes(transaction, group.resources)
    _refuse(bool(unknown), f"no such resource class: {', '.join(unknown)}")
    _check_traits(transaction, group.forbidden.union(*group.required))


def _check_traits(transaction: Transaction, traits: frozenset[str]) -> None:
    unknown = unknown_traits(transaction, traits)
    _refuse(bool(unknown), f"no such trait: {', '.join(unknown)}")


def _traits(
    query: CandidateQuery,
) -> Iterable[tuple[str, frozenset[str], frozenset[str], type[InvalidQuery]]]:
    yield " of the root", query.root_required, query.root_forbidden, ContradictoryQuery
    for group in query.groups:
        plain = frozenset().union(*(choice for choice in group.required if len(choice) == 1))
        yield f" in request group {group.suffix!r}", plain, group.forbidden, InvalidQuery


def _refuse(wrong: bool, reason: str, kind: type[InvalidQuery] = InvalidQuery) -> None:
    if wrong:
        raise kind(reason)
