"""Saying why nobody fits: for each host the filter, resource or trait that refused it.

All of it is worked out when a request has failed, and from what the cells and placement say then;
a request that succeeds pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from cellrig.cells import Cells
from cellrig.db import CellDatabase
from cellrig.errors import CellUnavailable, NoValidHost
from cellrig.model import ComputeNode, Service
from cellrig.placement.client import PlacementClient
from cellrig.placement.types import ProviderRecord, ProviderSummary, ResourceSummary
from cellrig.scheduler.counts import CellCounts
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState
from cellrig.scheduler.offers import Placed, host_state
from cellrig.scheduler.placing import Placing
from cellrig.scheduler.plugins import Filters
from cellrig.scheduler.question import Question
from cellrig.scheduler.shortfall import shortfall

#: So many hosts are told of at most.
MOST = 100


class Explaining:
    """Finds out why a request has failed.

    Args:
        question, placing: of the request.
        cells, placement: of the scheduler.
    """

    def __init__(
        self, question: Question, placing: Placing, cells: Cells, placement: PlacementClient
    ) -> None:
        self._question = question
        self._placing = placing
        self._cells = cells
        self._placement = placement
        self._missing: dict[str, CellUnavailable] = dict(placing.answer.missing)

    def error(self, placed: int) -> NoValidHost:
        """Return the error that tells.

        Args:
            placed: servers of the request that had found a host.
        """
        told = self._placing.refusals
        refusals = {host: told[host] for host in sorted(told)[:MOST]}
        others = self._hosts_not_offered()
        room = MOST - len(refusals)
        for placement_of in self._nodes(others[:room]):
            refusals.setdefault(placement_of[1].host, self._why(placement_of))
        hosts = len(told) + len(others)
        for cell, missing in self._missing.items():
            refusals[f"cell {cell}"] = str(missing)
        return NoValidHost(self._reason(placed, hosts, min(hosts, MOST)), refusals)

    def _reason(self, placed: int, hosts: int, listed: int) -> str:
        servers = len(self._question.request.instance_uuids)
        if servers > 1:
            reason = f"{servers} servers were asked for, and only {placed} of them fit"
        elif hosts == 0:
            reason = "there is no host"
        else:
            reason = (
                f"none of {hosts} hosts can take the server"
                if hosts > 1
                else ("the only host cannot take the server")
            )
        if self._missing:
            reason += f", and without an answer from {', '.join(sorted(self._missing))}"
        if hosts > listed:
            reason += f" ({hosts - listed} more hosts are not listed)"
        return reason

    # -- hosts that placement has not offered --------------------------------------------------

    def _hosts_not_offered(self) -> list[tuple[str, str]]:
        """Return cell and node uuid of each of them."""
        gathered = self._cells.scatter.gather(self._asked_cells(), _node_uuids)
        self._missing.update(gathered.missing)
        offered = {offer.state.node.uuid for offer in self._placing.answer.offers}
        wanted = self._question.destination
        return [
            (cell, uuid)
            for cell in sorted(gathered.answers)
            for uuid in gathered.answers[cell]
            if uuid not in offered and (wanted is None or uuid in wanted)
        ]

    def _asked_cells(self) -> Mapping[str, CellDatabase]:
        if self._question.request.only_cell is not None:
            return self._question.cells
        return self._cells.with_hosts()

    def _nodes(self, which: Sequence[tuple[str, str]]) -> list[Placed]:
        by_cell: dict[str, list[str]] = {}
        for cell, uuid in which:
            by_cell.setdefault(cell, []).append(uuid)
        cells = {name: self._cells.databases[name] for name in by_cell}

        def nodes(cell: CellDatabase) -> list[tuple[ComputeNode, Service]]:
            return cell.hosts.nodes(by_cell[cell.name])

        gathered = self._cells.scatter.gather(cells, nodes)
        self._missing.update(gathered.missing)
        return [
            (cell, node, service)
            for cell, answer in gathered.answers.items()
            for node, service in answer
        ]

    def _why(self, placed: Placed) -> str:
        cell, node, _service = placed
        if cell not in self._question.cells:
            return f"its cell {cell} is disabled"
        if node.host in self._question.request.ignore_hosts:
            return "the request leaves it out"
        tree = self._placement.get_provider_tree(node.uuid)
        if not tree:
            return "placement does not know it"
        return self._filtered(placed, tree) or self._refused_by_placement(tree)

    def _filtered(self, placed: Placed, tree: Sequence[ProviderRecord]) -> str | None:
        state = state_of(self._question, self._cells, placed, tree)
        return refused_by_filter(self._placing.filters, state, self._placing.asked)

    def _refused_by_placement(self, tree: Sequence[ProviderRecord]) -> str:
        query = self._question.query
        lacking = shortfall(query, tree)
        if lacking is not None:
            return lacking
        here = tuple(replace(group, in_tree=tree[0].uuid) for group in query.groups)
        now = self._placement.get_allocation_candidates(replace(query, groups=here, limit=1))
        if not now.allocation_requests:
            return "its providers cannot serve all groups of the request together"
        if self._placing.answer.limited:
            return f"it is not among the first {query.limit} candidates (max_placement_results)"
        return "it had no room when the request was placed; it has some now"


def _node_uuids(cell: CellDatabase) -> list[str]:
    return sorted(cell.hosts.node_uuids())


def state_of(
    question: Question, cells: Cells, placed: Placed, tree: Sequence[ProviderRecord]
) -> HostState:
    """Return the state of a host that placement has not offered, or not for this request.

    Args:
        question: of the request.
        cells: all of them.
        placed: the host's cell, node and service.
        tree: its providers, the root first.
    """
    cell, node, _service = placed
    counts = CellCounts(cells.scatter, question.cells, {cell: [node.host]}, None, question.hints)
    own = question.aggregates.of_hosts([node.host]).get(node.host, ())
    return host_state(placed, _summaries(tree), own, counts)


def refused_by_filter(filters: Filters, state: HostState, asked: HostRequest) -> str | None:
    """Return the first filter that refuses a host, and why; None where none does."""
    for name, each in filters:
        refusal = each.refusal(state, asked) if each.applies(asked) else None
        if refusal is not None:
            return f"filter {name}: {refusal}"
    return None


def _summaries(tree: Sequence[ProviderRecord]) -> list[ProviderSummary]:
    return [
        ProviderSummary(
            resources={
                name: ResourceSummary(inventory.capacity, record.usages.get(name, 0))
                for name, inventory in record.inventories.items()
            },
            traits=record.traits,
            parent_uuid=record.parent_uuid,
            root_uuid=record.root_uuid,
        )
        for record in tree
    ]
