"""From the query string of allocation candidates to what the search is asked."""

from __future__ import annotations

import re

from cellrig.http.calls import Call
from cellrig.http.errors import Refusal
from cellrig.http.placement.parameters import (
    Traits,
    parse_member_of,
    parse_required,
    parse_resources,
)
from cellrig.http.placement.schemas.candidates import NAMES
from cellrig.http.uuids import canonical
from cellrig.http.versions import Version
from cellrig.placement import PlacementClient
from cellrig.placement.types import CandidateQuery, RequestGroup

_MISSING = "placement.query.missing_value"
_DUPLICATE = "placement.query.duplicate_key"
_GROUPED = re.compile(f"(resources|required|member_of|in_tree)({NAMES})?")


def candidate_query(call: Call[PlacementClient], limit: int | None) -> CandidateQuery:
    """Return what is asked for.

    Args:
        call: whose query has been checked against its schema.
        limit: for the search; not always the one in the query.

    Raises:
        Refusal: 400 for a parameter that cannot be understood, or that has no resources.
    """
    parameters: dict[str, dict[str, list[str]]] = {}
    for name, value in call.query:
        match = _GROUPED.fullmatch(name)
        if match:
            group = parameters.setdefault(match[2] or "", {})
            group.setdefault(match[1], []).append(value)
    groups = [_group(suffix, given, call.version) for suffix, given in parameters.items()]
    _refuse_without_resources(groups, call.version)
    root = _root_traits(call)
    return CandidateQuery(
        groups=tuple(groups),
        group_policy=call.first("group_policy"),
        same_subtree=tuple(
            frozenset(name.strip() for name in value.split(","))
            for value in call.every("same_subtree")
        ),
        root_required=frozenset().union(*root.required),
        root_forbidden=root.forbidden,
        limit=limit,
    )


def _group(suffix: str, given: dict[str, list[str]], version: Version) -> RequestGroup:
    traits = parse_required(f"required{suffix}", given.get("required", []), version)
    aggregates = parse_member_of(f"member_of{suffix}", given.get("member_of", []), version)
    in_tree = given["in_tree"][-1] if "in_tree" in given else None
    if in_tree is not None and canonical(in_tree) is None:
        raise Refusal(
            400,
            f"Invalid query string parameters: in_tree{suffix} is {in_tree!r}, which is no uuid",
        )
    return RequestGroup(
        suffix=suffix,
        resources=parse_resources(given["resources"][-1]) if "resources" in given else {},
        required=traits.required,
        forbidden=traits.forbidden,
        member_of=aggregates.member_of,
        forbidden_aggregates=aggregates.forbidden,
        in_tree=in_tree,
    )


def _refuse_without_resources(groups: list[RequestGroup], version: Version) -> None:
    """Every group needs resources; from 1.36 on one of ``same_subtree`` does not."""
    if not any(group.resources for group in groups):
        raise Refusal(
            400, "there is no resources, and no resources with a suffix", stable_code=_MISSING
        )
    bare = [group.suffix for group in groups if not group.resources]
    if bare and version < (1, 36):
        raise Refusal(400, f"request group {bare[0]!r} has no resources")


def _root_traits(call: Call[PlacementClient]) -> Traits:
    values = call.every("root_required")
    if len(values) > 1:
        raise Refusal(400, "root_required is given more than once", stable_code=_DUPLICATE)
    if any(value.startswith("in:") for value in values):
        raise Refusal(400, f"root_required is {values[0]!r}; it does not take in:")
    return parse_required("root_required", values, call.version)
