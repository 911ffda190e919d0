"""A rig of a test's size: its start, a server, whole tests, snapshots, a database, memory.

Prints one line of JSON; `foundation` runs it in a process of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import msgspec

from bench.measure import Sample, Stopwatch, peak_resident_mb, positive, print_json
from cellrig import Cell, Rig, Topology

THREE_CELLS = Topology(cells=[Cell("cell1", 2), Cell("cell2", 2), Cell("cell3", 2)])
TWO_HOSTS = Topology(cells=[Cell("cell1", 2)])

#: Runs that count for nothing: the first of a process finds plugins and compiles statements.
WARM_UP = 3


class SmallRig(msgspec.Struct, frozen=True):
    """What small rigs cost.

    Args:
        start: three cells of two hosts, from the topology to a cloud that answers.
        first_boot: the first server of such a rig, from the request to ACTIVE; each of its
            databases still has to prepare its statements.
        boot: the next one.
        snapshot, restore: of such a rig with one server, and back after its deletion.
        whole_test: two hosts: start, boot, delete, audit, stop.
        whole_test_mean: the same as a mean, for the number of tests in a second.
        database: an empty cell database, from its image.
        peak_mb: the most memory held after all of that.
    """

    start: Sample
    first_boot: Sample
    boot: Sample
    snapshot: Sample
    restore: Sample
    whole_test: Sample
    whole_test_mean: Sample
    database: Sample
    peak_mb: float


def boot(rig: Rig) -> str:
    """Create a server and return its id.

    Raises:
        RuntimeError: it is not ACTIVE; a figure of a failed boot means nothing.
    """
    server = rig.servers.create()
    if server.status != "ACTIVE":
        raise RuntimeError(f"a server of the benchmark is {server.status}: {server.fault}")
    return server.id


def whole_test(plugins: Sequence[str] | None) -> None:
    """Do what a tiny functional test does; the rig is audited when it stops."""
    with Rig(TWO_HOSTS, plugins=plugins) as rig:
        rig.servers.delete(boot(rig))


def measure(runs: int, plugins: Sequence[str] | None) -> SmallRig:
    """Run every step `runs` times, in rigs with `plugins` (None: all that are installed)."""
    for _ in range(WARM_UP):
        whole_test(plugins)
    start, first, booting, snapshot, restore = (Stopwatch() for _ in range(5))
    for _ in range(runs):
        with start.running():
            rig = Rig(THREE_CELLS, plugins=plugins).start()
        with first.running():
            server = boot(rig)
        with booting.running():
            boot(rig)
        with snapshot.running():
            taken = rig.snapshot()
        rig.servers.delete(server)
        with restore.running():
            rig.restore(taken)
        rig.stop()
    tests = Stopwatch()
    for _ in range(runs):
        with tests.running():
            whole_test(plugins)
    return SmallRig(
        start=start.median(),
        first_boot=first.median(),
        boot=booting.median(),
        snapshot=snapshot.median(),
        restore=restore.median(),
        whole_test=tests.median(),
        whole_test_mean=tests.mean(),
        database=time_database(runs),
        peak_mb=peak_resident_mb(),
    )


def time_database(runs: int) -> Sample:
    """Return what it takes to have one more empty cell database."""
    from cellrig.db.cell_tables import cell_image
    from cellrig.db.database import Database
    from cellrig.runtime.virtual import VirtualRuntime

    runtime = VirtualRuntime()
    stopwatch = Stopwatch()
    for number in range(runs):
        with stopwatch.running():
            database = Database(f"cell{number}", cell_image(), runtime)
        database.close()
    return stopwatch.median()


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=positive, default=100, help="runs of each step (default 100)"
    )
    parser.add_argument("--no-plugins", action="store_true", help="rigs without any plugin")
    arguments = parser.parse_args()
    print_json(measure(arguments.runs, () if arguments.no_plugins else None))


if __name__ == "__main__":
    main()
