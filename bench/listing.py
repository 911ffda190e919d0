"""Lists of servers over many cells: a page, a walk, what the cells send, and memory.

In memory, in SQLite files, and on PostgreSQL where a server is found. Beside it stands the limit:
the raw query of the database's driver in every cell, with LIMIT, and `heapq.merge` over what comes;
and Nova's own lister, where the `nova` package is installed, on SQLite databases in memory.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from random import Random
from tempfile import TemporaryDirectory

import msgspec

from bench.listing_limit import PAGE, raw_cells, raw_page, raw_walk
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
from cellrig.db.places import place_of
from cellrig.db.questions import Batch
from cellrig.db.statements import insert_into
from cellrig.errors import CellrigError
from cellrig.hooks import hookimpl
from cellrig.model import Flavor, Instance, VmState
from cellrig.seams import Passage

#: Where the databases can be: what they are called in the table.
MEMORY, FILES, POSTGRESQL = "memory", "files", "postgresql"
SERVER = "postgresql://postgres@127.0.0.1/test"
#: The cells and servers for which Nova's lister is run too.
BESIDE_NOVA = (16, 10_000)
WARM_UP = 2
FLAVOR = Flavor("1", "tiny")


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


class RowCounter:
    """Counts the rows that cells send: a plugin."""

    def __init__(self) -> None:
        self.sent = 0

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """Count what passes from a cell's database."""
        if ".list_" in passage.seam and isinstance(passage.result, Batch):
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


@contextmanager
def place(database: str, server: str) -> Iterator[str | None]:
    """Yield what a topology calls the place of its databases."""
    if database == MEMORY:
        yield None
    elif database == POSTGRESQL:
        yield server
    else:
        with TemporaryDirectory(prefix="cellrig-bench-") as directory:
            yield directory


def measure(database: str, server: str, cells: int, servers: int, runs: int) -> Costs:
    """Measure one cloud."""
    with place(database, server) as where:
        topology = Topology(
            cells=[Cell(f"cell{number}", 1) for number in range(1, cells + 1)], database=where
        )
        with Rig(topology, audit=False, plugins=()) as rig:
            fill(rig, cells, servers)
            return _measure(rig, database, cells, servers, runs)


def _measure(rig: Rig, database: str, cells: int, servers: int, runs: int) -> Costs:
    walks = max(1, min(runs, 100_000 // servers))
    rig.servers.list(limit=PAGE)
    gc.collect()
    before = most = resident_mb()
    count = 0
    for count, _server in enumerate(rig.servers.iterate(), start=1):
        if count % PAGE == 0:
            most = max(most, resident_mb())
    raw = raw_cells(rig)
    if not count == servers == marker_walk(rig) == raw_walk(raw):
        raise RuntimeError(f"a walk through {servers} servers showed {count}")
    costs = {
        "page": timed(lambda: rig.servers.list(limit=PAGE), runs),
        "brief_page": timed(lambda: rig.servers.list_brief(limit=PAGE), runs),
        "limit_page": timed(lambda: raw_page(raw), runs),
        "walk": timed(lambda: sum(1 for _server in rig.servers.iterate()), walks),
        "marker_walk": timed(lambda: marker_walk(rig), walks),
        "limit_walk": timed(lambda: raw_walk(raw), walks),
    }
    counter = RowCounter()
    rig.plugins.register(counter)
    rig.servers.list(limit=PAGE)
    return Costs(
        database=database,
        cells=cells,
        servers=servers,
        rows_sent=counter.sent,
        walk_mb=most - before,
        **costs,
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
    what = f"{nova.cells} cells, {nova.servers:,} servers"
    for name, sample in (
        ("page of records", nova.records),
        ("page of objects", nova.objects),
        ("page of objects with details", nova.details),
        ("walk of objects", nova.walk),
    ):
        yield milliseconds(f"{what}: Nova's {name}", sample)
    for ours in found:
        if (ours.cells, ours.servers) != BESIDE_NOVA:
            continue
        for name, theirs, mine, target in (
            ("page", nova.objects, ours.page, 15),
            ("walk by markers", nova.walk, ours.marker_walk, 25),
            ("walk", nova.walk, ours.walk, 25),
        ):
            yield Figure(
                f"{ours.database}: {what}: {name}, times faster than Nova's objects",
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
        what = f"{cost.database}: {cost.cells} cells, {cost.servers:,} servers"
        yield milliseconds(f"{what}: page", cost.page)
        yield milliseconds(f"{what}: page without details", cost.brief_page)
        yield milliseconds(f"{what}: raw page", cost.limit_page)
        yield milliseconds(f"{what}: walk", cost.walk)
        yield milliseconds(f"{what}: walk by markers", cost.marker_walk)
        yield milliseconds(f"{what}: raw walk", cost.limit_walk)
        name = f"{what}: page without details, in raw pages"
        yield ratio(name, cost.brief_page, cost.limit_page, 1.5)
        yield Figure(f"{what}: rows sent for a page", "rows", cost.rows_sent, target=2 * PAGE)
        yield Figure(f"{what}: memory of a walk", "MiB", cost.walk_mb, target=30)
    pages = {(cost.database, cost.cells, cost.servers): cost.page for cost in found}
    for (database, cells, servers), page in pages.items():
        if cells > 1 and (database, 1, servers) in pages:
            name = f"{database}: {cells} cells, {servers:,} servers: page, in pages of 1 cell"
            yield ratio(name, page, pages[database, 1, servers], 1.5)


def found_databases(server: str) -> Iterator[str]:
    """Yield where databases can be here; say why one is left out."""
    yield from (MEMORY, FILES)
    try:
        place_of(server).close()
    except CellrigError as error:
        sys.stderr.write(f"nothing is measured on PostgreSQL: {error}\n")
    else:
        yield POSTGRESQL


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
    parser.add_argument("--cells", type=positive, nargs="+", default=[1, 4, 16])
    parser.add_argument("--servers", type=positive, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--databases", choices=[MEMORY, FILES, POSTGRESQL], nargs="+")
    parser.add_argument("--server", default=SERVER, help=f"of PostgreSQL (default {SERVER})")
    parser.add_argument(
        "--nova",
        metavar="PYTHON",
        default=sys.executable if find_spec("nova") else None,
        help="an interpreter that has Nova (default: this one, if it has)",
    )
    parser.add_argument("--raw", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.raw:
        (database,), (cells,), (servers,) = (
            arguments.databases,
            arguments.cells,
            arguments.servers,
        )
        print_json(measure(database, arguments.server, cells, servers, arguments.runs))
        return
    before = machine()
    costs = [
        in_a_fresh_process(
            Costs,
            "bench.listing",
            *("--raw", "--cells", str(cells), "--servers", str(servers)),
            *("--databases", database, "--server", arguments.server),
            *("--runs", str(arguments.runs)),
        )
        for database in arguments.databases or found_databases(arguments.server)
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
