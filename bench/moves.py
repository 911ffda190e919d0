"""What moves cost, beside the same story in Nova's own functional harness, in one run.

The story: create a server, attach a volume, migrate it cold, confirm, migrate it live, delete it,
with set-up and audit. Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version

import msgspec

from bench.measure import ROOT, Stopwatch, in_a_fresh_process, machine, positive, print_json
from bench.report import amount, file_to_write
from bench.small import WARM_UP
from cellrig.cli.screen import Screen

_PEER = ROOT / "bench" / "peers" / "nova_moves.py"

#: How many times faster than Nova a move and the whole story have to be, and how many
#: milliseconds a move may take.
TIMES_FASTER = 100
MOST_MS = 6.0

_STEPS = ("create", "attach", "cold_migrate", "confirm", "live_migrate", "delete")


class Told(msgspec.Struct, frozen=True):
    """What the story costs: medians, milliseconds."""

    peer: str
    version: str
    runs: int
    setup_ms: float
    whole_ms: float
    whole_3_cells_ms: float
    create_ms: float
    attach_ms: float
    cold_migrate_ms: float
    confirm_ms: float
    live_migrate_ms: float
    delete_ms: float


def measure(runs: int) -> Told:
    """Tell the story `runs` times in one cell with two hosts, and in three with six."""
    import cellrig.testing  # noqa: F401 - a test has it in memory
    from bench.small import THREE_CELLS, TWO_HOSTS
    from cellrig import Rig
    from cellrig.topology import Topology

    watches = {step: Stopwatch() for step in (*_STEPS, "setup", "whole", "whole_3_cells")}

    def tell(topology: Topology, into: dict[str, Stopwatch], whole: str) -> None:
        with into[whole].running():
            with into["setup"].running():
                rig = Rig(topology).start()
            volume = rig.volumes.create(size=1, multiattach=True)
            with into["create"].running():
                server = rig.servers.create()
            with into["attach"].running():
                rig.servers.attach_volume(server, volume)
            with into["cold_migrate"].running():
                server = rig.servers.migrate(server)
            if server.status != "VERIFY_RESIZE":
                raise RuntimeError(f"the server of the benchmark is {server.status}")
            with into["confirm"].running():
                server = rig.servers.confirm_resize(server)
            before = server.host
            with into["live_migrate"].running():
                server = rig.servers.live_migrate(server)
            if server.host == before:
                raise RuntimeError("the server of the benchmark has not moved")
            with into["delete"].running():
                rig.servers.delete(server)
            rig.stop()

    unread = {name: Stopwatch() for name in watches}
    for run in range(WARM_UP + runs):
        into = watches if run >= WARM_UP else unread
        tell(TWO_HOSTS, into, "whole")
        tell(THREE_CELLS, {**unread, "whole_3_cells": into["whole_3_cells"]}, "whole_3_cells")
    return Told(
        peer="cellrig",
        version=version("cellrig"),
        runs=runs,
        **{f"{name}_ms": watch.median().wall_ms for name, watch in watches.items()},
    )


def time_nova(python: str, runs: int) -> Told:
    """Tell the story in Nova's harness, with an interpreter that has it.

    Raises:
        RuntimeError: it failed; what it logged stands on stderr.
    """
    command = [python, str(_PEER), "--runs", str(runs)]
    try:
        done = subprocess.run(command, check=False, capture_output=True)
    except OSError as error:
        raise RuntimeError(f"Nova's harness gave no figures: {error}") from error
    if done.returncode:
        sys.stderr.buffer.write(done.stderr)
        raise RuntimeError(f"Nova's harness gave no figures: it ended with {done.returncode}")
    return msgspec.json.decode(done.stdout, type=Told)


def _rows(ours: Told, nova: Told | None) -> Iterator[list[str]]:
    for name in ("setup", *_STEPS, "whole", "whole_3_cells"):
        mine = getattr(ours, f"{name}_ms")
        row = [name.replace("_", " "), f"{amount(mine)} ms"]
        if nova is not None:
            peers = getattr(nova, f"{name}_ms")
            row += [f"{amount(peers)} ms", f"{amount(peers / mine)} times"]
        yield row


def judge(screen: Screen, ours: Told, nova: Told | None) -> bool:
    """Hold the figures to their targets; return whether all are met."""
    met = True
    for step in ("cold_migrate", "live_migrate"):
        mine = getattr(ours, f"{step}_ms")
        told = f"a {step.replace('_', ' ')} takes {amount(mine)} ms (target {MOST_MS:g})"
        met &= screen.verdict(mine <= MOST_MS, told)
        if nova is not None:
            times = getattr(nova, f"{step}_ms") / mine
            met &= screen.verdict(
                times >= TIMES_FASTER, f"{amount(times)} times as fast (target {TIMES_FASTER})"
            )
    if nova is not None:
        times = nova.whole_ms / ours.whole_ms
        met &= screen.verdict(
            times >= TIMES_FASTER,
            f"the whole story is {amount(times)} times as fast (target {TIMES_FASTER})",
        )
    return met


def main() -> None:
    """Measure, show, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=positive, default=100, help="runs for Cellrig (default 100)")
    parser.add_argument("--nova-runs", type=positive, default=3, help="runs for Nova (default 3)")
    parser.add_argument(
        "--nova-python", metavar="PYTHON", help="an interpreter that has Nova; without it, no peer"
    )
    parser.add_argument(
        "--json", type=file_to_write, metavar="FILE", help="write the figures there too"
    )
    parser.add_argument("--raw", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.raw:
        print_json(measure(arguments.runs))
        return
    before = machine()
    ours = in_a_fresh_process(Told, "bench.moves", "--raw", "--runs", str(arguments.runs))
    nova = None
    if arguments.nova_python is not None:
        try:
            nova = time_nova(arguments.nova_python, arguments.nova_runs)
        except RuntimeError as error:
            sys.exit(str(error))
    screen = Screen()
    headers = ["what", "Cellrig"] + (["Nova", "less"] if nova is not None else [])
    screen.table(headers, list(_rows(ours, nova)))
    screen.show(f"medians of {ours.runs} runs\nbefore: {before}\nafter:  {machine()}")
    met = judge(screen, ours, nova)
    if arguments.json is not None:
        told = {"cellrig": ours, "nova": nova}
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
