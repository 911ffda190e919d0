"""Rows of many cells as one sorted stream, read in batches that the reader can use.

Each cell sorts its own rows and sends some of them; a heap merges what has come. No cell is asked
for more than its share of what the reader may still want, and a cell that runs out is asked again,
together with the others that soon will. What is in memory is bounded by a page, whatever there is
in the cells.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Generic, TypeVar

from cellrig.cells.scatter import Scatter
from cellrig.db import CellDatabase
from cellrig.db.conditions import Condition
from cellrig.db.ordering import Order, Position, Rank
from cellrig.db.questions import Question
from cellrig.errors import CellUnavailable

T = TypeVar("T")

#: What a cell answers to a question.
Answer = list[tuple[Position, T]]

#: Rows that a reader who names no limit may leave unread, in all cells together.
WALK_UNREAD = 1000
#: A question to a cell costs more than a few rows do.
_LEAST = 20
#: What is asked for first, of a cell's even share: where the cells differ, some is left for those
#: that have more.
_FIRST = 0.75
#: What is asked for later, of what a cell is expected to give.
_SPARE = 1.25


class _Cell(Generic[T]):
    """One cell's part of the stream.

    Attributes:
        unread: what has come and has not been taken, each with its rank.
        last: where the last row that has come stands.
        taken: how many rows have been taken.
        ended: it has no more, or does not answer any more.
    """

    __slots__ = ("ended", "last", "name", "taken", "unread")

    def __init__(self, name: str, after: Position | None) -> None:
        self.name = name
        self.unread: deque[tuple[Rank, T]] = deque()
        self.last = after
        self.taken = 0
        self.ended = False


class Stream(Generic[T]):
    """The rows of many cells, in order. It can be read on after a pause: it holds no transaction.

    Args:
        scatter: asks the cells, all at once.
        cells: which.
        ask: puts a question to one of them.
        conditions, order: which rows, and how they are sorted.
        limit: the most rows that will be read; None for all there are.
        after: begin behind this position.

    Attributes:
        missing: the cells that did not answer. One that is here is not asked again.
    """

    def __init__(
        self,
        scatter: Scatter,
        cells: Mapping[str, CellDatabase],
        ask: Callable[[CellDatabase, Question], Answer[T]],
        conditions: tuple[Condition, ...],
        order: Order,
        limit: int | None = None,
        after: Position | None = None,
    ) -> None:
        self.missing: dict[str, CellUnavailable] = {}
        self._scatter = scatter
        self._databases = cells
        self._ask = ask
        self._conditions = conditions
        self._order = order
        self._rank = order.rank()
        self._limit = limit
        self._taken = 0
        self._cells = [_Cell[T](name, after) for name in cells]
        self._rows = self._merged()

    def __iter__(self) -> Iterator[T]:
        """Return the rows that have not been taken; a second iterator goes on behind the first."""
        return self._rows

    def _merged(self) -> Iterator[T]:
        if self._limit == 0 or not self._cells:
            return
        self._fetch({cell.name: self._first_share() for cell in self._cells})
        last: Rank | None = None
        parts = [self._part(cell) for cell in self._cells]
        for rank, row in heapq.merge(*parts, key=itemgetter(0), reverse=self._order.reverse):
            if rank == last:
                continue  # the record of a move between cells is in both of them
            last = rank
            self._taken += 1
            yield row
            if self._taken == self._limit:
                return

    def _part(self, cell: _Cell[T]) -> Iterator[tuple[Rank, T]]:
        unread = cell.unread
        while True:
            while unread:
                cell.taken += 1
                yield unread.popleft()
            if cell.ended:
                return
            self._fetch(self._next_shares(cell))

    def _fetch(self, shares: Mapping[str, int]) -> None:
        """Ask cells for so many more rows each, all at once."""
        asked = {cell.name: cell for cell in self._cells if cell.name in shares}

        def question(database: CellDatabase) -> Answer[T]:
            name = database.name
            return self._ask(
                database,
                Question(self._conditions, self._order, shares[name], asked[name].last),
            )

        gathered = self._scatter.gather({name: self._databases[name] for name in asked}, question)
        self.missing.update(gathered.missing)
        for name, cell in asked.items():
            rows = gathered.answers.get(name, [])
            cell.ended = len(rows) < shares[name]
            if rows:
                cell.last = rows[-1][0]
                cell.unread.extend((self._rank(position), row) for position, row in rows)

    @property
    def _page(self) -> int:
        """The most rows that may be unread: as many as the reader can want."""
        return WALK_UNREAD if self._limit is None else self._limit

    @property
    def _wanted(self) -> int:
        """How many rows the reader may still take."""
        return WALK_UNREAD if self._limit is None else self._limit - self._taken

    def _first_share(self) -> int:
        if len(self._cells) == 1:
            return self._page
        share = int(self._page / len(self._cells) * _FIRST)
        return min(self._page, max(share, _LEAST))

    def _next_shares(self, empty: _Cell[T]) -> dict[str, int]:
        """Return how many rows to ask of the cell that has run out, and of those that soon will."""
        wanted = self._wanted
        room = self._page - sum(len(cell.unread) for cell in self._cells)
        share = self._expected(empty, wanted)
        shares = {empty.name: max(1, min(wanted, max(_LEAST, min(share, room))))}
        room -= shares[empty.name]
        for cell in self._cells:
            expected = self._expected(cell, wanted)
            lacking = min(expected - len(cell.unread), room)
            is_low = len(cell.unread) * 2 < expected
            if cell is not empty and not cell.ended and is_low and lacking > 0:
                shares[cell.name] = lacking
                room -= lacking
        return shares

    def _expected(self, cell: _Cell[T], wanted: int) -> int:
        """Return how many of the rows that are wanted will be this cell's, going by the past."""
        return int(wanted * cell.taken / max(self._taken, 1) * _SPARE) + 1
