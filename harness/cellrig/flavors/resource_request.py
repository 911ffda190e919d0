"""From a flavor to the question for placement: which resources, in which groups."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from cellrig.errors import Invalid
from cellrig.flavors.extra_specs import PlacementSpecs, read_extra_specs
from cellrig.model import Flavor
from cellrig.placement.types import CandidateQuery, RequestGroup

_OWN = ("VCPU", "MEMORY_MB", "DISK_GB")
_MIB_PER_GIB = 1024


def validate_extra_specs(extra_specs: Mapping[str, str]) -> None:
    """Check extra specs before a flavor or a server is made with them.

    Raises:
        Invalid: names the key, its value, and what is taken.
    """
    specs = read_extra_specs(extra_specs)
    own = {} if "" not in specs.groups else specs.groups[""].resources
    taken_away = [name for name in _OWN if own.get(name) == 0]
    asked_for = any(
        amount for group in specs.groups.values() for amount in group.resources.values()
    )
    if len(taken_away) == len(_OWN) and not asked_for:
        raise Invalid(
            f"extra specs take {', '.join(_OWN)} away and ask for nothing else: "
            "a server takes at least one resource"
        )


def resources_of(flavor: Flavor) -> dict[str, int]:
    """Return what a server of `flavor` holds in all, by resource class: the sum over its groups.

    Raises:
        Invalid: its extra specs are wrong.
    """
    total: dict[str, int] = {}
    for group in _groups(flavor, read_extra_specs(flavor.extra_specs)):
        for resource_class, amount in group.resources.items():
            total[resource_class] = total.get(resource_class, 0) + amount
    return total


def candidate_query(flavor: Flavor, limit: int | None) -> CandidateQuery:
    """Return the question that `flavor` asks, before anything else adds to it.

    Raises:
        Invalid: its extra specs are wrong, or nothing is left to ask for.
    """
    specs = read_extra_specs(flavor.extra_specs)
    groups = _groups(flavor, specs)
    if not any(group.resources for group in groups):
        raise Invalid(
            f"flavor {flavor.name!r} asks for no resources: its extra specs take all of them away"
        )
    query = CandidateQuery(
        groups=tuple(group for group in groups if group.suffix or group.resources),
        group_policy=specs.group_policy,
        same_subtree=tuple(specs.same_subtree),
        limit=limit,
    )
    unnumbered = specs.groups.get("")
    if unnumbered is None or any(not group.suffix for group in query.groups):
        return query
    # Placement refuses traits of a group without resources; whose they are meant to be is the host.
    return requiring(query, frozenset(unnumbered.required), frozenset(unnumbered.forbidden))


def requiring(
    query: CandidateQuery, required: frozenset[str], forbidden: frozenset[str] = frozenset()
) -> CandidateQuery:
    """Return `query` with traits that some provider of the host must, and that none may have."""
    for at, group in enumerate(query.groups):
        if not group.suffix:
            asked = replace(
                group,
                required=(*group.required, *(frozenset({trait}) for trait in sorted(required))),
                forbidden=group.forbidden | forbidden,
            )
            return replace(query, groups=(*query.groups[:at], asked, *query.groups[at + 1 :]))
    return replace(
        query,
        root_required=query.root_required | required,
        root_forbidden=query.root_forbidden | forbidden,
    )


def _groups(flavor: Flavor, specs: PlacementSpecs) -> list[RequestGroup]:
    """The unnumbered group first, then the others in the extra specs' order."""
    groups = [_group("", specs, _own_resources(flavor))]
    groups += [_group(suffix, specs, {}) for suffix in specs.groups if suffix]
    return groups


def _group(suffix: str, specs: PlacementSpecs, resources: Mapping[str, int]) -> RequestGroup:
    said = specs.groups.get(suffix)
    if said is None:
        return RequestGroup(suffix, _without_zeros(resources))
    return RequestGroup(
        suffix=suffix,
        resources=_without_zeros({**resources, **said.resources}),
        required=tuple(frozenset({trait}) for trait in said.required),
        forbidden=frozenset(said.forbidden),
        in_tree=said.in_tree,
    )


def _own_resources(flavor: Flavor) -> dict[str, int]:
    swap_gb = -(-flavor.swap_mb // _MIB_PER_GIB)
    disk_gb = flavor.root_gb + flavor.ephemeral_gb + swap_gb
    return dict(zip(_OWN, (flavor.vcpus, flavor.memory_mb, disk_gb), strict=True))


def _without_zeros(resources: Mapping[str, int]) -> dict[str, int]:
    return {resource_class: amount for resource_class, amount in resources.items() if amount}
