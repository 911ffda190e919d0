"""Time Nova's own functional harness on the steps that `tox -e bench` times for Cellrig.

The harness is imported from the `nova` package of PyPI and used as Nova's own tests use it. One
line of JSON goes to stdout; logs, warnings and errors go to stderr. See README.md beside this file.
"""

import argparse
import contextlib
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
import unittest
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

REQUIREMENTS = Path(__file__).resolve().with_name("requirements-nova.txt")
HOSTS_PER_CELL = 2
FINE_POLL_SECONDS = 0.005
GIVE_UP_SECONDS = 30.0
# What `_build_server` would otherwise ask the API for before each boot: one of the images that
# Nova's GlanceFixture serves, by its id.
IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"


class Timings:
    """Seconds that each named step took, one entry a run."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the body; a body that raises leaves no entry."""
        started = time.perf_counter()
        yield
        self._seconds[name].append(time.perf_counter() - started)

    def add(self, name: str, seconds: float) -> None:
        """Add one entry that was timed elsewhere."""
        self._seconds[name].append(seconds)

    def forget(self, name: str) -> None:
        """Drop the entries of a step."""
        del self._seconds[name]

    def seconds(self, name: str) -> float:
        """Return the median of a step in seconds."""
        return statistics.median(self._seconds[name])

    def milliseconds(self, name: str) -> float:
        """Return the median of a step in milliseconds, to a tenth."""
        return round(self.seconds(name) * 1000, 1)


def import_harness() -> ModuleType:
    """Import what a functional test of Nova needs and return `integrated_helpers`."""
    # The package comes first: it chooses and installs Nova's concurrency backend.
    importlib.import_module("nova.tests.functional")
    return importlib.import_module("nova.tests.functional.integrated_helpers")


def import_seconds_in_a_new_process() -> float:
    """Return the seconds of `import_harness` in a fresh interpreter, whose start is not counted."""
    command = [sys.executable, str(Path(__file__).resolve()), "--import-only"]
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(finished.stdout)


def run_case(
    helpers: ModuleType, timings: Timings, cells: int, name: str, body: Callable[[Any], None]
) -> None:
    """Run `body` as one Nova functional test with `cells` cells of two fake hosts each.

    Its set-up is recorded as `<name>.setup`, all of it, tear-down included, as `<name>.whole`.

    Raises RuntimeError when the test did not pass: a figure of a broken run means nothing.
    """

    # Nova is not typed, so its base class is Any to mypy.
    class Case(helpers._IntegratedTestBase):  # type: ignore[misc, name-defined]
        NUMBER_OF_CELLS = cells
        ADMIN_API = True
        microversion = "latest"

        def setUp(self) -> None:
            with timings.step(f"{name}.setup"):
                super().setUp()

        def _setup_services(self) -> None:
            # Nova's tests look for it where a checkout of Nova has it; pip installs it here.
            paste = Path(sys.prefix, "etc", "nova", "api-paste.ini")
            self.flags(api_paste_config=str(paste), group="wsgi")
            super()._setup_services()

        def _setup_compute_service(self) -> None:
            for cell in range(1, cells + 1):
                for host in range(1, HOSTS_PER_CELL + 1):
                    self._start_compute(f"host{cell}-{host}", cell_name=f"cell{cell}")

        def test_body(self) -> None:
            body(self)

    result = unittest.TestResult()
    with timings.step(f"{name}.whole"):
        Case("test_body").run(result)
    if not result.wasSuccessful() or result.skipped:
        reports = [report for _, report in result.errors + result.failures + result.skipped]
        raise RuntimeError("\n".join([f"the Nova test of {name!r} did not pass:", *reports]))


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Ask every 5 ms, where Nova's own helpers ask every 500 ms, until `condition` is true."""
    give_up_at = time.monotonic() + GIVE_UP_SECONDS
    while not condition():
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"{what} did not happen in {GIVE_UP_SECONDS:.0f} s")
        time.sleep(FINE_POLL_SECONDS)


def create_as_nova_does(case: Any) -> Any:
    """Create a server and wait for ACTIVE with the harness's own helper."""
    return case._create_server(image_uuid=IMAGE, flavor_id="1", networks="none")


def create_with_fine_poll(case: Any) -> Any:
    """Create a server by the same API call and wait for ACTIVE with a fine poll."""
    request = case._build_server(image_uuid=IMAGE, flavor_id="1", networks="none")
    server = case.api.post_server({"server": request})

    def active() -> bool:
        status = case.api.get_server(server["id"])["status"]
        if status == "ERROR":
            raise RuntimeError("the server of the benchmark went to ERROR")
        return bool(status == "ACTIVE")

    wait_for(active, "ACTIVE")
    return server


