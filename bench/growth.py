"""How the cost of a boot grows: with the hosts of a cloud, and with the servers that it has.

Writes `docs/growth.csv` and draws `docs/growth.svg` from it. Each number of hosts is measured in
a process of its own; numbers of servers follow each other in one cloud.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from bench.large import LargeCloud
from bench.measure import ROOT, in_a_fresh_process, positive
from bench.plot import Plot, Series, draw
from bench.report import amount, file_to_write
from cellrig.cli.screen import Screen

DATA = ROOT / "docs" / "growth.csv"
PLOT = ROOT / "docs" / "growth.svg"

HOSTS = (10, 30, 100, 300, 1_000, 3_000, 10_000)
SERVERS = (10, 100, 300, 1_000, 3_000, 10_000)

#: Hosts of the cloud whose servers grow: each of them has room for hundreds.
HOSTS_FOR_SERVERS = 1_000

BY_HOSTS = "hosts"
BY_SERVERS = "servers"


class Point(msgspec.Struct, frozen=True):
    """What one more server costs in one cloud.

    Args:
        growing: what grows along the line that the point is on: ``hosts`` or ``servers``.
        hosts, servers: what the cloud has, in 10 cells, when the first of `runs` servers boots.
        wall_ms, cpu_ms: the median of a boot, from the request to ACTIVE.
        runs: boots that were timed.
        peak_mb: the most memory that the process held until its end.
        load: the machine's, when the process ended.
    """

    growing: str
    hosts: int
    servers: int
    wall_ms: float
    cpu_ms: float
    runs: int
    peak_mb: float
    load: float

    @property
    def size(self) -> int:
        """How many there are of what grows."""
        return self.hosts if self.growing == BY_HOSTS else self.servers


def measure(runs: int, most: int) -> Iterator[Point]:
    """Measure both lines up to `most` hosts and servers, and give each point when it is there."""
    for hosts in HOSTS:
        if hosts <= most:
            yield from _points(BY_HOSTS, hosts, (1,), runs)
    yield from _points(
        BY_SERVERS, HOSTS_FOR_SERVERS, tuple(each for each in SERVERS if each <= most), runs
    )


def _points(growing: str, hosts: int, servers: Sequence[int], runs: int) -> Iterator[Point]:
    cloud = in_a_fresh_process(
        LargeCloud,
        "bench.large",
        *("--hosts", str(hosts)),
        *("--servers", *map(str, servers)),
        *("--runs", str(runs)),
    )
    for each in cloud.boots:
        yield Point(
            growing=growing,
            hosts=hosts,
            servers=each.servers,
            wall_ms=round(each.boot.wall_ms, 3),
            cpu_ms=round(each.boot.cpu_ms, 3),
            runs=each.boot.runs,
            peak_mb=round(cloud.peak_mb, 1),
            load=cloud.machine.load,
        )


def write(points: Sequence[Point], path: Path) -> None:
    """Write points as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Point.__struct_fields__)
        writer.writerows(msgspec.structs.astuple(point) for point in points)


def read(path: Path) -> list[Point]:
    """Read what `write` has written."""
    with path.open(encoding="utf-8", newline="") as file:
        return [msgspec.convert(row, Point, strict=False) for row in csv.DictReader(file)]


def plot(points: Sequence[Point]) -> str:
    """Return the plot as SVG."""
    return draw(
        Plot(
            title="What one more server costs",
            subtitle=(
                f"From the request to ACTIVE, in 10 cells, median of {points[0].runs}; "
                "both axes are logarithmic"
            ),
            x="hosts, or servers, in the cloud",
            y="milliseconds of processor time",
            unit="ms",
            series=(
                _series("more hosts, few servers", BY_HOSTS, points),
                _series(f"more servers, on {HOSTS_FOR_SERVERS:,} hosts", BY_SERVERS, points),
            ),
        )
    )


def _series(name: str, growing: str, points: Sequence[Point]) -> Series:
    line = [(point.size, point.cpu_ms) for point in points if point.growing == growing]
    return Series(name, tuple(line))


def main() -> None:
    """Measure, or read what was measured, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=positive, default=25, help="boots at each point (default 25)"
    )
    parser.add_argument(
        "--most", type=positive, default=10_000, help="leave larger clouds out (default 10000)"
    )
    parser.add_argument("--draw", action="store_true", help="draw anew from the data, no more")
    parser.add_argument("--data", type=file_to_write, default=DATA, metavar="FILE", help="the CSV")
    parser.add_argument("--plot", type=file_to_write, default=PLOT, metavar="FILE", help="the SVG")
    arguments = parser.parse_args()
    screen = Screen()
    if arguments.draw:
        points = read(arguments.data)
    else:
        points = list(measure(arguments.runs, arguments.most))
        write(points, arguments.data)
    arguments.plot.write_text(plot(points), encoding="utf-8")
    screen.table(
        ["growing", "hosts", "servers", "a boot, wall", "processor", "peak memory", "load"],
        [
            (
                point.growing,
                f"{point.hosts:,}",
                f"{point.servers:,}",
                f"{amount(point.wall_ms)} ms",
                f"{amount(point.cpu_ms)} ms",
                f"{amount(point.peak_mb)} MB",
                f"{point.load:.1f}",
            )
            for point in points
        ],
    )


if __name__ == "__main__":
    main()
