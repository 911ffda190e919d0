"""The scheduler: chooses hosts for servers, claims them, and names alternates."""

from __future__ import annotations

import random

from cellrig.cells import Cells
from cellrig.context import RequestContext
from cellrig.db import ApiDatabase
from cellrig.model import SchedulingRequest, Selection
from cellrig.placement.client import PlacementClient
from cellrig.runtime import Runtime
from cellrig.scheduler.claims import Claims
from cellrig.scheduler.destination import is_forced
from cellrig.scheduler.hints import Hints
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.in_place import select_in_place
from cellrig.scheduler.members import group_of, hinted_hosts, members_by_host
from cellrig.scheduler.options import SchedulerOptions
from cellrig.scheduler.placing import Nowhere, Placing
from cellrig.scheduler.plugins import load_filters, load_weighers
from cellrig.scheduler.question import Question
from cellrig.scheduler.refusals import Explaining
from cellrig.seams import Seams


class Scheduler:
    """Answers `SchedulerService`; keeps nothing between requests but `Hints`.

    Args:
        placement: reached through seams, as are the databases.
        cells: all cells.
        api: the API database.
        runtime: for the time.
        rng: the rig's.
        options: of the scheduler.
        seams: told of every error that ends here.

    Raises:
        InvalidTopology: the options name filters or weighers that are not installed.
    """

    def __init__(
        self,
        placement: PlacementClient,
        cells: Cells,
        api: ApiDatabase,
        runtime: Runtime,
        rng: random.Random,
        options: SchedulerOptions,
        seams: Seams,
    ) -> None:
        self._placement = placement
        self._cells = cells
        self._api = api
        self._runtime = runtime
        self._rng = rng
        self._options = options
        self._seams = seams
        self._hints = Hints()
        self._filters = load_filters(options)
        self._weighers = load_weighers(options)

    def select_destinations(
        self,
        context: RequestContext,
        request: SchedulingRequest,
    ) -> tuple[tuple[Selection, ...], ...]:
        """Choose and claim a host for each server of the request; see `SchedulerService`."""
        question = self._question(request)
        claims = Claims(self._placement, request.spec, self._seams)
        placing = Placing(
            ask=question.ask,
            asked=self._look_up(request),
            filters=() if is_forced(request.spec) else self._filters,
            weighers=self._weighers,
            rng=self._rng,
            alternates=request.alternates,
            claims=claims,
        )
        try:
            return self._place_all(request, question, placing)
        except Exception:
            claims.give_back()
            raise

    def select_in_place(
        self,
        context: RequestContext,
        request: SchedulingRequest,
        node_uuid: str,
        held: dict[str, dict[str, int]],
    ) -> Selection:
        """Fit a server's new size into where it is; see `SchedulerService`."""
        filters = () if is_forced(request.spec) else self._filters
        return select_in_place(
            self._question(request),
            self._look_up(request),
            filters,
            self._cells,
            self._placement,
            node_uuid,
            held,
        )

    def _question(self, request: SchedulingRequest) -> Question:
        return Question(
            request,
            limit=self._options.max_placement_results,
            placement=self._placement,
            cells=self._cells,
            api=self._api,
            seams=self._seams,
            hints=self._hints,
        )

    def _place_all(
        self, request: SchedulingRequest, question: Question, placing: Placing
    ) -> tuple[tuple[Selection, ...], ...]:
        placed: list[tuple[Selection, ...]] = []
        for instance_uuid in request.instance_uuids:
            try:
                placed.append(placing.place(instance_uuid))
            except Nowhere as nowhere:
                # Told while the claims still stand: they may be what was in the way.
                explaining = Explaining(question, placing, self._cells, self._placement)
                raise explaining.error(len(placed)) from nowhere
        return tuple(placed)

    def _look_up(self, request: SchedulingRequest) -> HostRequest:
        group = group_of(request, self._api, self._seams)
        return HostRequest(
            spec=request.spec,
            options=self._options,
            now=self._runtime.now(),
            group=group,
            group_members=(
                {} if group is None else members_by_host(group, request, self._cells, self._api)
            ),
            hint_hosts=hinted_hosts(request, self._cells, self._api),
        )
