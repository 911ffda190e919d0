"""Listing servers over all cells: pages, and walks through all pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Generic, TypeVar

import msgspec

from cellrig.cells import Stream
from cellrig.compute.api.address_filters import with_addresses
from cellrig.compute.api.policy import may_see
from cellrig.compute.api.record_lists import check_limit
from cellrig.compute.api.server_filters import ServerFilters, order_of
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.db.conditions import Condition
from cellrig.db.ordering import Order, Position
from cellrig.db.questions import Batch, Question
from cellrig.errors import CellUnavailable, MarkerNotFound, NotFound
from cellrig.model import (
    BriefServer,
    BuildRequest,
    MissingCells,
    Server,
    ServerList,
    UnknownServer,
    server_of,
)

S = TypeVar("S", Server, BriefServer)


class ServerQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Args:
        filters: which servers.
        sort_keys, sort_dirs: see `order_of`.
        limit: the most to return; None for all.
        marker: the id of the last server of the page before.
        missing_cells: what to do about cells that do not answer.
    """

    filters: ServerFilters = ServerFilters()
    sort_keys: tuple[str, ...] = ()
    sort_dirs: tuple[str, ...] = ()
    limit: int | None = None
    marker: str | None = None
    missing_cells: MissingCells = MissingCells.SKIP


class _Form(msgspec.Struct, Generic[S], frozen=True):
    """In what form servers are listed.

    Args:
        ask: asks a cell for servers in this form.
        of_request: makes it of a server that is in no cell yet.
    """

    ask: Callable[[CellDatabase, Question], Batch[S]]
    of_request: Callable[[BuildRequest], S]


_DETAILED = _Form[Server](
    lambda cell, question: cell.listing.servers(question),
    lambda request: server_of(request.instance, None, request.tags),
)
_BRIEF = _Form[BriefServer](
    lambda cell, question: cell.listing.brief_servers(question),
    lambda request: BriefServer(request.instance.uuid, request.instance.name),
)


class _Marker(msgspec.Struct, frozen=True):
    """Where a page begins: behind this position, among build requests or in the cells."""

    position: Position
    among_requests: bool


class ServerWalk(Generic[S]):
    """Servers of all cells in order, to be read on in one request after another.

    What is in no cell yet comes first, whatever the order. A server that has come from there is not
    shown again, though it is in a cell meanwhile.

    Args:
        requests: servers in no cell yet.
        stream: those of the cells.
        fails: raise what is wrong with a cell that does not answer.
        changing_cells: a server may be read in the cell that it leaves and in the one it goes to.
    """

    def __init__(
        self, requests: Sequence[S], stream: Stream[S], fails: bool, changing_cells: bool = False
    ) -> None:
        self._shown = {server.id for server in requests}
        self._changing_cells = changing_cells
        self._stream: Stream[S] = stream
        self._servers: Iterator[S] = chain(requests, self._of_cells())
        self._fails = fails

    @property
    def missing(self) -> dict[str, CellUnavailable]:
        """The cells that have not answered so far, each with why; none of them is asked again."""
        return self._stream.missing

    def take(self, count: int | None) -> list[S]:
        """Return the next `count` servers, or all that are left.

        Raises:
            CellUnavailable: a cell does not answer, and the caller will not have the rest alone.
        """
        taken = list(islice(self._servers, count))
        if self._fails and self.missing:
            raise next(iter(self.missing.values()))
        return taken

    def _of_cells(self) -> Iterator[S]:
        if self._changing_cells:
            return self._once()
        if not self._shown:
            return iter(self._stream)
        return (server for server in self._stream if server.id not in self._shown)

    def _once(self) -> Iterator[S]:
        for server in self._stream:
            if server.id not in self._shown:
                self._shown.add(server.id)
                yield server


