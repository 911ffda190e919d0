"""Time moves in Nova's own functional harness: the steps that `bench.moves` times for Cellrig.

One line of JSON goes to stdout; logs, warnings and errors go to stderr. See README.md beside this
file. Nova's own helpers ask for a server's state every 500 ms; that is how its tests are written,
so that is what a test of it takes.
"""

import argparse
import importlib
import json
import sys
from importlib.metadata import version
from typing import Any

from nova_functional import (
    Timings,
    create_as_nova_does,
    delete_as_nova_does,
    import_harness,
    keep_stdout_for_the_report,
    run_case,
)

STEPS = ("create", "attach", "cold_migrate", "confirm", "live_migrate", "delete")


def audit(case: Any, server: Any) -> None:
    """Check what Nova's own tests check of a move: nothing is left in placement."""
    usages = case.placement.get("/allocations/" + server["id"], version="1.28").body
    if usages["allocations"]:
        raise RuntimeError(f"the server of the benchmark still holds {usages}")


def measure(timings: Timings, runs: int) -> None:
    """Run the story `runs` times in one cell with two hosts, and in three with six."""
    helpers = import_harness()
    fixtures = importlib.import_module("nova.tests.fixtures")

    def story(prefix: str) -> Any:
        def body(case: Any) -> None:
            cinder = case.useFixture(fixtures.CinderFixture(case))
            volume = cinder.MULTIATTACH_VOL
            step = timings.step
            with step(f"{prefix}.create"):
                server = create_as_nova_does(case)
            with step(f"{prefix}.attach"):
                case._attach_volume(server, volume)
            with step(f"{prefix}.cold_migrate"):
                case._migrate_server(server)
            with step(f"{prefix}.confirm"):
                case._confirm_resize(server)
            with step(f"{prefix}.live_migrate"):
                case._live_migrate(server)
            with step(f"{prefix}.delete"):
                delete_as_nova_does(case, server)
            audit(case, server)

        return body

    run_case(helpers, timings, 1, "first", story("first"))
    for _ in range(runs):
        run_case(helpers, timings, 1, "one", story("one"))
        run_case(helpers, timings, 3, "three", story("three"))


def main() -> None:
    """Measure, then print one line of JSON."""
    parser = argparse.ArgumentParser(description="Time moves in Nova's own functional harness.")
    parser.add_argument("--runs", type=int, default=3, help="runs of the story (default 3)")
    arguments = parser.parse_args()
    stdout = keep_stdout_for_the_report()
    timings = Timings()
    measure(timings, arguments.runs)
    figures: dict[str, str | int | float] = {
        "peer": "nova",
        "version": version("nova"),
        "runs": arguments.runs,
        "setup_ms": timings.milliseconds("one.setup"),
        "whole_ms": timings.milliseconds("one.whole"),
        "whole_3_cells_ms": timings.milliseconds("three.whole"),
        **{f"{step}_ms": timings.milliseconds(f"one.{step}") for step in STEPS},
    }
    print(json.dumps(figures), file=stdout, flush=True)
    sys.exit(0)


if __name__ == "__main__":
    main()
