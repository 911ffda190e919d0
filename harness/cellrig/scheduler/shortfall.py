"""Why placement does not offer a host: what its providers lack for a query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cellrig.placement.types import CandidateQuery, ProviderRecord, RequestGroup


def shortfall(query: CandidateQuery, tree: Sequence[ProviderRecord]) -> str | None:
    """Return the first thing that keeps `tree` from serving `query`.

    Args:
        query: what was asked.
        tree: all providers of the host, the root first.

    Returns:
        Half a sentence that begins with the resource or trait; None where each thing by itself is
        there.
    """
    return next(_shortfalls(query, tree), None)


def _shortfalls(query: CandidateQuery, tree: Sequence[ProviderRecord]) -> Iterator[str]:
    root = tree[0]
    for trait in sorted(query.root_forbidden & root.traits):
        yield f"{trait}: the host has this trait"
    for trait in sorted(query.root_required - root.traits):
        yield f"{trait}: the host lacks this trait"
    for group in query.groups:
        yield from _of_tree(group, tree)
        yield from _of_resources(group, tree)
        yield from _of_traits(group, tree)
        yield from _of_one_provider(group, tree)


def _of_tree(group: RequestGroup, tree: Sequence[ProviderRecord]) -> Iterator[str]:
    if group.in_tree is not None and all(each.uuid != group.in_tree for each in tree):
        yield f"in_tree: the provider {group.in_tree} is not the host's"
    if group.suffix:
        return
    aggregates = tree[0].aggregates
    if any(choice.isdisjoint(aggregates) for choice in group.member_of):
        yield "aggregates: the host is in none of those that the request needs"
    if not group.forbidden_aggregates.isdisjoint(aggregates):
        yield "aggregates: the host is in one that is closed to the request"


def _of_resources(group: RequestGroup, tree: Sequence[ProviderRecord]) -> Iterator[str]:
    for resource_class, amount in group.resources.items():
        having = [each for each in tree if resource_class in each.inventories]
        if not having:
            yield f"{resource_class}: {amount} requested, the host has none"
            continue
        free = max(_free(each, resource_class) for each in having)
        if amount > free:
            yield f"{resource_class}: {amount} requested, {max(free, 0)} free"
        elif not any(_in_units(each, resource_class, amount) for each in having):
            inventory = having[0].inventories[resource_class]
            yield (
                f"{resource_class}: {amount} requested, the host gives from {inventory.min_unit} "
                f"to {inventory.max_unit} in steps of {inventory.step_size}"
            )


def _of_traits(group: RequestGroup, tree: Sequence[ProviderRecord]) -> Iterator[str]:
    for choice in group.required:
        if all(choice.isdisjoint(each.traits) for each in tree):
            yield f"{' or '.join(sorted(choice))}: the host lacks this trait"
    for trait in sorted(group.forbidden):
        for resource_class in group.resources:
            having = [each for each in tree if resource_class in each.inventories]
            if all(trait in each.traits for each in having):
                yield f"{trait}: what has {resource_class} there has this trait"


def _of_one_provider(group: RequestGroup, tree: Sequence[ProviderRecord]) -> Iterator[str]:
    """A numbered group wants it all of one provider."""
    if group.suffix and not any(_serves(group, each) for each in tree):
        wanted = [f"{amount} {name}" for name, amount in group.resources.items()]
        wanted += [" or ".join(sorted(choice)) for choice in group.required]
        wanted += [f"not {trait}" for trait in sorted(group.forbidden)]
        yield f"group {group.suffix!r}: no provider has all of {', '.join(wanted)}"


def _serves(group: RequestGroup, provider: ProviderRecord) -> bool:
    return (
        all(
            name in provider.inventories
            and _free(provider, name) >= amount
            and _in_units(provider, name, amount)
            for name, amount in group.resources.items()
        )
        and not any(choice.isdisjoint(provider.traits) for choice in group.required)
        and group.forbidden.isdisjoint(provider.traits)
    )


def _free(provider: ProviderRecord, resource_class: str) -> int:
    return provider.inventories[resource_class].capacity - provider.usages.get(resource_class, 0)


def _in_units(provider: ProviderRecord, resource_class: str, amount: int) -> bool:
    inventory = provider.inventories[resource_class]
    return inventory.min_unit <= amount <= inventory.max_unit and amount % inventory.step_size == 0
