"""Rows of many cells as one sorted stream, read in batches that the reader can use.

Each cell sorts its own rows and sends some of them. Of what has come, all that no row can come
before any more is merged and handed on at once. No cell is asked for more than its share of what
the reader may still want, and a cell that runs out is asked again, together with the others that
soon will. What is in memory is bounded by a page, whatever there is in the cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from math import ceil, sqrt
from operator import eq, itemgetter
from typing import Generic, TypeVar

from cellrig.cells.scatter import Scatter
from cellrig.db import CellDatabase
from cellrig.db.conditions import Condition
from cellrig.db.ordering import Order, Position, Rank
from cellrig.db.questions import Batch, Question
from cellrig.errors import CellUnavailable
from cellrig.model import CELL0

T = TypeVar("T")

#: Rows that a reader who names no limit may leave unread, in all cells together.
WALK_UNREAD = 1000
#: A question to a cell costs more than a few rows do.
_LEAST = 20
#: What is asked for later, of what a cell is expected to give.
_SPARE = 1.25
#: Rows are asked for by steps of so many, since a server plans a question anew for each limit.
_STEP = 8
_FIRST = itemgetter(0)


class _Cell(Generic[T]):
    """One cell's part of the stream.

    Args:
        name: its name.
        after: where it begins.
        rank: returns the rank of a position.

    Attributes:
        rows: what has come and has not been handed on.
        last: where the last row that has come stands.
        taken: how many rows have been handed on.
        ended: it has no more, or does not answer any more.
    """

    __slots__ = ("_rank", "_ranks", "_unranked", "ended", "last", "name", "rows", "taken")

    def __init__(
        self,
        name: str,
        after: Position | None,
        rank: Callable[[Position], Rank],
    ) -> None:
        self.name = name
        self.rows: list[T] = []
        self.last = after
        self.taken = 0
        self.ended = False
        self._rank = rank
        self._ranks: list[Rank] = []
        self._unranked: Sequence[Position] = ()

    def add(self, batch: Batch[T]) -> None:
        """Take what has come."""
        if not batch.rows:
            return
        self.last = batch.positions[-1]
        if self.rows:
            self.ranks.extend(map(self._rank, batch.positions))
            self.rows += batch.rows
        else:
            self._unranked = batch.positions[:]
            self.rows = batch.rows[:]
        batch.positions.clear()  # the task that has brought it may be kept for a while
        batch.rows.clear()

    @property
    def density(self) -> int:
        """How often the reader meets its rows, to be compared with other cells'; never 0."""
        return self.taken + 1

    @property
    def ranks(self) -> list[Rank]:
        """The rank of each of the rows; not found out before it is asked for."""
        if self._unranked:
            self._ranks = list(map(self._rank, self._unranked))
            self._unranked = ()
        return self._ranks

    def take(self, count: int) -> tuple[list[Rank], list[T]]:
        """Hand on some rows, with their ranks."""
        self.taken += count
        ranks, rows = self.ranks, self.rows
        if count == len(rows):
            self._ranks, self.rows = [], []
            return ranks, rows
        taken = ranks[:count], rows[:count]
        del ranks[:count], rows[:count]
        return taken

    def take_all(self) -> list[T]:
        """Hand on all rows, whose ranks nobody needs."""
        rows = self.rows
        self.taken += len(rows)
        self.rows, self._unranked, self._ranks = [], (), []
        return rows


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
        ask: Callable[[CellDatabase, Question], Batch[T]],
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
        self._reverse = order.reverse
        self._limit = limit
        self._taken = 0
        rank = order.rank()
        self._cells: list[_Cell[T]] = [_Cell(name, after, rank) for name in cells]
        self._rows: Iterator[T] = chain.from_iterable(self._portions())

    def __iter__(self) -> Iterator[T]:
        """Return the rows that have not been taken; a second iterator goes on behind the first."""
        return self._rows

    def _portions(self) -> Iterator[list[T]]:
        if self._limit == 0 or not self._cells:
            return
        self._fetch(dict.fromkeys(self._databases, self._first_share()))
        while True:
            rows = self._certain()
            if self._limit is not None:
                del rows[self._limit - self._taken :]
            self._taken += len(rows)
            yield rows
            if self._taken == self._limit or all(c.ended or c.rows for c in self._cells):
                return
            self._fetch(self._next_shares())

    def _certain(self) -> list[T]:
        """Take, in order, all rows that no row can come before any more.

        Those are all up to the last one of the cell that will be the first to run out.
        """
        cells = [cell for cell in self._cells if cell.rows]
        if not cells or any(not (cell.ended or cell.rows) for cell in self._cells):
            return []
        if len(cells) == 1:
            return cells[0].take_all()
        reverse = self._reverse
        ends = [cell.ranks[-1] for cell in cells if not cell.ended]
        until = None if not ends else max(ends) if reverse else min(ends)
        ranks: list[Rank] = []
        rows = []
        for cell in cells:
            count = len(cell.rows) if until is None else _count_to(until, cell.ranks, reverse)
            if count:
                its_ranks, its_rows = cell.take(count)
                ranks += its_ranks
                rows += its_rows
        # What has come is in as many sorted parts, which makes this a merge.
        places = sorted(range(len(ranks)), key=ranks.__getitem__, reverse=reverse)
        return _once([ranks[place] for place in places], [rows[place] for place in places])

    def _fetch(self, shares: Mapping[str, int]) -> None:
        """Ask cells for so many more rows each, all at once."""
        asked = {cell.name: cell for cell in self._cells if cell.name in shares}

        def question(database: CellDatabase) -> Batch[T]:
            name = database.name
            return self._ask(
                database,
                Question(self._conditions, self._order, shares[name], asked[name].last),
            )

        gathered = self._scatter.gather({name: self._databases[name] for name in asked}, question)
        self.missing.update(gathered.missing)
        for name, cell in asked.items():
            batch = gathered.answers.get(name)
            cell.ended = batch is None or len(batch) < shares[name]
            if batch is not None:
                cell.add(batch)

    @property
    def _page(self) -> int:
        """The most rows that may be unread: as many as the reader can want."""
        return WALK_UNREAD if self._limit is None else self._limit

    @property
    def _wanted(self) -> int:
        """How many rows the reader may still take."""
        return WALK_UNREAD if self._limit is None else self._limit - self._taken

    def _first_share(self) -> int:
        """Return an even share of a page; nearly none of it will be in cell0.

        Where all the rest of the page is in one cell, no more than two pages will have been sent.
        """
        page = self._page
        cells = sum(cell.name != CELL0 for cell in self._cells)
        if cells <= 1:
            return page
        share = ceil(page / cells)
        if self._limit is not None:
            # Where servers are in cells by chance, most cells have no more than this.
            share = max(share, min(int(share + sqrt(share) / 2), page // (cells - 1)))
        return min(page, max(share, _LEAST))

    def _next_shares(self) -> dict[str, int]:
        """Return how many rows to ask of the cells that have run out, and of those that soon will.

        What is in hand tells how far the reader will come, if the cells that run out on the way
        go on as before.
        """
        cells = [cell for cell in self._cells if cell.rows or not cell.ended]
        hand = sorted(chain.from_iterable(c.ranks for c in cells), reverse=self._reverse)
        ends = [_count_to(c.ranks[-1], hand, self._reverse) if c.rows else 0 for c in cells]
        wanted, room = self._wanted, self._page - len(hand)
        flowing, dry = sum(cell.density for cell in cells), 0
        shares: dict[str, int] = {}
        read, before = 0.0, 0
        for end, cell in sorted(zip(ends, cells, strict=True), key=_FIRST):
            read += (end - before) * (1 + dry / flowing)
            before = end
            if shares and (read >= wanted or room < 1):
                break
            if not cell.ended:
                lacking = (wanted - read) * cell.density / (flowing + dry)
                steps = ceil(lacking * _SPARE / _STEP)
                share = max(1, min(steps * _STEP, room))
                shares[cell.name] = share
                room -= share
                dry += cell.density
            flowing -= cell.density
        return shares


def _once(ranks: list[Rank], rows: list[T]) -> list[T]:
    """Leave out what is there twice: the record of a move between cells is in both.

    Both become certain at once: no cell sends a row that comes before one that it has sent.
    """
    if not any(map(eq, ranks, ranks[1:])):
        return rows
    before = [None, *ranks[:-1]]
    return [row for row, one, next_ in zip(rows, before, ranks, strict=True) if one != next_]


def _count_to(last: Rank, ranks: list[Rank], reverse: bool) -> int:
    """Return how many of some ranks, which are in order, come no later than `last`."""
    low, high = 0, len(ranks)
    while low < high:
        middle = (low + high) // 2
        if ranks[middle] < last if reverse else last < ranks[middle]:
            high = middle
        else:
            low = middle + 1
    return low
