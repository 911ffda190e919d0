"""Lists of servers over many cells: a page, a walk, what the cells send, and memory.

Beside it stands the limit: the raw query of the database's driver in every cell, with LIMIT, and
`heapq.merge` over what comes; and Nova's own lister, where the `nova` package is installed.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import islice
from operator import itemgetter
from random import Random

import msgspec

from bench.measure import (
    ROOT,
    Sample,
    Stopwatch,
    in_a_fresh_process,
    machine,
    positive,
    print_json,
    resident_mb,
)
from bench.report import Figure, Report, file_to_write, milliseconds
from cellrig import Cell, Rig, Topology
from cellrig.cli.screen import Screen
from cellrig.db.api_tables import instance_mappings
from cellrig.db.cell_tables import instances
from cellrig.db.instances import instance_to_row
from cellrig.db.statements import insert_into
from cellrig.hooks import hookimpl
from cellrig.model import CELL0, Flavor, Instance, VmState
from cellrig.seams import Passage

PAGE = 1000
#: From so many cells on a page is held to the raw query's: of one cell that reads no row in vain.
MANY_CELLS = 16
#: The cells and servers for which Nova's lister is run too.
BESIDE_NOVA = (16, 10_000)
WARM_UP = 2
FLAVOR = Flavor("1", "tiny")
RAW = (
    "SELECT created_at, uuid, name FROM instances WHERE deleted = 0 "
    "ORDER BY created_at DESC, uuid DESC LIMIT ?"
)
RAW_NEXT = (
    "SELECT created_at, uuid, name FROM instances WHERE deleted = 0 AND created_at <= ?1 "
    "AND (created_at < ?1 OR uuid < ?2) ORDER BY created_at DESC, uuid DESC LIMIT ?3"
)


class Costs(msgspec.Struct, frozen=True):
    """What lists cost in one cloud.

    Args:
        cells, servers: how big it is.
        page, brief_page: the first page of servers, with and without details.
        limit_page: the same as raw rows.
        walk, marker_walk, limit_walk: all servers: `iterate`, page after page, as raw rows.
        rows_sent: what all cells sent for one page.
        walk_mb: how much more memory the process held after any page of a walk than before it.
    """

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


class RowCounter:
    """Counts the rows that cells send: a plugin."""

    def __init__(self) -> None:
        self.sent = 0

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """Count what passes from a cell's database."""
        if ".list_" in passage.seam and isinstance(passage.result, list):
            self.sent += len(passage.result)


def fill(rig: Rig, cells: int, servers: int) -> None:
    """Write servers into the cells at random, created in random order."""
    random = Random(servers)
    rows: list[list[dict[str, object]]] = [[] for _ in range(cells)]
    mappings: list[dict[str, object]] = []
    for number in range(servers):
        written = Instance(
            uuid=f"{random.getrandbits(128):032x}",
            name=f"server-{number}",
            project_id=f"project-{number % 7}",
            user_id="user",
            vm_state=VmState.ACTIVE,
            host=f"host-{number % 50}",
            node=f"host-{number % 50}",
            flavor_id="1",
            flavor=FLAVOR,
            image_id="image",
            created_at=float(random.randrange(servers)),
        )
        cell = random.randrange(cells)
        rows[cell].append(instance_to_row(written))
        mappings.append(mapping_to_row(written, f"cell{cell + 1}"))
    with rig.databases["api"].transaction() as transaction:
        transaction.run_each(insert_into(instance_mappings), mappings)
    for number, of_cell in enumerate(rows, start=1):
        with rig.databases[f"cell{number}"].transaction() as transaction:
            transaction.run_each(insert_into(instances), of_cell)


def mapping_to_row(written: Instance, cell: str) -> dict[str, object]:
    """Return the row that maps a server to its cell."""
    return {
        "instance_uuid": written.uuid,
        "cell": cell,
        "project_id": written.project_id,
        "user_id": written.user_id,
        "queued_for_delete": 0,
        "created_at": written.created_at,
    }


