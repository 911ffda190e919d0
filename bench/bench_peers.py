"""Cellrig beside Nova's own functional harness: the same steps, in one run, as ratios.

Exit status 1 when Cellrig's tiny test is not 100 times as fast, or holds more than 80 MB. Nova
waits for its servers by asking every 500 ms, so part of its time is sleep: what is left with a
fine poll stands beside it. See `peers/README.md` for what is measured of Nova.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

import msgspec

from bench.measure import ROOT, Machine, in_a_fresh_process, machine, positive
from bench.ours import Timed
from bench.report import amount, file_to_write
from cellrig.cli.screen import Screen

_PEER = ROOT / "bench" / "peers" / "nova_functional.py"

TIMES_FASTER = 100
MOST_MB = 80

#: What is compared: its title, its name, the unit, and what Nova has of it with a fine poll.
_STEPS = (
    ("import", "import_seconds", "s", None),
    ("set up 1 cell with 2 hosts", "setup_1_cell_2_hosts_ms", "ms", None),
    ("set up 3 cells with 6 hosts", "setup_3_cells_6_hosts_ms", "ms", None),
    ("create a server", "create_server_ms", "ms", "create_server_fine_poll_ms"),
    ("a tiny test", "tiny_test_ms", "ms", "tiny_test_fine_poll_ms"),
    ("the first test of a process", "first_test_ms", "ms", None),
    ("most memory resident", "rss_mb", "MB", None),
)


class NovaTimed(Timed, frozen=True):
    """What Nova's harness needs, also when it asks for states every 5 ms."""

    sqlalchemy: str
    concurrency: str
    create_server_fine_poll_ms: float
    tiny_test_fine_poll_ms: float


class Comparison(msgspec.Struct, frozen=True):
    """Both, measured one after the other, and the machine before and after."""

    nova: NovaTimed
    cellrig: Timed
    before: Machine
    after: Machine

    def ratio(self, of_nova: str, of_ours: str) -> float:
        """Return one of Nova's figures in our figures."""
        value: float = getattr(self.nova, of_nova) / getattr(self.cellrig, of_ours)
        return value


def time_nova(python: str, runs: int) -> NovaTimed:
    """Run Nova's harness with an interpreter that has it.

    Raises:
        RuntimeError: it failed; what it said stands on stderr.
    """
    command = [python, str(_PEER), "--runs", str(runs)]
    try:
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"Nova's harness gave no figures: {error}") from error
    return msgspec.json.decode(said, type=NovaTimed)


def show(screen: Screen, compared: Comparison) -> bool:
    """Write the table and the verdicts; return whether the targets are met."""
    rows = []
    for title, name, unit, fine in _STEPS:
        nova, ours = getattr(compared.nova, name), getattr(compared.cellrig, name)
        row = [title, f"{amount(nova)} {unit}", f"{amount(ours)} {unit}"]
        row.append(f"{amount(compared.ratio(name, name))} times")
        if fine is not None:
            row += [
                f"{amount(getattr(compared.nova, fine))} {unit}",
                f"{amount(compared.ratio(fine, name))} times",
            ]
        rows.append(row + [""] * (6 - len(row)))
    screen.table(["what", "Nova", "Cellrig", "less", "Nova, fine poll", "less"], rows)
    nova, ours = compared.nova, compared.cellrig
    screen.show(
        f"Nova {nova.version} ({nova.concurrency}, SQLAlchemy {nova.sqlalchemy}), medians of "
        f"{nova.runs} runs, {nova.tiny_tests_per_second:.2f} tests a second; "
        f"Cellrig {ours.version}, {ours.runs} runs, {ours.tiny_tests_per_second:.1f} a second.\n"
        "Nova's own helpers ask for a server's state every 500 ms; with the fine poll, every 5 ms."
        f"\nbefore: {compared.before}\nafter:  {compared.after}"
    )
    times = compared.ratio("tiny_test_ms", "tiny_test_ms")
    fine_times = compared.ratio("tiny_test_fine_poll_ms", "tiny_test_ms")
    fast = screen.verdict(
        times >= TIMES_FASTER,
        f"a tiny test is {amount(times)} times as fast as Nova's (target {TIMES_FASTER}); "
        f"against Nova without its sleeps, {amount(fine_times)} times",
    )
    small = screen.verdict(
        ours.rss_mb <= MOST_MB,
        f"{amount(ours.rss_mb)} MB resident at most (target {MOST_MB}); "
        f"Nova {amount(nova.rss_mb)} MB",
    )
    return fast and small


def main() -> None:
    """Measure both, show, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nova-runs", type=positive, default=3, help="runs for Nova (default 3)")
    parser.add_argument("--runs", type=positive, default=50, help="runs for Cellrig (default 50)")
    parser.add_argument(
        "--nova-python", default=sys.executable, help="an interpreter that has Nova (default: this)"
    )
    parser.add_argument(
        "--json", type=file_to_write, metavar="FILE", help="write the figures there too"
    )
    arguments = parser.parse_args()
    before = machine()
    ours = in_a_fresh_process(Timed, "bench.ours", "--runs", str(arguments.runs))
    try:
        nova = time_nova(arguments.nova_python, arguments.nova_runs)
    except RuntimeError as error:
        sys.exit(str(error))
    compared = Comparison(nova, ours, before, machine())
    met = show(Screen(), compared)
    if arguments.json is not None:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(compared)) + b"\n")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
