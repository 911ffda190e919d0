"""The hosts that placement offers: allocation candidates joined with what the cells know."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cellrig.cells import Scatter
from cellrig.db import CellDatabase
from cellrig.errors import CellUnavailable
from cellrig.model import ComputeNode, Service
from cellrig.placement.types import AllocationRequest, Candidates, ProviderSummary
from cellrig.scheduler.aggregates import AggregateIndex, zone_of
from cellrig.scheduler.counts import CellCounts
from cellrig.scheduler.host_state import HostState, InstanceCounts


class Offer(msgspec.Struct, frozen=True):
    """One host, and the ways in which placement would serve the request there, best first."""

    state: HostState
    ways: tuple[AllocationRequest, ...]


class Offers(msgspec.Struct, frozen=True):
    """All that is offered.

    Args:
        offers: in the order of placement's answer.
        missing: the cells that did not answer; their hosts drop out.
    """

    offers: tuple[Offer, ...]
    missing: dict[str, CellUnavailable]


#: A node's cell, record and service.
Placed = tuple[str, ComputeNode, Service]


def read_offers(
    candidates: Candidates,
    cells: Mapping[str, CellDatabase],
    scatter: Scatter,
    aggregates: AggregateIndex,
) -> Offers:
    """Return the hosts that `candidates` come from, as far as `cells` know them.

    Args:
        candidates: of placement.
        cells: those whose hosts may be taken, by name.
        scatter: how to ask them.
        aggregates: the host aggregates.
    """
    trees = _trees(candidates.provider_summaries)
    roots = {
        way_root: None
        for way in candidates.allocation_requests
        for way_root in _roots(way, candidates.provider_summaries)
    }
    if not roots:
        return Offers((), {})
    uuids = list(roots)
    gathered = scatter.gather(cells, lambda cell: cell.hosts.nodes(uuids))
    nodes: dict[str, Placed] = {
        node.uuid: (name, node, service)
        for name, answer in gathered.answers.items()
        for node, service in answer
    }
    ways: dict[str, list[AllocationRequest]] = {}
    for way in candidates.allocation_requests:
        for root in _roots(way, candidates.provider_summaries):
            if root in nodes:
                ways.setdefault(root, []).append(way)
                break
    hosts: dict[str, list[str]] = {}
    for root in ways:
        hosts.setdefault(nodes[root][0], []).append(nodes[root][1].host)
    counts = CellCounts(scatter, cells, hosts)
    offers = tuple(
        Offer(
            host_state(nodes[root], _having(trees[root], found[0], candidates), aggregates, counts),
            tuple(found),
        )
        for root, found in ways.items()
    )
    return Offers(offers, gathered.missing)


def host_state(
    placed: Placed,
    summaries: list[ProviderSummary],
    aggregates: AggregateIndex,
    counts: InstanceCounts,
) -> HostState:
    """Return the state of one host.

    Args:
        placed: its cell, node and service.
        summaries: of its tree, the root first, and of what shares with it.
        aggregates: the host aggregates.
        counts: where it asks for its servers' number.
    """
    cell, node, service = placed
    own = aggregates.of_host(node.host)
    total_vcpus, free_vcpus = _sum(summaries, "VCPU")
    total_memory_mb, free_memory_mb = _sum(summaries, "MEMORY_MB")
    total_disk_gb, free_disk_gb = _sum(summaries, "DISK_GB")
    return HostState(
        cell=cell,
        node=node,
        service=service,
        aggregates=own,
        zone=zone_of(own),
        total_vcpus=total_vcpus,
        free_vcpus=free_vcpus,
        total_memory_mb=total_memory_mb,
        free_memory_mb=free_memory_mb,
        total_disk_gb=total_disk_gb,
        free_disk_gb=free_disk_gb,
        traits=summaries[0].traits,
        counts=counts,
    )


def consumed(state: HostState, way: AllocationRequest) -> HostState:
    """Return the state of a host that has given what `way` takes to one more server."""
    taken = dict.fromkeys(("VCPU", "MEMORY_MB", "DISK_GB"), 0)
    for resources in way.allocations.values():
        for resource_class, amount in resources.items():
            if resource_class in taken:
                taken[resource_class] += amount
    return msgspec.structs.replace(
        state,
        free_vcpus=state.free_vcpus - taken["VCPU"],
        free_memory_mb=state.free_memory_mb - taken["MEMORY_MB"],
        free_disk_gb=state.free_disk_gb - taken["DISK_GB"],
        added=state.added + 1,
    )


def _trees(summaries: Mapping[str, ProviderSummary]) -> dict[str, list[ProviderSummary]]:
    """Return the summaries of each tree by its root's uuid, the root first."""
    trees: dict[str, list[ProviderSummary]] = {}
    for uuid, summary in summaries.items():
        tree = trees.setdefault(summary.root_uuid, [])
        if uuid == summary.root_uuid:
            tree.insert(0, summary)
        else:
            tree.append(summary)
    return trees


def _roots(way: AllocationRequest, summaries: Mapping[str, ProviderSummary]) -> list[str]:
    """Return the roots of the trees that `way` takes from: the host's, and those that share."""
    return [summaries[provider].root_uuid for provider in way.allocations]


def _having(
    tree: list[ProviderSummary], way: AllocationRequest, candidates: Candidates
) -> list[ProviderSummary]:
    """Return `tree` with the providers outside it that `way` takes from."""
    if len(way.allocations) == 1:
        return tree
    root = tree[0].root_uuid
    used = (candidates.provider_summaries[provider] for provider in way.allocations)
    return tree + [summary for summary in used if summary.root_uuid != root]


def _sum(summaries: list[ProviderSummary], resource_class: str) -> tuple[int, int]:
    total = free = 0
    for summary in summaries:
        resource = summary.resources.get(resource_class)
        if resource is not None:
            total += resource.capacity
            free += resource.capacity - resource.used
    return total, free
