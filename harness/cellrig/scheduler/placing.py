"""Placing the servers of one request, one after another: filters, weighers, claims, alternates."""

from __future__ import annotations

import random
from collections.abc import Callable

from msgspec.structs import replace

from cellrig.model import Selection
from cellrig.placement.types import AllocationRequest
from cellrig.scheduler.claims import Claims
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.offers import Offer, consumed
from cellrig.scheduler.plugins import Filters, Weighers
from cellrig.scheduler.question import Answer
from cellrig.scheduler.weighing import best_first


class Nowhere(Exception):
    """A server fits on no host that is offered. What refused it is in `Placing.refusals`."""


class Placing:
    """The servers of one request on their way to hosts.

    Each server that finds one changes what the next one sees: free amounts, numbers of servers,
    the hosts of their group.

    Args:
        ask: fetches what is offered; called again when claims have used up a limited answer.
        asked: what each of the servers asks of its host.
        filters: empty where an administrator has forced the host.
        weighers: in any order.
        rng: the rig's; drawn from only where there is a choice.
        alternates: how many to add to each selection.
        claims: of the request.

    Attributes:
        asked, filters: as given; `asked` with the servers placed so far.
        answer: what is offered.
        refusals: host to what refused it.
    """

    def __init__(
        self,
        *,
        ask: Callable[[], Answer],
        asked: HostRequest,
        filters: Filters,
        weighers: Weighers,
        rng: random.Random,
        alternates: int,
        claims: Claims,
    ) -> None:
        self._ask = ask
        self.asked = asked
        self.filters = filters
        self._weighers = weighers
        self._rng = rng
        self._alternates = alternates
        self._claims = claims
        self._added: dict[str, int] = {}
        self._claims_seen = 0
        self.refusals: dict[str, str] = {}
        self._take_in(ask())

    def place(self, instance_uuid: str) -> tuple[Selection, ...]:
        """Claim a host for one server, and return its selection with the alternates.

        Raises:
            Nowhere: no host takes it.
        """
        while True:
            ranked = best_first(self._fitting(), self.asked, self._weighers)
            while ranked:
                chosen = self._pick(ranked)
                way = self._claims.claim(instance_uuid, chosen, self.answer.room)
                if isinstance(way, str):
                    self.refusals[chosen.state.host] = way
                    ranked.remove(chosen)
                    continue
                self._consume(chosen, way)
                return (_selection(chosen, way), *self._alternates_of(chosen, ranked))
            if not self.answer.limited or self._claims.count == self._claims_seen:
                raise Nowhere
            self._take_in(self._ask())

    def _take_in(self, answer: Answer) -> None:
        self.answer = answer
        self._claims_seen = self._claims.count
        self._offers = {offer.state.node.uuid: self._with_added(offer) for offer in answer.offers}

    def _with_added(self, offer: Offer) -> Offer:
        added = self._added.get(offer.state.host)
        return Offer(replace(offer.state, added=added), offer.ways) if added else offer

    def _fitting(self) -> list[Offer]:
        filters = [(name, each) for name, each in self.filters if each.applies(self.asked)]
        self.refusals = {}
        fitting = []
        for offer in self._offers.values():
            for name, each in filters:
                refusal = each.refusal(offer.state, self.asked)
                if refusal is not None:
                    self.refusals[offer.state.host] = f"filter {name}: {refusal}"
                    break
            else:
                fitting.append(offer)
        return fitting

    def _pick(self, ranked: list[Offer]) -> Offer:
        """Draw among the best; which of them is of no interest to anybody but the load."""
        subset = min(self.subset_size, len(ranked))
        return ranked[0] if subset == 1 else ranked[self._rng.randrange(subset)]

    @property
    def subset_size(self) -> int:
        """Among how many of the best hosts to choose."""
        return max(1, self.asked.options.host_subset_size)

    def _consume(self, chosen: Offer, way: AllocationRequest) -> None:
        self.answer.room.take(way.allocations)
        host = chosen.state.host
        self._added[host] = self._added.get(host, 0) + 1
        self._offers[chosen.state.node.uuid] = Offer(consumed(chosen.state, way), chosen.ways)
        if self.asked.group is not None:
            members = {**self.asked.group_members, host: self.asked.members_on(host) + 1}
            self.asked = replace(self.asked, group_members=members)

    def _alternates_of(self, chosen: Offer, ranked: list[Offer]) -> list[Selection]:
        """Walk on down the list, in the same cell, one for each further host, unclaimed."""
        hosts = {chosen.state.host}
        alternates: list[Selection] = []
        for offer in ranked:
            if len(alternates) == self._alternates:
                break
            if offer.state.cell != chosen.state.cell or offer.state.host in hosts:
                continue
            way = next(filter(self.answer.room.has, offer.ways), None)
            if way is not None:
                hosts.add(offer.state.host)
                alternates.append(_selection(offer, way))
        return alternates


def _selection(offer: Offer, way: AllocationRequest) -> Selection:
    state = offer.state
    return Selection(
        host=state.host,
        node=state.node.hypervisor_hostname,
        node_uuid=state.node.uuid,
        cell=state.cell,
        allocations=way.allocations,
        mappings=way.mappings,
        availability_zone=state.zone,
    )
