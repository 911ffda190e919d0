"""What volumes cost: attach and detach, booting from one, and one more among a thousand.

Exit status 1 when a target is missed. Times are judged by the wall clock; processor time stands
beside them, because on a machine that others use the two differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import msgspec

from bench.measure import Sample, Stopwatch, in_a_fresh_process, machine, positive, print_json
from bench.report import Figure, Report, file_to_write, milliseconds
from bench.small import WARM_UP
from cellrig import Cell, Rig, Server, Topology
from cellrig.cli.screen import Screen
from cellrig.model import BlockDevice, SourceType
from cellrig.volume.types import Volume

TWO_HOSTS = Topology(cells=[Cell("cell1", 2)])
TEN_HOSTS = Topology(
    cells=[Cell("cell1", 10)],
    options={"vcpus": 64, "memory_mb": 65536, "disk_gb": 1000},
)
SERVERS = 100
#: Attached volumes at which the cost of one more is measured; each server that has some has ten.
FEW, MANY = 10, 1_000
EACH = 10


class VolumeCosts(msgspec.Struct, frozen=True):
    """What was measured; each step from the request until nothing is left to do.

    Args:
        attach, detach: a volume of a server that has no other.
        both: one after the other.
        boot_from_new, boot_from_old: a server whose root disk is a volume made from an image, or
            one that is there.
        attach_among_few, attach_among_many: an eleventh volume of a server, in a cloud where
            `FEW` and `MANY` are attached.
    """

    attach: Sample
    detach: Sample
    both: Sample
    boot_from_new: Sample
    boot_from_old: Sample
    attach_among_few: Sample
    attach_among_many: Sample


def attach(rig: Rig, server: Server, volume: Volume) -> None:
    """Attach a volume.

    Raises:
        RuntimeError: it is not in use; a figure of a failed attach means nothing.
    """
    rig.servers.attach_volume(server, volume)
    status = rig.volumes.show(volume).status
    if status != "in-use":
        raise RuntimeError(f"a volume of the benchmark is {status} after it was attached")


def time_pair(rig: Rig, server: Server, runs: int) -> tuple[Stopwatch, Stopwatch, Stopwatch]:
    """Attach and detach a volume `runs` times; return the times of each, and of both together."""
    volume = rig.volumes.create(size=1)
    for _ in range(WARM_UP):
        attach(rig, server, volume)
        rig.servers.detach_volume(server, volume)
    attaching, detaching, both = Stopwatch(), Stopwatch(), Stopwatch()
    for _ in range(runs):
        with both.running():
            with attaching.running():
                rig.servers.attach_volume(server, volume)
            with detaching.running():
                rig.servers.detach_volume(server, volume)
    attach(rig, server, volume)
    rig.servers.detach_volume(server, volume)
    return attaching, detaching, both


def time_boot(rig: Rig, source: SourceType, runs: int) -> Stopwatch:
    """Boot servers from volumes, each deleted again; return what the boots took."""
    image = rig.images.list()[0].id
    volume = rig.volumes.create(size=1, image=image)
    uuid = image if source == SourceType.IMAGE else volume.id
    disk = BlockDevice(
        source_type=source,
        uuid=uuid,
        volume_size=1,
        boot_index=0,
        delete_on_termination=source == SourceType.IMAGE,
    )
    booting = Stopwatch()
    for run in range(WARM_UP + runs):
        stopwatch = booting if run >= WARM_UP else Stopwatch()
        with stopwatch.running():
            server = rig.servers.create(block_devices=[disk])
        if server.status != "ACTIVE":
            raise RuntimeError(f"a server of the benchmark is {server.status}: {server.fault}")
        rig.servers.delete(server)
    return booting


def time_growth(runs: int) -> tuple[Sample, Sample]:
    """Return what an eleventh volume costs a server among few volumes, and among many."""
    with Rig(TEN_HOSTS) as rig:
        servers = [rig.servers.create(name=f"server-{number}") for number in range(SERVERS)]
        attached = 0
        samples = []
        for wanted in (FEW, MANY):
            while attached < wanted:
                attach(rig, servers[attached // EACH], rig.volumes.create(size=1))
                attached += 1
            attaching, _detaching, _both = time_pair(rig, servers[0], runs)
            samples.append(attaching.median())
    few, many = samples
    return few, many


def measure(runs: int) -> VolumeCosts:
    """Run every step `runs` times, in rigs with all plugins."""
    with Rig(TWO_HOSTS) as rig:
        attaching, detaching, both = time_pair(rig, rig.servers.create(), runs)
        new = time_boot(rig, SourceType.IMAGE, runs)
        old = time_boot(rig, SourceType.VOLUME, runs)
    few, many = time_growth(runs)
    return VolumeCosts(
        attach=attaching.median(),
        detach=detaching.median(),
        both=both.median(),
        boot_from_new=new.median(),
        boot_from_old=old.median(),
        attach_among_few=few,
        attach_among_many=many,
    )


def figures(cost: VolumeCosts) -> Iterator[Figure]:
    """Hold what was measured to its targets."""
    yield milliseconds("attach and detach, together", cost.both, 5)
    yield milliseconds("attach", cost.attach)
    yield milliseconds("detach", cost.detach)
    yield milliseconds("boot from a new volume of an image", cost.boot_from_new)
    yield milliseconds("boot from a volume that is there", cost.boot_from_old)
    few, many = cost.attach_among_few, cost.attach_among_many
    yield milliseconds(f"attach among {FEW:,} volumes", few)
    yield milliseconds(f"attach among {MANY:,} volumes of {SERVERS} servers", many)
    yield Figure(
        f"attach among {MANY:,} volumes, in attaches among {FEW:,}",
        "times",
        many.wall_ms / few.wall_ms,
        many.cpu_ms / few.cpu_ms,
        many.runs,
        1.2,
    )


def main() -> None:
    """Measure, show, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--json", type=file_to_write, metavar="FILE", help="write the figures there too"
    )
    parser.add_argument(
        "--runs", type=positive, default=200, help="runs of each step (default 200)"
    )
    parser.add_argument("--raw", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.raw:
        print_json(measure(arguments.runs))
        return
    before = machine()
    cost = in_a_fresh_process(VolumeCosts, "bench.volumes", "--raw", "--runs", str(arguments.runs))
    report = Report(tuple(figures(cost)), before, machine())
    report.show(Screen())
    if arguments.json is not None:
        report.write(arguments.json)
    sys.exit(1 if report.missed() else 0)


if __name__ == "__main__":
    main()
