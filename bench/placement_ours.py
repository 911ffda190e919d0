"""Cellrig's placement in process, as one side of `bench.placement`; it also tells where time goes.

Beside ``ask`` it has the verbs ``parts`` (of the time of one query) and ``memory``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from bench.measure import Stopwatch, peak_resident_mb, positive, resident_mb
from bench.peers.placement_side import (
    PUBLIC,
    STORAGE,
    Application,
    ask,
    asking,
    keep_stdout_for_the_report,
    serve,
    tree,
)
from cellrig import __version__
from cellrig.db.database import Database
from cellrig.http.calls import Call
from cellrig.http.placement import placement_application
from cellrig.http.placement.candidates import written
from cellrig.http.placement.groups import candidate_query
from cellrig.http.versions import Version
from cellrig.placement import Placement, placement_image
from cellrig.placement.types import Inventory
from cellrig.runtime.live import LiveRuntime

_VERSION = Version(1, 36)


def fill(placement: Placement, hosts: int) -> None:
    """Create the trees of `hosts` hosts."""
    for trait in (PUBLIC, STORAGE):
        placement.create_trait(trait)
    for host in range(hosts):
        for each in tree(host):
            placement.create_provider(each.name, uuid=each.uuid, parent_uuid=each.parent)
            inventories = {name: Inventory(total) for name, total in each.totals.items()}
            generation = placement.set_inventories(each.uuid, inventories, generation=0)
            placement.set_traits(each.uuid, set(each.traits), generation=generation)


class Parts:
    """Takes the time of a query apart; the same query again and again, with nothing changed."""

    def __init__(self, placement: Placement, application: Application) -> None:
        self._placement = placement
        self._application = application

    def __call__(self, target: str) -> dict[str, float]:
        """Return milliseconds of processor by part, and of msgspec for encoding the same answer."""
        samples: dict[str, list[float]] = {}
        for _ in range(7):
            for name, milliseconds in self._once(target):
                samples.setdefault(name, []).append(milliseconds)
        medians = {name: sorted(each)[3] for name, each in samples.items()}
        whole = medians.pop("whole")
        encoding = medians.pop("encoding")
        return {
            **medians,
            "frame": max(0.0, whole - sum(medians.values())),
            "whole": whole,
            "encoding": encoding,
        }

    def _once(self, target: str) -> Iterator[tuple[str, float]]:
        parse, search, write, whole, encode = (Stopwatch() for _ in range(5))
        with parse.running():
            pairs = parse_qsl(target.partition("?")[2], keep_blank_values=True)
            call: Any = Call(self._placement, _VERSION, None, {}, pairs, None, "", str)
            limit = call.single("limit")
            query = candidate_query(call, None if limit is None else int(limit))
        with search.running():
            found = self._placement.find_candidates(query)
        with write.running():
            content = written(found, _VERSION)
        with whole.running():
            _status, answer = ask(self._application, "GET", target, b"")
        if answer != content:
            raise RuntimeError(f"{target}: the parts do not make the whole")
        value = msgspec.json.decode(content)
        with encode.running():
            msgspec.json.encode(value)
        yield "query string", parse.median().cpu_ms
        yield "search", search.median().cpu_ms
        yield "write", write.median().cpu_ms
        yield "whole", whole.median().cpu_ms
        yield "encoding", encode.median().cpu_ms


def main() -> None:
    """Build, fill, tell the version, answer until stdin ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--hosts", type=positive, required=True, help="how many are there to begin with"
    )
    arguments = parser.parse_args()
    stdout = keep_stdout_for_the_report()
    runtime = LiveRuntime()
    placement = Placement(Database("placement", placement_image(), runtime))
    application = placement_application(placement, "")
    fill(placement, arguments.hosts)
    print(f"cellrig {__version__}", file=stdout, flush=True)
    verbs: dict[str, Callable[[Any], Any]] = {
        "ask": asking(application),
        "parts": Parts(placement, application),
        "memory": lambda _: {"resident": resident_mb(), "peak": peak_resident_mb()},
    }
    serve(verbs, stdout)
    runtime.close()


if __name__ == "__main__":
    main()
