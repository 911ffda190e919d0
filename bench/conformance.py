"""How long the conformance suite takes for the fake driver, by capability.

Exit status 1 when it takes longer than its target, or is not green. What is judged is the wall
clock; processor time stands beside it, because on a machine that others use the two differ.
"""

from __future__ import annotations

import sys
import time

from cellrig.cli.screen import Screen
from cellrig.testing.conformance import conform, find_setup

#: Seconds that the suite may take for the fake driver, all cases together.
TARGET = 5.0


def main() -> int:
    """Measure and show; return the exit status."""
    screen = Screen()
    began, cpu = time.perf_counter(), time.process_time()
    report = conform(find_setup("fake"))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    screen.section("conformance of the fake driver")
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
    told = f"{seconds:.2f} s by the wall clock ({cpu:.2f} s of processor time), below {TARGET:g} s"
    fast = screen.verdict(seconds < TARGET, told)
    green = screen.verdict(report.is_green, "all that is declared is verified")
    return 0 if fast and green else 1


if __name__ == "__main__":
    sys.exit(main())
