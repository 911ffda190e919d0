"""Whether a cloud that is there can go on with a topology: it may grow, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec

from cellrig.errors import InvalidTopology
from cellrig.topology import Topology

#: How the services work, which may be another way each time.
_FREE = ("scheduler", "compute", "images")
#: Looked at host by host.
_OF_HOSTS = ("cells", "driver", "options")
#: Where the cloud is is not what it is.
_PLACE = ("database",)


def check_fits(there: Topology, given: Topology) -> None:
    """See that a cloud built from `there` can go on with `given`.

    Cells and hosts may be new, and how scheduling, compute and image services work may differ.

    Raises:
        InvalidTopology: names the first difference.
    """
    difference = next(chain(_lost(there, given), _changed(there, given)), None)
    if difference is not None:
        raise InvalidTopology(f"the topology does not fit the cloud that is there: {difference}")


def _lost(there: Topology, given: Topology) -> Iterator[str]:
    """Say which cells and hosts are gone, or are others."""
    cells = {cell.name for cell in given.cells}
    yield from (f"cell {cell.name!r} is missing" for cell in there.cells if cell.name not in cells)
    hosts = {host.name: host for host in given.hosts()}
    for host in there.hosts():
        same = hosts.get(host.name)
        if same is None:
            yield f"host {host.name!r} of cell {host.cell!r} is missing"
        else:
            yield from _differences(_plain(host), _plain(same), f"host {host.name!r}")


def _changed(there: Topology, given: Topology) -> Iterator[str]:
    before, after = _plain(there), _plain(given)
    for name in Topology.__struct_fields__:
        if name not in (*_FREE, *_OF_HOSTS, *_PLACE):
            yield from _differences(before[name], after[name], name)


def _plain(value: object) -> Any:
    return msgspec.to_builtins(value)


def _differences(before: Any, after: Any, where: str) -> Iterator[str]:
    """Say in what two values of JSON types differ, in their order."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from (f"{where} has no {name!r} any more" for name in before if name not in after)
        yield from (f"{where} had no {name!r}" for name in after if name not in before)
        for name in before:
            if name in after:
                yield from _differences(before[name], after[name], f"{where}, {name}")
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        for number, (one, other) in enumerate(zip(before, after, strict=False), start=1):
            yield from _differences(one, other, f"{where}, number {number}")
        if len(before) != len(after):
            yield f"there are {len(after)} {where}, and there were {len(before)}"
    elif before != after:
        yield f"{where} is {after!r}, and was {before!r}"
