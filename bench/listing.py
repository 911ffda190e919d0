"""Lists of servers over many cells: ours, Nova's own, and the limit, side by side in one run.

In SQLite files and on PostgreSQL, each with the same servers: a page of 1,000, the newest first,
and a walk by markers. The limit is the raw query of the database's driver in every cell, with
LIMIT, and `heapq.merge` over what comes. Nova's lister needs the `nova` package, here or in another
interpreter. What the cells send for a page, and the memory of a walk, are measured too. Pages of
clouds that differ in the number of cells only are compared by turns.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from tempfile import TemporaryDirectory

import msgspec

from bench.listing_limit import connection_to, raw_cells, raw_page, raw_walk
from bench.listing_report import Costs, NovaCosts, Pages, figures, side_by_side
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
from bench.peers.listing_side import PAGE, digest, listed_servers, timed
from bench.report import Report, file_to_write
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
#: What a fresh process measures: one cloud, or several beside each other.
ALONE, BESIDE = "alone", "beside"
SERVER = "postgresql://postgres@127.0.0.1/test"
FLAVOR = Flavor("1", "tiny")
#: Servers in all walks of one kind that are timed, at least one walk.
WALKED = 30_000
#: Runs of one step after the other, before it is another one's turn: figures that are compared
#: should come from the same moments.
TURN = 5
#: Nova takes so much longer for a page that there are fewer runs of it, for each one of ours.
NOVA_RUNS = 30


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
    """Write the servers that both sides have."""
    rows: list[list[dict[str, object]]] = [[] for _ in range(cells)]
    mappings: list[dict[str, object]] = []
    for server in listed_servers(cells, servers):
        written = Instance(
            uuid=server.uuid,
            name=server.name,
            project_id=server.project,
            user_id="user",
            vm_state=VmState.ACTIVE,
            host=server.host,
            node=server.host,
            flavor_id="1",
            flavor=FLAVOR,
            image_id="image",
            created_at=float(server.created_at),
        )
        rows[server.cell].append(instance_to_row(written))
        mappings.append(mapping_to_row(written, f"cell{server.cell + 1}"))
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


def by_turns(steps: Mapping[str, Callable[[], object]], runs: int) -> dict[str, Sample]:
    """Return what steps take that are timed by turns; a turn begins with a run that is not."""
    watches = {name: Stopwatch() for name in steps}
    left = runs
    while left > 0:
        for name, step in steps.items():
            step()
            for _run in range(min(left, TURN)):
                with watches[name].running():
                    step()
        left -= TURN
    return {name: watch.median() for name, watch in watches.items()}


def sample(step: Callable[[], object], runs: int) -> Sample:
    """Return what a step takes that has been run before."""
    return msgspec.convert(timed(step, runs, warm_up=0), Sample)


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


@contextmanager
def cloud(database: str, server: str, cells: int, servers: int) -> Iterator[Rig]:
    """Yield a cloud that has the servers."""
    with place(database, server) as where:
        topology = Topology(
            cells=[Cell(f"cell{number}", 1) for number in range(1, cells + 1)], database=where
        )
        with Rig(topology, audit=False, plugins=()) as rig:
            fill(rig, cells, servers)
            if database == POSTGRESQL:
                for each in rig.databases.values():
                    with connection_to(each) as connection:
                        # As it does by itself within a minute.
                        connection.execute("ANALYZE")
            yield rig


def measure(database: str, server: str, cells: int, servers: int, runs: int) -> Costs:
    """Measure one cloud."""
    with cloud(database, server, cells, servers) as rig:
        return _measure(rig, database, cells, servers, runs)


def beside(
    database: str, server: str, cells: Sequence[int], servers: int, runs: int
) -> dict[str, Sample]:
    """Return what a page takes in clouds of so many cells, by turns: a machine has its moments."""
    with ExitStack() as stack:
        rigs = {
            str(number): stack.enter_context(cloud(database, server, number, servers))
            for number in cells
        }
        pages = {number: partial(rig.servers.list, limit=PAGE) for number, rig in rigs.items()}
        return by_turns(pages, runs)


def _measure(rig: Rig, database: str, cells: int, servers: int, runs: int) -> Costs:
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
    counter = RowCounter()
    rig.plugins.register(counter)
    page = rig.servers.list(limit=PAGE)
    rig.plugins.unregister(counter)
    walks = max(1, min(runs, WALKED // servers))
    pages = by_turns(
        {
            "page": lambda: rig.servers.list(limit=PAGE),
            "brief_page": lambda: rig.servers.list_brief(limit=PAGE),
            "limit_page": lambda: raw_page(raw),
        },
        runs,
    )
    return Costs(
        database=database,
        cells=cells,
        servers=servers,
        **pages,
        # All of them have been walked once.
        walk=sample(lambda: sum(1 for _server in rig.servers.iterate()), walks),
        marker_walk=sample(lambda: marker_walk(rig), walks),
        limit_walk=sample(lambda: raw_walk(raw), walks),
        rows_sent=counter.sent,
        walk_mb=most - before,
        listed=digest(server.id for server in page),
    )


def nova_costs(python: str, server: str, ours: Costs, runs: int) -> NovaCosts:
    """Run Nova's lister in an interpreter that has it, on the same servers in the same place.

    Raises:
        RuntimeError: its page is not ours.
    """
    with TemporaryDirectory(prefix="nova-bench-") as directory:
        where = server if ours.database == POSTGRESQL else directory
        command = [python, str(ROOT / "bench" / "peers" / "nova_listing.py"), where]
        fewer = max(3, runs // NOVA_RUNS)
        options = ["--cells", ours.cells, "--servers", ours.servers, "--runs", fewer]
        done = subprocess.run(
            [*command, *map(str, options)], check=True, stdout=subprocess.PIPE, cwd=directory
        )
    costs = msgspec.json.decode(done.stdout, type=NovaCosts)
    if costs.listed != ours.listed:
        raise RuntimeError(f"Nova's first page is another one: {ours.name}")
    return costs


def found_databases(server: str) -> Iterator[str]:
    """Yield where databases can be here; say why one is left out."""
    yield FILES
    try:
        place_of(server).close()
    except CellrigError as error:
        sys.stderr.write(f"nothing is measured on PostgreSQL: {error}\n")
    else:
        yield POSTGRESQL


def main() -> None:
    """Measure, show, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=file_to_write, metavar="FILE", help="write the figures too")
    parser.add_argument("--runs", type=positive, default=90, help="runs of each page (default 90)")
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
    parser.add_argument("--raw", choices=[ALONE, BESIDE], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.raw:
        (database,), (servers,) = arguments.databases, arguments.servers
        asked = database, arguments.server
        if arguments.raw == BESIDE:
            print_json(beside(*asked, arguments.cells, servers, arguments.runs))
        else:
            (cells,) = arguments.cells
            print_json(measure(*asked, cells, servers, arguments.runs))
        return
    before = machine()
    costs: list[tuple[Costs, NovaCosts | None]] = []
    pages: list[Pages] = []
    for database in arguments.databases or found_databases(arguments.server):
        for servers in arguments.servers:
            told = ["--servers", str(servers), "--databases", database]
            told += ["--server", arguments.server, "--runs", str(arguments.runs)]
            for cells in arguments.cells:
                raw = ["--raw", ALONE, "--cells", str(cells), *told]
                ours = in_a_fresh_process(Costs, "bench.listing", *raw)
                # Nova's databases in memory are of its tests alone.
                has_peer = arguments.nova is not None and database != MEMORY
                nova = (
                    nova_costs(arguments.nova, arguments.server, ours, arguments.runs)
                    if has_peer
                    else None
                )
                costs.append((ours, nova))
            raw = ["--raw", BESIDE, "--cells", *map(str, arguments.cells), *told]
            by_cells = in_a_fresh_process(dict[int, Sample], "bench.listing", *raw)
            pages.append(Pages(database, servers, by_cells))
    report = Report(tuple(figures(costs, pages)), before, machine())
    screen = Screen()
    side_by_side(screen, costs)
    judged = tuple(figure for figure in report.figures if figure.unit != "ms")
    msgspec.structs.replace(report, figures=judged).show(screen)
    if arguments.json is not None:
        report.write(arguments.json)
    sys.exit(1 if report.missed() else 0)


if __name__ == "__main__":
    main()
