"""What lists of servers cost, ours and Nova's: as a table side by side, and against the targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from bench.measure import Sample
from bench.peers.listing_side import PAGE, WALK_PAGES
from bench.report import Figure, amount, milliseconds
from cellrig.cli.screen import Screen

#: A walk through fewer servers is one page.
_PAGES = 10 * PAGE
#: The memory of a walk through so many servers is held to a target.
_MANY = 100_000
_CELLS = 16


class Costs(msgspec.Struct, frozen=True):
    """What lists cost in one cloud.

    Args:
        database: where the databases are.
        cells, servers: how big it is.
        page, brief_page: the first page of servers, with and without details.
        limit_page: the same as raw rows.
        walk, marker_walk, limit_walk: all servers: `iterate`, page after page, as raw rows.
        rows_sent: what all cells sent for one page.
        walk_mb: how much more memory the process held after any page of a first walk than before.
        listed: a digest of the first page.
    """

    database: str
    cells: int
    servers: int
    page: Sample
    brief_page: Sample
    limit_page: Sample
    walk: Sample
    marker_walk: Sample
    limit_walk: Sample
    rows_sent: int
    walk_mb: float
    listed: str

    @property
    def name(self) -> str:
        """What tables call the cloud."""
        cells = "1 cell" if self.cells == 1 else f"{self.cells} cells"
        return f"{self.database}: {cells}, {self.servers:,} servers"


class NovaCosts(msgspec.Struct, frozen=True):
    """What Nova's lister costs in a cloud of the same size; see bench/peers/nova_listing.py.

    Args:
        records, objects, details: a page: as rows, as objects, with what belongs to them.
        walk: all pages of objects; of many, reckoned from the first `WALK_PAGES`.
        listed: a digest of the first page.
    """

    cells: int
    servers: int
    records: Sample
    objects: Sample
    details: Sample
    walk: Sample
    listed: str


class Pages(msgspec.Struct, frozen=True):
    """What a page takes in clouds of different numbers of cells, measured by turns."""

    database: str
    servers: int
    by_cells: dict[int, Sample]


Both = tuple[Costs, NovaCosts | None]


def side_by_side(screen: Screen, costs: Sequence[Both]) -> None:
    """Write what each side took, a line a cloud."""
    titles = (
        "page", "Nova's objects", "with details", "records", "page without details", "raw page",
        "walk", "by markers", "Nova's objects", "raw walk",
    )  # fmt: skip
    rows = []
    for ours, nova in costs:
        theirs = (None,) * 4 if nova is None else _of_nova(nova)
        objects, details, records, walk = theirs
        samples = (
            ours.page, objects, details, records, ours.brief_page, ours.limit_page,
            ours.walk, ours.marker_walk, walk, ours.limit_walk,
        )  # fmt: skip
        reckoned = nova is not None and ours.servers > WALK_PAGES * PAGE
        rows.append([ours.name, *(_cell(s, reckoned and s is walk) for s in samples)])
    screen.table(["milliseconds (of the processor)", *titles], rows)
    screen.show(
        "The processor's time is that of the process that lists, without the database server's. "
        f"~ Reckoned from the first {WALK_PAGES} pages."
    )


def _of_nova(nova: NovaCosts) -> tuple[Sample | None, ...]:
    return nova.objects, nova.details, nova.records, nova.walk


def _cell(sample: Sample | None, reckoned: bool) -> str:
    if sample is None:
        return ""
    return f"{'~' if reckoned else ''}{amount(sample.wall_ms)} ({amount(sample.cpu_ms)})"


def figures(costs: Sequence[Both], pages: Sequence[Pages]) -> Iterator[Figure]:
    """Hold what was measured to its targets."""
    for ours, nova in costs:
        name = ours.name
        yield _ratio(
            f"{name}: page without details, in raw pages", ours.brief_page, ours.limit_page, 1.5
        )
        yield Figure(f"{name}: rows sent for a page", "rows", ours.rows_sent, target=2 * PAGE)
        most = 30 if ours.servers == _MANY else None
        yield Figure(f"{name}: memory of a walk", "MiB", ours.walk_mb, target=most)
        if nova is not None:
            yield from _beside_nova(ours, nova)
    for each in pages:
        alone = each.by_cells.get(1)
        for cells, page in each.by_cells.items():
            if cells > 1 and alone is not None:
                name = f"{each.database}: {cells} cells, {each.servers:,} servers"
                yield _ratio(f"{name}: page, in pages of 1 cell", page, alone, 1.5)
    for ours, nova in costs:
        yield from _milliseconds(ours, nova)


def _beside_nova(ours: Costs, nova: NovaCosts) -> Iterator[Figure]:
    """Compare with Nova; the targets are for many cells."""
    for what, theirs, mine, times in (
        ("page", nova.objects, ours.page, 15),
        ("walk", nova.walk, ours.walk, 25),
        ("walk by markers", nova.walk, ours.marker_walk, 25),
    ):
        many = ours.cells == _CELLS and (what == "page" or ours.servers >= _PAGES)
        yield Figure(
            f"{ours.name}: {what}, times faster than Nova's objects",
            "times",
            theirs.wall_ms / mine.wall_ms,
            theirs.cpu_ms / mine.cpu_ms,
            theirs.runs,
            times if many else None,
            at_least=True,
        )


def _milliseconds(ours: Costs, nova: NovaCosts | None) -> Iterator[Figure]:
    """Return the figures of the table side by side, for who reads them from a file."""
    for what in ("page", "brief_page", "limit_page", "walk", "marker_walk", "limit_walk"):
        yield milliseconds(f"{ours.name}: {what.replace('_', ' ')}", getattr(ours, what))
    if nova is not None:
        for what in ("records", "objects", "details", "walk"):
            yield milliseconds(f"{ours.name}: Nova's {what}", getattr(nova, what))


def _ratio(name: str, ours: Sample, theirs: Sample, target: float) -> Figure:
    """Return how many times as long something takes as something else."""
    return Figure(
        name,
        "times",
        ours.wall_ms / theirs.wall_ms,
        ours.cpu_ms / theirs.cpu_ms,
        ours.runs,
        target,
    )
