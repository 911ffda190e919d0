"""How long the conformance suite takes for a driver, ``fake`` or ``libvirt``, by capability.

Exit status 1 when it takes longer than its target, or is not green. What is judged is the wall
clock; processor time stands beside it, because on a machine that others use the two differ. That of
libvirt is tried on two private QEMU hosts, a pair for each of two processes, and their processor
time counts.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from cellrig.cli.screen import Screen
from cellrig.testing.conformance import Plan, conform, find_setup

#: Seconds that the suite may take for a driver, all cases together.
TARGETS = {"fake": 5.0, "libvirt": 120.0}
#: Processes that try cases side by side: QEMU's are waited for most of the time.
JOBS = {"fake": 1, "libvirt": 2}


def main() -> int:
    """Measure and show; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.conformance", description=__doc__)
    parser.add_argument("driver", nargs="?", choices=sorted(TARGETS), default="fake")
    driver = parser.parse_args().driver
    screen = Screen()
    began, cpu, target = time.perf_counter(), sum(os.times()[:4]), TARGETS[driver]
    report = conform(find_setup(driver), Plan(jobs=JOBS[driver]))
    seconds, cpu = time.perf_counter() - began, sum(os.times()[:4]) - cpu
    screen.section(f"conformance of driver {driver}")
    rows = sorted(report.rows(), key=lambda row: -row.seconds)
    screen.table(
        ("capability", "declared", "verified", "cases", "ms", "ms a case"),
        [
            (
                row.name,
                row.declared,
                row.verified,
                str(row.tried),
                f"{row.seconds * 1000:.0f}",
                f"{row.seconds * 1000 / max(row.tried, 1):.0f}",
            )
            for row in rows
        ],
    )
    told = f"{seconds:.2f} s by the wall clock ({cpu:.2f} s of processor time), below {target:g} s"
    fast = screen.verdict(seconds < target, told)
    green = screen.verdict(report.is_green, "all that is declared is verified")
    return 0 if fast and green else 1


if __name__ == "__main__":
    sys.exit(main())