class ServerLists:
    """Lists of servers.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def detailed(self, context: RequestContext, query: ServerQuery) -> ServerList[Server]:
        """Return a page of servers with all that there is of them; see `brief` for what it raises.

        Each cell takes two statements at most a batch, however many servers there are.
        """
        return self._page(context, query, _DETAILED)

    def brief(self, context: RequestContext, query: ServerQuery) -> ServerList[BriefServer]:
        """Return a page of servers with their ids and names only.

        Raises:
            Invalid: a filter, sort key, direction or limit that there is not.
            MarkerNotFound: there is no server like the marker.
            Forbidden: a filter is for administrators only.
            CellUnavailable: the marker's cell does not answer; or any cell, where that is asked.
        """
        return self._page(context, query, _BRIEF)

    def walk(self, context: RequestContext, query: ServerQuery) -> ServerWalk[Server]:
        """Return a walk through all servers, from the marker on; raises as `brief`."""
        return self._walk(context, query, _DETAILED)

    def _page(self, context: RequestContext, query: ServerQuery, form: _Form[S]) -> ServerList[S]:
        walk = self._walk(context, query, form)
        servers = walk.take(query.limit)
        unknown: tuple[UnknownServer, ...] = ()
        if walk.missing and query.missing_cells == MissingCells.RECORDS:
            filters = with_addresses(context, self._around, query.filters.seen_by(context))
            unknown = self._unknown(filters, walk.missing, servers, query.limit)
        return ServerList(tuple(servers), walk.missing, unknown)

    def _walk(self, context: RequestContext, query: ServerQuery, form: _Form[S]) -> ServerWalk[S]:
        check_limit(query.limit)
        filters = with_addresses(context, self._around, query.filters.seen_by(context))
        order = order_of(query.sort_keys, query.sort_dirs)
        conditions = filters.conditions()
        marker = None if query.marker is None else self._marker(context, query.marker, order)
        requests: list[S] = []
        if marker is None or marker.among_requests:
            found = self._requests(filters, conditions, order, marker)
            requests = [form.of_request(request) for request in found[: query.limit]]
        full = query.limit is not None and len(requests) == query.limit
        return ServerWalk(
            requests,
            Stream(
                self._around.cells.scatter,
                {} if full else self._cells(filters),
                form.ask,
                conditions,
                order,
                # As if there were no requests: each of them may turn up in a cell meanwhile.
                query.limit,
                None if marker is None or marker.among_requests else marker.position,
            ),
            query.missing_cells == MissingCells.FAIL,
            self._around.cross_cell_moves,
        )

    def _requests(
        self,
        filters: ServerFilters,
        conditions: tuple[Condition, ...],
        order: Order,
        marker: _Marker | None,
    ) -> list[BuildRequest]:
        """Return the build requests that are listed, in order."""
        rank = order.rank()
        ranked = []
        for request in self._around.api.requests.build_all(filters.project):
            record = {**msgspec.structs.asdict(request.instance), "tags": request.tags}
            if all(condition.holds(record) for condition in conditions):
                ranked.append((rank(order.position_of(request.instance)), request))
        ranked.sort(key=lambda pair: pair[0], reverse=order.reverse)
        if marker is None:
            return [request for _rank, request in ranked]
        last = rank(marker.position)
        return [
            request for each, request in ranked if (each < last if order.reverse else last < each)
        ]

    def _cells(self, filters: ServerFilters) -> dict[str, CellDatabase]:
        """Return the cells that can have such servers, as far as the mappings know."""
        cells = self._around.cells
        if filters.ids is not None:
            ids = (filters.ids,) if isinstance(filters.ids, str) else filters.ids
            return cells.of_instances(ids)
        if filters.host is not None:
            try:
                cell = cells.of_host(filters.host)
            except NotFound as error:
                self._around.seams.handled(error, "deleted servers may name a host that has gone")
            else:
                return {cell.name: cell}
        if filters.project is not None:
            return cells.of_project(filters.project)
        return dict(cells.databases)

    def _marker(self, context: RequestContext, marker: str, order: Order) -> _Marker:
        """Find the last server of the page before: anybody's in a cell, deleted or not.

        Source: Nova's own lister, which looks among the caller's build requests, then follows the
        mapping with an administrator's rights.
        """
        around = self._around
        try:
            request = around.api.requests.build_get(marker)
        except NotFound as error:
            around.seams.handled(error, "the marker is looked for in the cells")
        else:
            if not may_see(context, request.instance.project_id):
                raise MarkerNotFound(marker)
            return _Marker(order.position_of(request.instance), among_requests=True)
        cells = around.cells.of_instances((marker,))
        gathered = around.cells.scatter.gather(
            cells, lambda cell: cell.listing.server_position(marker, order)
        )
        for missing in gathered.missing.values():
            raise missing
        for position in gathered.answers.values():
            if position is not None:
                return _Marker(position, among_requests=False)
        raise MarkerNotFound(marker)

    def _unknown(
        self,
        filters: ServerFilters,
        missing: dict[str, CellUnavailable],
        shown: Sequence[S],
        limit: int | None,
    ) -> tuple[UnknownServer, ...]:
        """Return what the mappings tell of servers of missing cells, as far as there is room.

        Where a filter looks at what only a cell knows, there is nothing to tell.
        """
        conditions = filters.of_mappings()
        if conditions is None:
            return ()
        known = {server.id for server in shown}
        found: list[UnknownServer] = []
        for cell in sorted(missing):
            room = None if limit is None else limit - len(shown) - len(found)
            mappings = self._around.api.mappings.instances_of_cell(
                cell, conditions, None if room is None else room + len(known)
            )
            unknown = [
                UnknownServer(
                    each.instance_uuid, each.project_id, each.user_id, cell, each.created_at
                )
                for each in mappings
                if each.instance_uuid not in known
            ]
            found += unknown[:room]
        return tuple(found)