def raw_cells(rig: Rig) -> list[sqlite3.Connection]:
    """Return connections of their own to the images of all cells."""
    connections = []
    for name in (CELL0, *(cell.name for cell in rig.topology.cells)):
        connection = sqlite3.connect(":memory:")
        connection.deserialize(rig.databases[name].dump())
        connections.append(connection)
    return connections


def raw_page(
    connections: list[sqlite3.Connection], after: tuple[float, str] | None = None
) -> list[tuple[float, str, str]]:
    """Return a page of raw rows."""
    answers = [
        connection.execute(RAW, (PAGE,)).fetchall()
        if after is None
        else connection.execute(RAW_NEXT, (*after, PAGE)).fetchall()
        for connection in connections
    ]
    merged = heapq.merge(*answers, key=itemgetter(0, 1), reverse=True)
    return list(islice(merged, PAGE))


def raw_walk(connections: list[sqlite3.Connection]) -> int:
    """Read all pages of raw rows; return how many rows there were."""
    total, page = 0, raw_page(connections)
    while page:
        total += len(page)
        page = raw_page(connections, page[-1][:2])
    return total


def marker_walk(rig: Rig) -> int:
    """Read all pages, each behind the last server of the one before; return how many there were."""
    total, page = 0, rig.servers.list(limit=PAGE)
    while len(page):
        total += len(page)
        page = rig.servers.list(limit=PAGE, marker=page[-1])
    return total


def timed(step: Callable[[], object], runs: int) -> Sample:
    """Return what a step takes."""
    stopwatch = Stopwatch()
    for run in range(WARM_UP + runs):
        watch = stopwatch if run >= WARM_UP else Stopwatch()
        with watch.running():
            step()
    return stopwatch.median()


