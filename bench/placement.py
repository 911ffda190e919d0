"""Cellrig's placement beside OpenStack Placement: the same requests, by turns, in one run.

Both answer in process through their WSGI applications; the peer runs in an interpreter that has it
(``--placement-python``), over SQLite. Hosts are trees of 7 providers. The query wants processors,
memory, disk, and a virtual function on a named physical network; before every query there is a
claim. A *new* query was never asked before, *again* is the query that was asked last.

Exit status 1 when a target is missed. On a machine that others use, the longer of two steps loses
more by the wall clock, because it is interrupted more often: that would flatter the faster side. So
a target is met when it is met both by the wall clock and in processor time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.measure import ROOT, Machine, Sample, machine
from bench.placement_contest import Contest, Script, side
from bench.report import amount, file_to_write
from cellrig.cli.screen import Screen

_PEER = ROOT / "bench" / "peers" / "openstack_placement.py"
_MEMORY_FILES = Path("/dev/shm")  # noqa: S108 - only a folder for the peer's own folder

LIMITS = (10, 100, 1_000, None)
MOST_MB = 150
LARGE = 5_000

#: How many times faster, by step and number of hosts; 0 stands for all that are not named.
TARGETS = {
    "limit 10": {1_000: 100, LARGE: 500},
    "limit 1,000": {0: 15},
    "no limit": {0: 15},
    "claim": {0: 15},
    "tree": {0: 10},
}


class Compared(msgspec.Struct, frozen=True):
    """One step of both.

    Args:
        hosts: how many there were.
        step: what was measured.
        ours, peer: medians.
        target: how many times faster ours is to be; None for no target.
    """

    hosts: int
    step: str
    ours: Sample
    peer: Sample
    target: int | None

    @property
    def times(self) -> tuple[float, float]:
        """How many times faster ours is, by the wall clock and in processor time."""
        ours, peer = self.ours, self.peer
        return peer.wall_ms / ours.wall_ms, peer.cpu_ms / ours.cpu_ms

    @property
    def met(self) -> bool | None:
        """Whether the target is met by both; None where there is none."""
        return None if self.target is None else min(self.times) >= self.target


class Size(msgspec.Struct, frozen=True):
    """What was measured with one number of hosts.

    Args:
        compared: the steps.
        answer_bytes: the size of our answer without a limit.
        parts: by limit, the parts of our processor time in milliseconds.
    """

    compared: tuple[Compared, ...]
    answer_bytes: int
    parts: dict[str, dict[str, float]]


class Result(msgspec.Struct, frozen=True):
    """Everything of one run; `resident_mb`, `peak_mb` are ours with `LARGE` hosts, if measured."""

    ours: str
    peer: str
    sizes: tuple[Size, ...]
    resident_mb: float | None
    peak_mb: float | None
    before: Machine
    after: Machine

    def missed(self) -> bool:
        """Whether any target is missed."""
        steps = [step for size in self.sizes for step in size.compared]
        too_big = self.peak_mb is not None and self.peak_mb > MOST_MB
        return too_big or any(step.met is False for step in steps)


def title(limit: int | None) -> str:
    """Return what a query with this limit is called."""
    return "no limit" if limit is None else f"limit {limit:,}"


def ours_with(hosts: int) -> list[str]:
    """Return the command of our side."""
    return [sys.executable, "-m", "bench.placement_ours", "--hosts", str(hosts)]


def peer_with(python: str, hosts: int) -> list[str]:
    """Return the command of the peer."""
    folder = ["--folder", str(_MEMORY_FILES)] if _MEMORY_FILES.is_dir() else []
    return [python, str(_PEER), "--hosts", str(hosts), *folder]


def contend(contest: Contest, script: Script, rounds: int) -> Size:
    """Run every step `rounds` times."""
    contest.run("first query of the process", script.query(10))
    contest.compare(script.query(None))
    for _ in range(rounds):
        for limit in LIMITS:
            query = script.query(limit)
            for asked in ("new", "again"):
                contest.run("claim", script.claim())
                contest.run(f"{title(limit)}: {asked}", query)
        contest.run("tree", *script.tree())
    size = contest.compare(script.query(None))
    parts = {title(limit): contest.ours.do("parts", script.query(limit)[1]) for limit in LIMITS}
    if script.hosts < LARGE:  # the peer would take minutes
        for claim in script.spread():
            contest.run("claim", claim)
        for _ in range(rounds):
            query = script.query(None)
            contest.run("no limit, no two hosts used alike: new", query)
            contest.run("no limit, no two hosts used alike: again", query)
    steps = contest.steps()
    compared = [
        Compared(script.hosts, name, *samples, _target(name, script.hosts))
        for name, samples in steps.items()
    ]
    return Size(tuple(compared), size, parts)


def _target(step: str, hosts: int) -> int | None:
    by_hosts = TARGETS.get(step.partition(": ")[0], {})
    return by_hosts.get(hosts, by_hosts.get(0))


def memory(hosts: int) -> tuple[float, float]:
    """Return what our side holds, and the most it held, after every kind of query, in MiB."""
    with side(*ours_with(hosts)) as ours:
        script = Script(hosts)
        for _ in range(5):
            for limit in LIMITS:
                query = script.query(limit)
                ours.ask(query, script.claim(), query)
        held = ours.do("memory", None)
    return held["resident"], held["peak"]


def rows(result: Result) -> Iterator[list[str]]:
    """Yield the lines of the table."""
    for each in (step for size in result.sizes for step in size.compared):
        yield [
            f"{each.hosts:,} hosts: {each.step}",
            f"{amount(each.ours.wall_ms)} ms",
            f"{amount(each.peer.wall_ms)} ms",
            *[f"{amount(times)} times" for times in each.times],
            "" if each.target is None else f"≥ {each.target} times",
            {None: "", True: "[green]yes[/]", False: "[bold red]NO[/]"}[each.met],
            f"{each.ours.runs}",
        ]


def show(screen: Screen, result: Result) -> None:
    """Write the figures, where our time goes, and the verdict."""
    columns = ["what", "Cellrig", "Placement", "faster", "of processor", "target", "met", "runs"]
    screen.table(columns, list(rows(result)))
    parts = [
        [f"{size.compared[0].hosts:,} hosts: {limit}", *[f"{ms:.2f} ms" for ms in part.values()]]
        for size in result.sizes
        for limit, part in size.parts.items()
    ]
    titles = [name for size in result.sizes for name in next(iter(size.parts.values()))]
    screen.table(["where our processor time goes", *dict.fromkeys(titles)], parts)
    screen.show(
        "search: from the query to trees and ways; write: the JSON; frame: WSGI, routing, checks,\n"
        "headers; encoding: what msgspec takes for the same answer from dicts, for comparison."
    )
    for size in result.sizes:
        claim = next(each for each in size.compared if each.step == "claim")
        screen.show(
            f"{claim.hosts:,} hosts: the answer without a limit is {size.answer_bytes / 1e6:.2f} MB"
            f"; claims a second: {1000 / claim.ours.wall_ms:,.0f}, "
            f"the peer's {1000 / claim.peer.wall_ms:,.0f}"
        )
    screen.show(
        f"{result.ours} and {result.peer}, medians, by turns.\n"
        f"before: {result.before}\nafter:  {result.after}"
    )
    if result.peak_mb is not None:
        screen.verdict(
            result.peak_mb <= MOST_MB,
            f"{LARGE:,} hosts: {amount(result.peak_mb)} MB resident at most (target {MOST_MB}), "
            f"{amount(result.resident_mb or 0)} MB in the end",
        )
    screen.verdict(not result.missed(), "every target is met")


def measure(python: str, sizes: dict[int, int], screen: Screen) -> Result:
    """Let both contend with each number of hosts, for so many rounds; then weigh our side."""
    before = machine()
    found: list[Size] = []
    names: tuple[str, str] = ("", "")
    with screen.progress("measuring", len(sizes)) as advance:
        for hosts, rounds in sizes.items():
            with side(*ours_with(hosts)) as ours, side(*peer_with(python, hosts)) as peer:
                names = ours.name, peer.name
                found.append(contend(Contest(ours, peer), Script(hosts), rounds))
            advance()
    resident, peak = memory(LARGE) if LARGE in sizes else (None, None)
    return Result(*names, tuple(found), resident, peak, before, machine())


def main() -> None:
    """Measure both, show, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--placement-python",
        default=sys.executable,
        help="an interpreter that has openstack-placement (default: this)",
    )
    parser.add_argument(
        "--json", type=file_to_write, metavar="FILE", help="write the figures there too"
    )
    parser.add_argument("--quick", action="store_true", help="100 hosts alone")
    arguments = parser.parse_args()
    screen = Screen()
    sizes = {100: 5} if arguments.quick else {100: 15, 1_000: 9, LARGE: 5}
    try:
        result = measure(arguments.placement_python, sizes, screen)
    except (OSError, RuntimeError) as error:
        sys.exit(str(error))
    show(screen, result)
    if arguments.json is not None:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    sys.exit(1 if result.missed() else 0)


if __name__ == "__main__":
    main()
