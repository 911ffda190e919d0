"""A cloud of many hosts and servers in one process: its start, its memory, a boot there.

Prints one line of JSON; `foundation` and `growth` run it in a process of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import msgspec

from bench.measure import (
    Machine,
    Sample,
    Stopwatch,
    machine,
    peak_resident_mb,
    positive,
    print_json,
)
from bench.small import boot, whole_test
from cellrig import Cell, Rig, Topology

CELLS = 10

#: Servers in one request while a cloud is filled.
_BATCH = 100


class Booting(msgspec.Struct, frozen=True):
    """What a boot costs in a cloud that has `servers` already."""

    servers: int
    boot: Sample


class LargeCloud(msgspec.Struct, frozen=True):
    """What a cloud of `hosts` hosts in `CELLS` cells costs.

    Args:
        hosts: how many.
        start: once, from the topology to a cloud that answers.
        started_mb: the most memory held until then.
        boots: with more and more servers present.
        stop: once, with the audit where rigs have it.
        peak_mb: the most memory held at the end.
        machine: after all of that.
    """

    hosts: int
    start: Sample
    started_mb: float
    boots: tuple[Booting, ...]
    stop: Sample
    peak_mb: float
    machine: Machine


def measure(
    hosts: int, servers: Sequence[int], runs: int, plugins: Sequence[str] | None
) -> LargeCloud:
    """Start a cloud, and boot `runs` servers each time that it has as many as `servers` says."""
    whole_test(plugins)  # what a process finds and compiles once
    start, stop = Stopwatch(), Stopwatch()
    topology = Topology(cells=[Cell(f"cell{i + 1}", hosts // CELLS) for i in range(CELLS)])
    with start.running():
        rig = Rig(topology, plugins=plugins).start()
    started_mb = peak_resident_mb()
    boot(rig)  # what a rig reads once: the scheduler's view of placement
    present = 1
    boots = []
    for wanted in servers:
        present += fill(rig, wanted - present)
        boots.append(Booting(present, time_boots(rig, runs)))
        present += runs
    with stop.running():
        rig.stop()
    return LargeCloud(
        hosts,
        start.median(),
        started_mb,
        tuple(boots),
        stop.median(),
        peak_resident_mb(),
        machine(),
    )


def fill(rig: Rig, count: int) -> int:
    """Create `count` servers, none where it is negative; return how many that were."""
    left = max(count, 0)
    while left:
        batch = rig.servers.create(count=min(left, _BATCH))
        for server in batch:
            if server.status != "ACTIVE":
                raise RuntimeError(f"a server that fills the cloud is {server.status}")
        left -= len(batch)
    return max(count, 0)


def time_boots(rig: Rig, runs: int) -> Sample:
    """Return what one more server costs."""
    booting = Stopwatch()
    for _ in range(runs):
        with booting.running():
            boot(rig)
    return booting.median()


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=100, help="a multiple of 10 (default 100)")
    parser.add_argument(
        "--servers", type=positive, nargs="+", default=[1], help="present at a boot"
    )
    parser.add_argument("--runs", type=positive, default=20, help="boots each time (default 20)")
    parser.add_argument("--no-plugins", action="store_true", help="a rig without any plugin")
    arguments = parser.parse_args()
    if arguments.hosts < CELLS or arguments.hosts % CELLS:
        parser.error(f"--hosts is {arguments.hosts}; it takes a multiple of {CELLS}")
    plugins = () if arguments.no_plugins else None
    print_json(measure(arguments.hosts, arguments.servers, arguments.runs, plugins))


if __name__ == "__main__":
    main()
