"""What both sides of `bench.listing` have in common: the servers, and how steps are timed.

Only the standard library is used, because the peer has an interpreter of its own.
"""

import hashlib
import random
import statistics
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

PAGE = 1000
#: Pages of a walk that are read, where the walk has more; the rest is reckoned from them.
WALK_PAGES = 5
#: Runs of each step that are not counted.
WARM_UP = 1


class Listed(NamedTuple):
    """A server that both sides have: `created_at` in seconds after some beginning."""

    cell: int
    uuid: str
    name: str
    host: str
    project: str
    created_at: int


def listed_servers(cells: int, servers: int) -> Iterator[Listed]:
    """Yield servers, at random in the cells and created in random order; each time the same."""
    draw = random.Random(servers)
    for number in range(servers):
        yield Listed(
            draw.randrange(cells),
            str(uuid.UUID(int=draw.getrandbits(128))),
            f"server-{number}",
            f"host-{number % 50}",
            f"project-{number % 7}",
            draw.randrange(servers),
        )


def digest(uuids: Iterable[str]) -> str:
    """Return what tells whether two pages have the same servers in the same order."""
    return hashlib.sha256(" ".join(uuids).encode()).hexdigest()


def timed(
    step: Callable[[], object], runs: int, times: float = 1.0, warm_up: int = WARM_UP
) -> dict[str, float]:
    """Return the medians of the wall clock and of the processor in milliseconds.

    Args:
        step: what is timed.
        runs: how often it is counted.
        times: what it is a part of takes so many times as long.
        warm_up: how often it is run before.
    """
    wall, cpu = [], []
    for run in range(warm_up + runs):
        began = time.perf_counter(), time.process_time()
        step()
        if run >= warm_up:
            wall.append(time.perf_counter() - began[0])
            cpu.append(time.process_time() - began[1])
    return {
        "wall_ms": statistics.median(wall) * 1000 * times,
        "cpu_ms": statistics.median(cpu) * 1000 * times,
        "runs": runs,
    }
