"""Adding a condition on the host's aggregates to a query."""

from __future__ import annotations

from msgspec.structs import replace

from cellrig.placement.types import CandidateQuery


def in_aggregates(
    query: CandidateQuery, *, any_of: tuple[str, ...] = (), none_of: tuple[str, ...] = ()
) -> CandidateQuery:
    """Return `query` for hosts in one of the aggregates `any_of` and in none of `none_of`.

    A host's aggregates are those of its root provider, and they span its tree for the unnumbered
    group only (Placement's user guide, "Filtering Aggregates"). A query without that group comes
    back as it is; the host filter of the same purpose then does all the work.

    Args:
        query: what is asked so far.
        any_of: uuids of aggregates; empty adds nothing.
        none_of: the same.
    """
    if not (any_of or none_of):
        return query
    groups = tuple(
        group
        if group.suffix
        else replace(
            group,
            member_of=(*group.member_of, frozenset(any_of)) if any_of else group.member_of,
            forbidden_aggregates=group.forbidden_aggregates.union(none_of),
        )
        for group in query.groups
    )
    return replace(query, groups=groups)
