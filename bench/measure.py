"""Time and memory: what a step takes, what a process holds, what the machine was doing."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent

#: Additions in the loop that tells one machine, or one moment, from another.
_LOOP = 1_000_000


class Sample(msgspec.Struct, frozen=True):
    """What a step cost, as medians.

    Args:
        wall_ms: what a clock on the wall would say.
        cpu_ms: what the process had of the processor; less than the wall where it shared it.
        runs: how often the step ran.
    """

    wall_ms: float
    cpu_ms: float
    runs: int


class Stopwatch:
    """Times one step, as often as it runs."""

    def __init__(self) -> None:
        self._wall: list[float] = []
        self._cpu: list[float] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time the body; a body that raises leaves no entry."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.add(time.perf_counter() - wall, time.process_time() - cpu)

    def add(self, wall: float, cpu: float) -> None:
        """Add one run that was timed elsewhere, in seconds."""
        self._wall.append(wall)
        self._cpu.append(cpu)

    def median(self) -> Sample:
        """Return the medians of all runs."""
        return Sample(
            statistics.median(self._wall) * 1000,
            statistics.median(self._cpu) * 1000,
            len(self._wall),
        )

    def mean(self) -> Sample:
        """Return the means, which leave nothing out: the garbage collector has its turns too."""
        return Sample(
            statistics.fmean(self._wall) * 1000,
            statistics.fmean(self._cpu) * 1000,
            len(self._wall),
        )


class Machine(msgspec.Struct, frozen=True):
    """Where figures come from, and how far to trust them.

    Args:
        python: the interpreter and its version.
        cores: how many this process may use.
        load: tasks that wanted to run, mean of the last minute.
        loop_ms: processor time of a fixed loop; figures of two moments compare where it does.
    """

    python: str
    cores: int
    load: float
    loop_ms: float

    def __str__(self) -> str:
        return (
            f"{self.python}, {self.cores} cores, load {self.load:.1f}, "
            f"a loop of {_LOOP:,} additions {self.loop_ms:.0f} ms"
        )


def machine() -> Machine:
    """Return what can be said of the machine at this moment."""
    loop = Stopwatch()
    for _ in range(5):
        with loop.running():
            total = 0
            for number in range(_LOOP):
                total += number
    return Machine(
        f"{platform.python_implementation()} {platform.python_version()}",
        len(os.sched_getaffinity(0)),
        round(os.getloadavg()[0], 2),
        round(loop.median().cpu_ms, 1),
    )


def peak_resident_mb() -> float:
    """Return the most memory that this process ever held resident, in MiB (Linux only)."""
    return _status_mb("VmHWM")


def resident_mb() -> float:
    """Return the memory that this process holds resident, in MiB (Linux only)."""
    return _status_mb("VmRSS")


def _status_mb(key: str) -> float:
    # Not getrusage: its ru_maxrss may be the parent's, carried over fork and exec.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no line {key}")


def in_a_fresh_process(kind: type[T], module: str, *arguments: str) -> T:
    """Run a module of this package in a new interpreter and return the `kind` that it printed."""
    return msgspec.json.decode(_output("-m", module, *arguments), type=kind)


def time_imports(statements: str, runs: int) -> Sample:
    """Return what `statements` take in fresh interpreters, whose own start is not counted."""
    code = (
        "import time; wall, cpu = time.perf_counter(), time.process_time()\n"
        f"{statements}\n"
        "print([time.perf_counter() - wall, time.process_time() - cpu])"
    )
    stopwatch = Stopwatch()
    for _ in range(runs):
        stopwatch.add(*json.loads(_output("-c", code)))
    return stopwatch.median()


def _output(*arguments: str) -> bytes:
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout


def positive(text: str) -> int:
    """Return a number of the command line that must be 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"it takes 1 or more, not {number}")
    return number


def print_json(value: object) -> None:
    """Print what `in_a_fresh_process` reads."""
    print(msgspec.json.encode(value).decode())
