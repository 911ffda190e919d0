"""Time Nova's own lister of instances over many cells, on as many rows as `bench.listing` writes.

`nova.compute.instance_list` is used as the compute API uses it, in the set-up of Nova's own tests:
SQLite databases, one a cell. One line of JSON goes to stdout, figures in milliseconds; logs go to
stderr. It needs requirements-nova.txt and runs in an environment of its own.
"""

import argparse
import contextlib
import datetime
import importlib
import json
import random
import statistics
import sys
import time
import unittest
import uuid
from collections.abc import Callable
from typing import Any

PAGE = 1000
SORTED = (["created_at", "uuid"], ["desc", "desc"])


def fill(nova: Any, admin: Any, cells: list[Any], servers: int) -> None:
    """Write instances with their mappings, at random into the cells."""
    draw = random.Random(servers)
    start = datetime.datetime(2026, 1, 1)  # noqa: DTZ001 - as Nova's columns have it
    rows: list[list[dict[str, Any]]] = [[] for _ in cells]
    mappings: list[dict[str, Any]] = []
    for number in range(servers):
        cell = draw.randrange(len(cells))
        row = {
            "uuid": str(uuid.UUID(int=draw.getrandbits(128))),
            "display_name": f"server-{number}",
            "hostname": f"server-{number}",
            "project_id": "project",
            "user_id": "user",
            "vm_state": "active",
            "host": f"host-{number % 50}",
            "node": f"host-{number % 50}",
            "image_ref": "image",
            "created_at": start + datetime.timedelta(seconds=draw.randrange(servers)),
            "deleted": 0,
        }
        rows[cell].append(row)
        mappings.append(
            {"instance_uuid": row["uuid"], "cell_id": cells[cell].id, "project_id": "project"}
        )
    for cell, of_cell in zip(cells, rows, strict=True):
        with (
            nova.context.target_cell(admin, cell) as target,
            nova.main.get_engine(context=target).begin() as connection,
        ):
            connection.execute(nova.main_models.Instance.__table__.insert(), of_cell)
            caches = [{"instance_uuid": row["uuid"], "deleted": 0} for row in of_cell]
            connection.execute(nova.main_models.InstanceInfoCache.__table__.insert(), caches)
    with nova.api.get_engine().begin() as connection:
        connection.execute(nova.api_models.InstanceMapping.__table__.insert(), mappings)


def timed(step: Callable[[], object], runs: int) -> dict[str, float]:
    """Return the medians of the wall clock and of the processor."""
    wall, cpu = [], []
    for run in range(runs + 1):
        began = time.perf_counter(), time.process_time()
        step()
        if run:
            wall.append(time.perf_counter() - began[0])
            cpu.append(time.process_time() - began[1])
    return {
        "wall_ms": round(statistics.median(wall) * 1000, 1),
        "cpu_ms": round(statistics.median(cpu) * 1000, 1),
        "runs": runs,
    }


class Nova:
    """The parts of Nova that are used."""

    def __init__(self) -> None:
        importlib.import_module("nova.tests.functional")
        self.test = importlib.import_module("nova.test")
        self.context = importlib.import_module("nova.context")
        self.objects = importlib.import_module("nova.objects")
        self.lists = importlib.import_module("nova.compute.instance_list")
        self.main = importlib.import_module("nova.db.main.api")
        self.main_models = importlib.import_module("nova.db.main.models")
        self.api = importlib.import_module("nova.db.api.api")
        self.api_models = importlib.import_module("nova.db.api.models")


def measure(nova: Nova, cells: int, servers: int, runs: int) -> dict[str, Any]:
    """Run the lister inside one test of Nova."""
    figures: dict[str, Any] = {"cells": cells, "servers": servers}

    class Case(nova.test.TestCase):  # type: ignore[misc, name-defined]
        NUMBER_OF_CELLS = cells

        def test_listing(self) -> None:
            admin = nova.context.RequestContext("user", "project", is_admin=True)
            mappings = nova.objects.CellMappingList.get_all(admin)
            fill(nova, admin, [m for m in mappings if not m.is_cell0()], servers)

            def records(marker: str | None = None) -> list[Any]:
                batch = nova.lists.get_instance_list_cells_batch_size(PAGE, mappings)
                _lister, found = nova.lists.get_instances_sorted(
                    admin, {"deleted": False}, PAGE, marker, [], *SORTED, batch_size=batch
                )
                return list(found)

            def objects(marker: str | None = None, wanted: tuple[str, ...] = ()) -> Any:
                found, _down = nova.lists.get_instance_objects_sorted(
                    admin, {"deleted": False}, PAGE, marker, list(wanted), *SORTED
                )
                return found

            def walk() -> int:
                total, page = 0, objects()
                while len(page):
                    total += len(page)
                    page = objects(page[-1].uuid)
                return total

            if walk() != servers:
                raise RuntimeError("a walk has not shown every server once")
            figures["records"] = timed(records, runs)
            figures["objects"] = timed(objects, runs)
            wanted = ("metadata", "system_metadata", "info_cache", "fault", "tags")
            figures["details"] = timed(lambda: objects(wanted=wanted), runs)
            figures["walk"] = timed(walk, max(1, runs * 1000 // servers))

    result = unittest.TestResult()
    Case("test_listing").run(result)
    if not result.wasSuccessful() or result.skipped:
        reports = [report for _, report in result.errors + result.failures + result.skipped]
        raise RuntimeError("\n".join(["Nova's test did not pass:", *reports]))
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=16)
    parser.add_argument("--servers", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=10)
    arguments = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        found = measure(Nova(), arguments.cells, arguments.servers, arguments.runs)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
