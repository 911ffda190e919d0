"""The question of one request to placement and to the cells, which may be asked again."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from cellrig.cells import Cells
from cellrig.db import ApiDatabase, CellDatabase
from cellrig.errors import CellUnavailable, Invalid, NoValidHost
from cellrig.flavors.resource_request import candidate_query
from cellrig.model import SchedulingRequest
from cellrig.placement.client import PlacementClient
from cellrig.placement.types import AllocationRequest, CandidateQuery, Candidates, ProviderSummary
from cellrig.scheduler.aggregates import AggregateIndex
from cellrig.scheduler.destination import destination_roots
from cellrig.scheduler.hints import Hints
from cellrig.scheduler.offers import Offer, read_offers
from cellrig.scheduler.request_filters import Asked, apply_request_filters
from cellrig.scheduler.room import Room
from cellrig.seams import Seams


class Answer(msgspec.Struct, frozen=True):
    """What is offered for a request.

    Args:
        offers: in placement's order.
        room: what the providers have left.
        missing: the cells that did not answer; their hosts are not offered.
        limited: whether placement may have had more to offer.
    """

    offers: tuple[Offer, ...]
    room: Room
    missing: dict[str, CellUnavailable]
    limited: bool


class Question:
    """What one request asks for.

    Args:
        request: of the conductor.
        limit: how many candidates to ask for at most.
        placement, cells, api, seams, hints: of the scheduler.

    Raises:
        NoValidHost: no host can ever do.

    Attributes:
        request: of the conductor.
        query: for placement.
        cells: those whose hosts may be taken, by name.
        destination: the root providers of the only hosts to be taken; None: any.
        aggregates: the host aggregates.
    """

    def __init__(
        self,
        request: SchedulingRequest,
        *,
        limit: int,
        placement: PlacementClient,
        cells: Cells,
        api: ApiDatabase,
        seams: Seams,
        hints: Hints,
    ) -> None:
        self.request = request
        self._placement = placement
        self._scatter = cells.scatter
        self._seams = seams
        self.hints = hints
        self.aggregates = AggregateIndex(api)
        self.cells = _cells_for(request, cells)
        self.destination = destination_roots(request.spec, cells, placement, seams)
        # Placement knows no cells: within one of them the limit would fill with hosts of others.
        self.query = self._build(None if request.only_cell is not None else limit)

    def ask(self) -> Answer:
        """Return what placement and the cells offer now."""
        candidates = self._candidates()
        read = read_offers(candidates, self.cells, self._scatter, self.aggregates, self.hints)
        offers = tuple(filter(self._is_wanted, read.offers))
        limit = self.query.limit
        limited = limit is not None and len(candidates.allocation_requests) >= limit
        return Answer(offers, Room(candidates.provider_summaries), read.missing, limited)

    def _is_wanted(self, offer: Offer) -> bool:
        return offer.state.host not in self.request.ignore_hosts and (
            self.destination is None or offer.state.node.uuid in self.destination
        )

    def _build(self, limit: int | None) -> CandidateQuery:
        spec = self.request.spec
        try:
            asked = Asked(spec, self.aggregates, self.request.multiattach)
            return apply_request_filters(candidate_query(spec.hosted_flavor, limit), asked)
        except Invalid as error:
            self._seams.handled(error, "the request is refused")
            raise NoValidHost(str(error)) from error

    def _candidates(self) -> Candidates:
        if self.destination is None:
            return self._get(self.query)
        answers = [self._get(_in_tree(self.query, root)) for root in self.destination]
        if not any(answer.allocation_requests for answer in answers):
            # What a host gets from a provider that shares with it is not in its own tree.
            return self._get(replace(self.query, limit=None))
        ways: list[AllocationRequest] = []
        summaries: dict[str, ProviderSummary] = {}
        for answer in answers:
            ways += answer.allocation_requests
            summaries.update(answer.provider_summaries)
        return Candidates(tuple(ways), summaries)

    def _get(self, query: CandidateQuery) -> Candidates:
        try:
            return self._placement.get_allocation_candidates(query)
        except Invalid as error:
            self._seams.handled(error, "the request is refused")
            raise NoValidHost(f"placement refuses the request: {error}") from error


def _cells_for(request: SchedulingRequest, cells: Cells) -> Mapping[str, CellDatabase]:
    only = request.only_cell
    if only is None:
        return cells.enabled()
    if only not in cells.with_hosts():
        raise NoValidHost(f"the cell {only!r}, asked for by name, does not exist")
    return {only: cells.databases[only]}


def _in_tree(query: CandidateQuery, root: str) -> CandidateQuery:
    groups = tuple(
        replace(group, in_tree=root) if group.in_tree is None else group for group in query.groups
    )
    return replace(query, groups=groups)