def measure(cells: int, servers: int, runs: int) -> Costs:
    """Measure one cloud."""
    topology = Topology(cells=[Cell(f"cell{number}", 1) for number in range(1, cells + 1)])
    walks = max(1, min(runs, 100_000 // servers))
    with Rig(topology, audit=False, plugins=()) as rig:
        fill(rig, cells, servers)
        # The databases are in this process and keep up to 2 MiB of pages each, whoever reads them:
        # a first walk fills that. What the second one adds is the list's.
        for _server in rig.servers.iterate():
            pass
        gc.collect()
        before = most = resident_mb()
        count = 0
        for count, _server in enumerate(rig.servers.iterate(), start=1):
            if count % PAGE == 0:
                most = max(most, resident_mb())
        connections = raw_cells(rig)
        if not count == servers == marker_walk(rig) == raw_walk(connections):
            raise RuntimeError(f"a walk through {servers} servers showed {count}")
        costs = {
            "page": timed(lambda: rig.servers.list(limit=PAGE), runs),
            "brief_page": timed(lambda: rig.servers.list_brief(limit=PAGE), runs),
            "limit_page": timed(lambda: raw_page(connections), runs),
            "walk": timed(lambda: sum(1 for _server in rig.servers.iterate()), walks),
            "marker_walk": timed(lambda: marker_walk(rig), walks),
            "limit_walk": timed(lambda: raw_walk(connections), walks),
        }
        counter = RowCounter()
        rig.plugins.register(counter)
        rig.servers.list(limit=PAGE)
    return Costs(
        cells=cells, servers=servers, rows_sent=counter.sent, walk_mb=most - before, **costs
    )


class NovaCosts(msgspec.Struct, frozen=True):
    """What Nova's lister costs in a cloud of the same size; see bench/peers/nova_listing.py.

    Args:
        records, objects, details: a page: as rows, as objects, with what belongs to them.
        walk: all pages of objects.
    """

    cells: int
    servers: int
    records: Sample
    objects: Sample
    details: Sample
    walk: Sample


def nova_costs(python: str, runs: int) -> NovaCosts:
    """Run Nova's lister in an interpreter that has it."""
    cells, servers = BESIDE_NOVA
    command = [python, str(ROOT / "bench" / "peers" / "nova_listing.py")]
    options = ["--cells", str(cells), "--servers", str(servers), "--runs", str(runs)]
    done = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=NovaCosts)


def beside_nova(found: list[Costs], nova: NovaCosts) -> Iterator[Figure]:
    """Compare with Nova, in a cloud of the same size."""
    ours = next(cost for cost in found if (cost.cells, cost.servers) == BESIDE_NOVA)
    what = f"{nova.cells} cells, {nova.servers:,} servers"
    for name, sample in (
        ("page of records", nova.records),
        ("page of objects", nova.objects),
        ("page of objects with details", nova.details),
        ("walk of objects", nova.walk),
    ):
        yield milliseconds(f"{what}: Nova's {name}", sample)
    for name, theirs, mine, target in (
        ("page", nova.objects, ours.page, 15),
        ("walk by markers", nova.walk, ours.marker_walk, 25),
        ("walk", nova.walk, ours.walk, 25),
    ):
        yield Figure(
            f"{what}: {name}, times faster than Nova's objects",
            "times",
            theirs.wall_ms / mine.wall_ms,
            theirs.cpu_ms / mine.cpu_ms,
            theirs.runs,
            target,
            at_least=True,
        )


def figures(found: list[Costs]) -> Iterator[Figure]:
    """Hold what was measured to its targets."""
    for cost in found:
        what = f"{cost.cells} cells, {cost.servers:,} servers"
        yield milliseconds(f"{what}: page", cost.page)
        yield milliseconds(f"{what}: page without details", cost.brief_page)
        yield milliseconds(f"{what}: raw page", cost.limit_page)
        yield milliseconds(f"{what}: walk", cost.walk)
        yield milliseconds(f"{what}: walk by markers", cost.marker_walk)
        yield milliseconds(f"{what}: raw walk", cost.limit_walk)
        target = 1.5 if cost.cells >= MANY_CELLS else None
        name = f"{what}: page without details, in raw pages"
        yield ratio(name, cost.brief_page, cost.limit_page, target)
        yield Figure(f"{what}: rows sent for a page", "rows", cost.rows_sent, target=2 * PAGE)
        yield Figure(f"{what}: memory of a walk", "MiB", cost.walk_mb, target=30)
    pages = {(cost.cells, cost.servers): cost.page for cost in found}
    for (cells, servers), page in pages.items():
        if cells > 1 and (1, servers) in pages:
            name = f"{cells} cells, {servers:,} servers: page, in pages of 1 cell"
            yield ratio(name, page, pages[1, servers], 1.5)


def ratio(name: str, ours: Sample, theirs: Sample, target: float | None) -> Figure:
    """Return how many times as long something takes as something else."""
    return Figure(
        name,
        "times",
        ours.wall_ms / theirs.wall_ms,
        ours.cpu_ms / theirs.cpu_ms,
        ours.runs,
        target,
    )


def main() -> None:
    """Measure, show, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=file_to_write, metavar="FILE", help="write the figures too")
    parser.add_argument("--runs", type=positive, default=20, help="runs of each step (default 20)")
    parser.add_argument("--cells", type=positive, nargs="+", default=[1, 4, 16, 20])
    parser.add_argument("--servers", type=positive, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument(
        "--nova",
        metavar="PYTHON",
        default=sys.executable if find_spec("nova") else None,
        help="an interpreter that has Nova (default: this one, if it has)",
    )
    parser.add_argument("--raw", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.raw:
        print_json(measure(arguments.cells[0], arguments.servers[0], arguments.runs))
        return
    before = machine()
    costs = [
        in_a_fresh_process(
            Costs,
            "bench.listing",
            *("--raw", "--cells", str(cells), "--servers", str(servers)),
            *("--runs", str(arguments.runs)),
        )
        for servers in arguments.servers
        for cells in arguments.cells
    ]
    shown = list(figures(costs))
    if arguments.nova and any((cost.cells, cost.servers) == BESIDE_NOVA for cost in costs):
        shown += beside_nova(costs, nova_costs(arguments.nova, arguments.runs))
    report = Report(tuple(shown), before, machine())
    report.show(Screen())
    if arguments.json is not None:
        report.write(arguments.json)
    sys.exit(1 if report.missed() else 0)


if __name__ == "__main__":
    main()
