"""Rows of many cells as one stream: what each cell sends, and what is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from random import Random
from typing import TypeVar

import pytest

from cellrig.cells import Scatter, Stream
from cellrig.cells.scatter import Gathered
from cellrig.cells.streams import WALK_UNREAD
from cellrig.db import CellDatabase, Database
from cellrig.db.cell_tables import cell_image, instances
from cellrig.db.conditions import Equals
from cellrig.db.instances import instance_to_row
from cellrig.db.ordering import Order, SortKey
from cellrig.db.questions import Batch, Question
from cellrig.db.statements import insert_into
from cellrig.errors import CellLate
from cellrig.hooks import plugin_manager
from cellrig.model import BriefServer, Flavor, Instance
from cellrig.runtime.interface import Runtime
from cellrig.runtime.live import LiveRuntime
from cellrig.runtime.virtual import VirtualRuntime
from cellrig.seams import Process, Seams

T = TypeVar("T")

NEWEST_FIRST = Order((SortKey("created_at", descending=True), SortKey("uuid", descending=True)))
ALIVE = (Equals("deleted", 0),)


class Cells:
    """Cells with servers, and who asks them; counts what they send.

    Args:
        moments: for each cell, when its servers were created.
    """

    def __init__(self, moments: Sequence[Sequence[float]], runtime: Runtime | None = None) -> None:
        self.runtime = runtime or VirtualRuntime()
        self.seams = Seams(self.runtime, plugin_manager())
        self.process = Process("api")
        self.sent: list[tuple[str, int]] = []
        self.asked: list[tuple[str, int]] = []
        self.rounds = 0
        self.databases: dict[str, CellDatabase] = {}
        for number, created in enumerate(moments):
            self.add(
                f"c{number:02}",
                [_instance(f"{number:02}-{n:06}", moment) for n, moment in enumerate(created)],
            )

    def add(self, name: str, servers: Sequence[Instance]) -> None:
        """Let there be one more cell, or another one of that name."""
        database = Database(name, cell_image(), self.runtime)
        with database.transaction() as transaction:
            transaction.run_each(insert_into(instances), list(map(instance_to_row, servers)))
        self.databases[name] = CellDatabase(database, self.runtime.now, self.seams, self.process)

    def stream(
        self,
        limit: int | None = None,
        ask: Callable[[CellDatabase, Question], Batch[BriefServer]] | None = None,
    ) -> Stream[BriefServer]:
        return Stream(_Rounds(self), self.databases, ask or self._ask, ALIVE, NEWEST_FIRST, limit)

    def _ask(self, cell: CellDatabase, question: Question) -> Batch[BriefServer]:
        rows = cell.listing.brief_servers(question)
        self.asked.append((cell.name, question.limit))
        self.sent.append((cell.name, len(rows)))
        return rows

    def read(self, limit: int | None = None) -> list[str]:
        return self.runtime.run(lambda: [s.id for s in self.stream(limit)], name="read")

    @property
    def rows_sent(self) -> int:
        return sum(count for _cell, count in self.sent)


class _Rounds(Scatter):
    """Counts how often cells are asked, all at once."""

    def __init__(self, cells: Cells) -> None:
        super().__init__(cells.runtime, cells.seams, cells.process, timeout=30)
        self._counted = cells

    def gather(
        self, cells: Mapping[str, CellDatabase], question: Callable[[CellDatabase], T]
    ) -> Gathered[T]:
        self._counted.rounds += 1
        return super().gather(cells, question)


def _instance(uuid: str, created_at: float) -> Instance:
    return Instance(
        uuid=uuid,
        name=uuid,
        project_id="p",
        user_id="u",
        flavor_id="1",
        flavor=Flavor("1", "tiny"),
        created_at=created_at,
    )


def even(cells: int, servers: int) -> list[list[float]]:
    """Every cell has as many, at any time."""
    random = Random(cells)
    return [[random.random() for _ in range(servers // cells)] for _ in range(cells)]


def one_newest(cells: int, servers: int) -> list[list[float]]:
    """All of the newest are in one cell."""
    rows = even(cells, servers)
    rows[cells // 2] = [moment + 10 for moment in rows[cells // 2]]
    return rows


def one_after_the_other(cells: int, servers: int) -> list[list[float]]:
    """A cell was filled before the next was begun."""
    each = servers // cells
    return [[float(number * each + n) for n in range(each)] for number in range(cells)]


def lopsided(cells: int, servers: int) -> list[list[float]]:
    """One cell has nearly all."""
    random = Random(cells)
    return [
        [random.random() for _ in range(servers if number == 0 else 5)] for number in range(cells)
    ]


@pytest.mark.parametrize("spread", [even, one_newest, one_after_the_other, lopsided])
@pytest.mark.parametrize("number", [10, 16])
def test_6_1787977_a_page_of_1000_over_many_cells_takes_2000_rows_at_most(
    spread: Callable[[int, int], list[list[float]]], number: int
) -> None:
    rows = spread(number, 20_000)
    cells = Cells(rows)
    found = cells.read(1000)
    everything = sorted(
        ((moment, f"{c:02}-{n:06}") for c, of in enumerate(rows) for n, moment in enumerate(of)),
        reverse=True,
    )
    assert found == [uuid for _moment, uuid in everything[:1000]]
    assert cells.rows_sent <= 2000


def test_cells_that_are_alike_are_asked_in_few_rounds() -> None:
    """What the first round brings shows who will run out: a third round is rare."""
    clouds = [Cells(even(16, servers)) for servers in range(4000, 8000, 500)]
    for cells in clouds:
        cells.read(1000)
    assert sum(cells.rounds for cells in clouds) <= 2.7 * len(clouds)
    assert sum(len(cells.asked) for cells in clouds) <= 22 * len(clouds)


def test_no_cell_is_asked_for_more_than_the_page_can_need() -> None:
    cells = Cells(even(16, 2000))
    cells.read(5)
    assert {count for _cell, count in cells.asked} == {5}
    one = Cells(even(1, 2000))
    one.read(1000)
    assert one.asked == [("c00", 1000)]


@pytest.mark.parametrize("spread", [even, one_after_the_other])
def test_a_walk_reads_every_row_once_and_keeps_a_bounded_number(
    spread: Callable[[int, int], list[list[float]]],
) -> None:
    cells = Cells(spread(8, 30_000))
    stream = cells.stream()
    taken = most = 0

    def read() -> None:
        nonlocal taken, most
        for _server in stream:
            taken += 1
            most = max(most, cells.rows_sent - taken)

    cells.runtime.run(read, name="read")
    assert taken == 30_000 == cells.rows_sent
    assert most <= WALK_UNREAD + 20 * 8


def test_rows_come_before_the_last_cell_is_read_to_its_end() -> None:
    cells = Cells(even(4, 40_000))
    cells.runtime.run(lambda: list(islice(cells.stream(), 10)), name="read")
    assert cells.rows_sent <= WALK_UNREAD


def test_a_batch_that_has_been_merged_is_kept_by_nobody() -> None:
    cells = Cells(even(4, 8000))
    batches: list[Batch[BriefServer]] = []

    def ask(cell: CellDatabase, question: Question) -> Batch[BriefServer]:
        batches.append(cell.listing.brief_servers(question))
        return batches[-1]

    found = cells.runtime.run(lambda: list(cells.stream(ask=ask)), name="read")
    assert len(found) == 8000
    assert len(batches) > 8
    assert not any(len(batch) for batch in batches)


def test_a_cell_that_is_late_is_asked_once_in_a_whole_walk() -> None:
    cells = Cells(even(4, 20_000))
    asked = 0

    def ask(cell: CellDatabase, question: Question) -> Batch[BriefServer]:
        nonlocal asked
        if cell.name == "c02":
            asked += 1
            cells.runtime.sleep(3600)
        return cell.listing.brief_servers(question)

    stream = cells.stream(ask=ask)
    start = cells.runtime.now()
    assert len(cells.runtime.run(lambda: list(stream), name="read")) == 15_000
    assert asked == 1
    assert cells.runtime.now() == start + 30
    assert isinstance(stream.missing["c02"], CellLate)


def test_a_cell_that_breaks_in_the_middle_leaves_what_it_has_sent() -> None:
    cells = Cells(even(4, 20_000))
    seen = 0

    def ask(cell: CellDatabase, question: Question) -> Batch[BriefServer]:
        nonlocal seen
        if cell.name == "c01":
            seen += 1
            if seen == 3:
                raise RuntimeError("torn page")
        return cell.listing.brief_servers(question)

    stream = cells.stream(ask=ask)
    found = cells.runtime.run(lambda: [server.id for server in stream], name="read")
    assert len(found) == len(set(found))
    assert sum(not uuid.startswith("01") for uuid in found) == 15_000
    assert 0 < sum(uuid.startswith("01") for uuid in found) < 5000
    assert "torn page" in str(stream.missing["c01"])


def test_63094c2883_a_record_that_two_cells_have_is_shown_once() -> None:
    cells = Cells([[1.0, 2.0], [3.0]])
    cells.add("c02", [_instance("00-000001", 2.0)])
    assert cells.read() == ["01-000000", "00-000001", "00-000000"]


@pytest.mark.parametrize("limit", [1, 20, 21, 22, 60, None])
def test_a_record_at_the_end_of_what_two_cells_sent_is_shown_once(limit: int | None) -> None:
    """Twenty rows are the least that a cell is asked for: the copies are the last of them."""
    cells = Cells([[float(100 - n) for n in range(60)]])
    newer = [_instance(f"01-{n:06}", 1000.0 + n) for n in range(19)]
    cells.add("c01", [*newer, _instance("00-000000", 100.0)])
    read = cells.read(limit)
    everything = [f"01-{n:06}" for n in reversed(range(19))]
    everything += [f"00-{n:06}" for n in range(60)]
    assert read == everything[:limit]


def test_on_threads_the_cells_are_asked_at_the_same_time_and_one_that_is_stuck_is_left() -> None:
    runtime = LiveRuntime()
    cells = Cells(even(4, 400), runtime)
    all_there, let_go = threading.Barrier(4, timeout=30), threading.Event()

    def ask(cell: CellDatabase, question: Question) -> Batch[BriefServer]:
        if question.after is None:
            all_there.wait()
        if cell.name == "c03":
            let_go.wait(60)  # as a thread in a database's driver does: no deadline ends it
        return cell.listing.brief_servers(question)

    scatter = Scatter(runtime, cells.seams, cells.process, timeout=0.1)
    stream = Stream(scatter, cells.databases, ask, ALIVE, NEWEST_FIRST)
    found = runtime.run(lambda: list(stream), name="read")
    assert len(found) == 300
    assert isinstance(stream.missing["c03"], CellLate)
    let_go.set()
    runtime.close()