def delete_as_nova_does(case: Any, server: Any) -> None:
    """Delete a server and wait until it is gone with the harness's own helper."""
    case._delete_server(server)


def delete_with_fine_poll(case: Any, server: Any) -> None:
    """Delete a server by the same API call and wait until it is gone with a fine poll."""
    not_found = importlib.import_module(
        "nova.tests.functional.api.client"
    ).OpenStackApiNotFoundException

    def gone() -> bool:
        try:
            case.api.get_server(server["id"])
        except not_found:
            return True
        return False

    case.api.delete_server(server["id"])
    wait_for(gone, "the delete")


def measure(helpers: ModuleType, timings: Timings, runs: int) -> None:
    """Run every scenario `runs` times and record its steps."""

    def six_hosts(case: Any) -> None:
        services = case.api.get_services(binary="nova-compute")
        up = sorted(service["host"] for service in services if service["state"] == "up")
        if len(up) != 3 * HOSTS_PER_CELL:
            raise RuntimeError(f"three cells of {HOSTS_PER_CELL} hosts were set up; up are: {up}")

    def tiny(case: Any) -> None:
        with timings.step("tiny.create"):
            server = create_as_nova_does(case)
        delete_as_nova_does(case, server)

    def tiny_fine(case: Any) -> None:
        with timings.step("tiny_fine.create"):
            server = create_with_fine_poll(case)
        delete_with_fine_poll(case, server)

    # The first test of a process migrates databases and fills caches: shown, but in no median.
    run_case(helpers, timings, 1, "first", tiny)
    timings.forget("tiny.create")
    for _ in range(runs):
        run_case(helpers, timings, 1, "tiny", tiny)
        run_case(helpers, timings, 1, "tiny_fine", tiny_fine)
        run_case(helpers, timings, 3, "three_cells", six_hosts)


def peak_resident_mb() -> float:
    """Return the most memory this process ever held resident, in MiB (Linux only)."""
    # Not getrusage: its ru_maxrss may be the parent's, carried over fork and exec.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    raise RuntimeError("/proc/self/status has no line VmHWM")


def report(timings: Timings, runs: int) -> dict[str, str | int | float]:
    """Return the figures under the names that the driver of the benchmark reads."""
    return {
        "peer": "nova",
        "version": version("nova"),
        "sqlalchemy": version("SQLAlchemy"),
        "concurrency": "eventlet" if "eventlet" in sys.modules else "threading",
        "runs": runs,
        "import_seconds": round(timings.seconds("import"), 3),
        "setup_1_cell_2_hosts_ms": timings.milliseconds("tiny.setup"),
        "setup_3_cells_6_hosts_ms": timings.milliseconds("three_cells.setup"),
        "create_server_ms": timings.milliseconds("tiny.create"),
        "create_server_fine_poll_ms": timings.milliseconds("tiny_fine.create"),
        "first_test_ms": timings.milliseconds("first.whole"),
        "tiny_test_ms": timings.milliseconds("tiny.whole"),
        "tiny_test_fine_poll_ms": timings.milliseconds("tiny_fine.whole"),
        "tiny_tests_per_second": round(1 / timings.seconds("tiny.whole"), 3),
        "rss_mb": peak_resident_mb(),
    }


def keep_stdout_for_the_report() -> TextIO:
    """Send what anybody, C code and Nova's excepthook included, writes to stdout to stderr.

    Returns the real stdout. Lasts until the process ends, as log lines come until then.
    """
    real = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return real


def main() -> None:
    """Measure, then print one line of JSON."""
    parser = argparse.ArgumentParser(description="Time Nova's own functional harness.")
    parser.add_argument("--runs", type=int, default=3, help="runs of each step (default 3)")
    parser.add_argument("--import-only", action="store_true", help="print the seconds to import")
    arguments = parser.parse_args()
    if arguments.runs < 1:
        parser.error(f"--runs is {arguments.runs}; it takes 1 or more")
    if find_spec("nova") is None:
        parser.error(f"{sys.executable} has no nova: install {REQUIREMENTS}")
    stdout = keep_stdout_for_the_report()
    timings = Timings()
    if arguments.import_only:
        with timings.step("import"):
            import_harness()
        print(timings.seconds("import"), file=stdout, flush=True)
        return
    for _ in range(arguments.runs):
        timings.add("import", import_seconds_in_a_new_process())
    measure(import_harness(), timings, arguments.runs)
    print(json.dumps(report(timings, arguments.runs)), file=stdout, flush=True)


if __name__ == "__main__":
    main()
