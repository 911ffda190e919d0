"""The figures that the foundation is held to, as a table.

Exit status 1 when a target is missed. Times are judged by the wall clock; processor time stands
beside them, because on a machine that others use the two differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from bench.large import LargeCloud
from bench.measure import in_a_fresh_process, machine, time_imports
from bench.report import Figure, Report, file_to_write, milliseconds, seconds
from bench.small import SmallRig
from cellrig.cli.screen import Screen

#: A whole test, its imports included, in a process that has done nothing else.
_FIRST_TEST = "from bench.small import whole_test; whole_test(None)"


def imports(runs: int) -> Iterator[Figure]:
    """What it takes to have the package; what is imported only when it is used stands beside it."""
    yield seconds("import cellrig", time_imports("import cellrig", runs), 0.3)
    yield seconds("from cellrig import Rig", time_imports("from cellrig import Rig", runs))
    yield seconds("first test of a process, imports included", time_imports(_FIRST_TEST, runs))


def small(runs: int) -> Iterator[Figure]:
    """Rigs of a test's size, with all plugins and without any."""
    cost = in_a_fresh_process(SmallRig, "bench.small", "--runs", str(runs))
    yield milliseconds("start of 3 cells with 2 hosts each", cost.start, 15)
    yield milliseconds("the first server of a rig, from request to ACTIVE", cost.first_boot)
    yield milliseconds("a server, from request to ACTIVE", cost.boot, 5)
    yield milliseconds("a whole test", cost.whole_test, 20)
    mean = cost.whole_test_mean
    yield Figure(
        "whole tests in a second, on one core",
        "/s",
        1000 / mean.wall_ms,
        1000 / mean.cpu_ms,
        mean.runs,
        50,
        at_least=True,
    )
    yield Figure("most memory resident, over all of these", "MB", cost.peak_mb, target=80)
    yield milliseconds("one more cell database", cost.database, 0.5)
    yield milliseconds("snapshot of the 3 cells", cost.snapshot)
    yield milliseconds("restore", cost.restore)
    bare = in_a_fresh_process(SmallRig, "bench.small", "--runs", str(runs), "--no-plugins")
    yield milliseconds("without plugins: start", bare.start)
    yield milliseconds("without plugins: a server", bare.boot)
    yield milliseconds("without plugins: a whole test, not audited", bare.whole_test)


def large(runs: int) -> Iterator[Figure]:
    """Clouds of 100, 1,000 and 10,000 hosts, each in a process of its own."""
    clouds = {hosts: _cloud(hosts, runs) for hosts in (100, 1_000, 10_000)}
    most = clouds[10_000]
    yield seconds("10,000 hosts in 10 cells: start", most.start, 15)
    yield Figure("10,000 hosts: most memory resident", "MB", most.peak_mb, target=1024)
    for hosts, cloud in clouds.items():
        yield milliseconds(f"a server among {hosts:,} hosts", cloud.boots[0].boot)
    few = clouds[100].boots[0].boot
    for hosts, target in ((1_000, None), (10_000, 3.0)):
        many = clouds[hosts].boots[0].boot
        yield Figure(
            f"a server among {hosts:,} hosts, in servers among 100",
            "times",
            many.wall_ms / few.wall_ms,
            many.cpu_ms / few.cpu_ms,
            many.runs,
            target,
        )
    yield seconds("1,000 hosts in 10 cells: start", clouds[1_000].start)
    yield Figure("1,000 hosts: most memory resident", "MB", clouds[1_000].peak_mb)
    yield seconds("10,000 hosts: audit and stop", most.stop)


def _cloud(hosts: int, runs: int) -> LargeCloud:
    return in_a_fresh_process(LargeCloud, "bench.large", "--hosts", str(hosts), "--runs", str(runs))


def main() -> None:
    """Measure, show, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--json", type=file_to_write, metavar="FILE", help="write the figures there too"
    )
    parser.add_argument("--quick", action="store_true", help="fewer runs, and no large clouds")
    arguments = parser.parse_args()
    screen = Screen()
    before = machine()
    parts = [imports(3), small(20)] if arguments.quick else [imports(11), small(200), large(50)]
    figures: list[Figure] = []
    with screen.progress("measuring", len(parts)) as advance:
        for part in parts:
            figures += part
            advance()
    report = Report(tuple(figures), before, machine())
    report.show(screen)
    if arguments.json is not None:
        report.write(arguments.json)
    sys.exit(1 if report.missed() else 0)


if __name__ == "__main__":
    main()
