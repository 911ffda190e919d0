"""The hosts that placement offers: allocation candidates joined with what the cells know."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cellrig.cells import Gathered, Scatter
from cellrig.db import CellDatabase
from cellrig.errors import CellUnavailable
from cellrig.model import Aggregate, ComputeNode, Service
from cellrig.placement.types import AllocationRequest, Candidates, ProviderSummary
from cellrig.scheduler.aggregates import AggregateIndex, zone_of
from cellrig.scheduler.counts import CellCounts
from cellrig.scheduler.hints import Hints
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

#: What a cell answers: nodes with services, and busy servers by host if they are wanted at once.
_Answer = tuple[list[tuple[ComputeNode, Service]], dict[str, int]]


def read_offers(
    candidates: Candidates,
    cells: Mapping[str, CellDatabase],
    scatter: Scatter,
    aggregates: AggregateIndex,
    hints: Hints,
) -> Offers:
    """Return the hosts that `candidates` come from, as far as `cells` know them.

    Args:
        candidates: of placement.
        cells: those whose hosts may be taken, by name.
        scatter: how to ask them.
        aggregates: the host aggregates.
        hints: of earlier requests.
    """
    trees = _trees(candidates.provider_summaries)
    gathered = _read_nodes(list(trees), cells, scatter, hints)
    nodes: dict[str, Placed] = {}
    hosts: dict[str, list[str]] = {}
    busy: dict[str, int] = {}
    for name, (found, busy_there) in gathered.answers.items():
        hosts[name] = [node.host for node, _service in found]
        busy.update(busy_there)
        for node, service in found:
            nodes[node.uuid] = (name, node, service)
    grouped = aggregates.of_hosts([node.host for _cell, node, _service in nodes.values()])
    counts = CellCounts(scatter, cells, hosts, busy if hints.counts_busy else None, hints)
    ways: dict[str, list[AllocationRequest]] = {}
    for way in candidates.allocation_requests:
        for provider in way.allocations:
            root = candidates.provider_summaries[provider].root_uuid
            if root in nodes:
                ways.setdefault(root, []).append(way)
                break
    offers = []
    for root, found_ways in ways.items():
        summaries = _having(trees[root], found_ways[0], candidates)
        own = grouped.get(nodes[root][1].host, ())
        state = host_state(nodes[root], summaries, own, counts)
        offers.append(Offer(state, tuple(found_ways)))
    return Offers(tuple(offers), gathered.missing)


def host_state(
    placed: Placed,
    summaries: list[ProviderSummary],
    aggregates: tuple[Aggregate, ...],
    counts: InstanceCounts,
) -> HostState:
    """Return the state of one host.

    Args:
        placed: its cell, node and service.
        summaries: of its tree, the root first, and of what shares with it.
        aggregates: those that it is in, the oldest first.
        counts: where it asks for its servers' number.
    """
    cell, node, service = placed
    totals, free = _sums(summaries)
    return HostState(
        cell=cell,
        node=node,
        service=service,
        aggregates=aggregates,
        zone=zone_of(aggregates),
        total_vcpus=totals[0],
        free_vcpus=free[0],
        total_memory_mb=totals[1],
        free_memory_mb=free[1],
        total_disk_gb=totals[2],
        free_disk_gb=free[2],
        traits=summaries[0].traits,
        counts=counts,
    )


def consumed(state: HostState, way: AllocationRequest) -> HostState:
    """Return the state of a host that has given what `way` takes to one more server."""
    taken = dict.fromkeys(_SUMMED, 0)
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


_SUMMED = ("VCPU", "MEMORY_MB", "DISK_GB")


def _read_nodes(
    roots: list[str], cells: Mapping[str, CellDatabase], scatter: Scatter, hints: Hints
) -> Gathered[_Answer]:
    asked = hints.by_cell(roots, cells)

    def read(cell: CellDatabase) -> _Answer:
        found = cell.hosts.nodes(asked[cell.name])
        if not (hints.counts_busy and found):
            return found, {}
        return found, cell.instances.count_by_host([node.host for node, _s in found], busy=True)

    gathered = scatter.gather({name: cells[name] for name in asked}, read)
    found = {name: {node.uuid for node, _s in each[0]} for name, each in gathered.answers.items()}
    if hints.learn(asked, found):
        # A hint was wrong; now that it is forgotten, the same roots are asked for everywhere.
        return _read_nodes(roots, cells, scatter, hints)
    return gathered


def _trees(summaries: Mapping[str, ProviderSummary]) -> dict[str, list[ProviderSummary]]:
    """Return the summaries of each tree by its root's uuid, the root first."""
    trees: dict[str, list[ProviderSummary]] = {}
    for uuid, summary in summaries.items():
        if uuid != summary.root_uuid:
            trees.setdefault(summary.root_uuid, []).append(summary)
        elif uuid in trees:
            trees[uuid].insert(0, summary)
        else:
            trees[uuid] = [summary]
    return trees


def _having(
    tree: list[ProviderSummary], way: AllocationRequest, candidates: Candidates
) -> list[ProviderSummary]:
    """Return `tree` with the providers outside it that `way` takes from."""
    if len(way.allocations) == 1:
        return tree
    root = tree[0].root_uuid
    used = (candidates.provider_summaries[provider] for provider in way.allocations)
    return tree + [summary for summary in used if summary.root_uuid != root]


def _sums(summaries: list[ProviderSummary]) -> tuple[list[int], list[int]]:
    """Return capacity and what is left of it, each for the classes in `_SUMMED`."""
    totals, free = [0, 0, 0], [0, 0, 0]
    for summary in summaries:
        resources = summary.resources
        for place, resource_class in enumerate(_SUMMED):
            resource = resources.get(resource_class)
            if resource is not None:
                totals[place] += resource.capacity
                free[place] += resource.capacity - resource.used
    return totals, free
