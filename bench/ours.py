"""Time Cellrig on the steps that `peers/nova_functional.py` times for Nova, under the same names.

Prints one line of JSON; `bench_peers` runs it in a process of its own. The import counts what a
test comes to use, also what `import cellrig` leaves until then: the driver, plugins, test kit.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version

import msgspec

from bench.measure import Stopwatch, peak_resident_mb, positive, print_json, time_imports

_IMPORTS = (
    "import cellrig.rig, cellrig.testing, cellrig.topology\n"
    "import cellrig_audit, cellrig_fake, cellrig_faults, cellrig_timeline"
)

#: Imports are timed in processes of their own, which takes longest.
_IMPORT_RUNS = 7


class Timed(msgspec.Struct, frozen=True):
    """What a harness needs for the same steps; the names are told in `peers/README.md`."""

    peer: str
    version: str
    runs: int
    import_seconds: float
    setup_1_cell_2_hosts_ms: float
    setup_3_cells_6_hosts_ms: float
    create_server_ms: float
    first_test_ms: float
    tiny_test_ms: float
    tiny_tests_per_second: float
    rss_mb: float


def measure(runs: int) -> Timed:
    """Time every step `runs` times; the first test of the process is in no median."""
    import_time = time_imports(_IMPORTS, _IMPORT_RUNS)

    import cellrig.testing  # noqa: F401 - a test has it in memory
    from bench.small import THREE_CELLS, TWO_HOSTS, boot, whole_test
    from cellrig import Rig

    first, setup, create, whole, three_cells = (Stopwatch() for _ in range(5))
    with first.running():
        whole_test(None)
    for _ in range(runs):
        with whole.running():
            with setup.running():
                rig = Rig(TWO_HOSTS).start()
            with create.running():
                server = boot(rig)
            rig.servers.delete(server)
            rig.stop()
        with three_cells.running():
            rig = Rig(THREE_CELLS).start()
        rig.stop()
    return Timed(
        peer="cellrig",
        version=version("cellrig"),
        runs=runs,
        import_seconds=import_time.wall_ms / 1000,
        setup_1_cell_2_hosts_ms=setup.median().wall_ms,
        setup_3_cells_6_hosts_ms=three_cells.median().wall_ms,
        create_server_ms=create.median().wall_ms,
        first_test_ms=first.median().wall_ms,
        tiny_test_ms=whole.median().wall_ms,
        tiny_tests_per_second=1000 / whole.median().wall_ms,
        rss_mb=peak_resident_mb(),
    )


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=positive, default=50, help="runs of each step (default 50)")
    print_json(measure(parser.parse_args().runs))


if __name__ == "__main__":
    main()
