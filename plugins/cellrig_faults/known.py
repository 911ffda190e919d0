"""The seams that there are, read from the interfaces that are called through them."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

from cellrig.bus.codec import method_of
from cellrig.compute.interface import ComputeService
from cellrig.conductor.interface import CellConductorService, SuperConductorService
from cellrig.db import ApiDatabase, CellDatabase
from cellrig.driver import ComputeDriver
from cellrig.image import ImageService
from cellrig.placement.client import PlacementClient
from cellrig.scheduler.interface import SchedulerService
from cellrig.seams import Process
from cellrig_faults.errors import InvalidFault
from cellrig_faults.interface import Rig

_SERVICES = (ComputeService, SuperConductorService, CellConductorService, SchedulerService)
_PARTNERS = (("driver.", ComputeDriver), ("image.", ImageService), ("placement.", PlacementClient))


def check_seam(seam: str, rig: Rig) -> None:
    """Refuse a seam that no call of `rig` could pass.

    Raises:
        InvalidFault: names the seam and what may have been meant.
    """
    if not isinstance(seam, str) or not seam:
        raise InvalidFault(f"{seam!r} was given as a seam, a fault takes a name or a glob")
    seams = _seams(tuple(rig.databases))
    if any(fnmatchcase(known, _without_service(seam)) for known in seams):
        return
    close = get_close_matches(_without_service(seam), seams, 3)
    meant = f"is {' or '.join(close)} meant?" if close else f"they begin with {_roots(seams)}"
    raise InvalidFault(f"no seam matches {seam!r}; {meant}")


def check_replied(seam: str) -> None:
    """Refuse a seam whose calls get no reply over the bus."""
    if not seam.startswith("bus."):
        raise InvalidFault(
            f"drop_reply was given {seam!r}: only calls over the bus have a reply that can be "
            "lost, it takes a seam that begins with 'bus.'"
        )
    calls = [f"bus.*.{name}" for name, is_cast in _bus_methods().items() if not is_cast]
    if not any(fnmatchcase(call, _without_service(seam)) for call in calls):
        raise InvalidFault(
            f"drop_reply was given {seam!r}, which is a cast: nobody waits for a reply"
        )


def is_cast(seam: str) -> bool:
    """Whether what passes this seam is a message that nobody waits for."""
    root, _dot, rest = seam.partition(".")
    return root == "bus" and _bus_methods().get(rest.partition(".")[2], False)


@lru_cache(maxsize=64)
def _seams(databases: tuple[str, ...]) -> tuple[str, ...]:
    names = [f"{prefix}{name}" for prefix, kind in _PARTNERS for name in _methods(kind)]
    names += [f"bus.*.{name}" for name in _bus_methods()]
    for database in databases:
        if database != "placement":  # reached by its client only
            names += [
                f"{prefix}{name}" for prefix, kind in _stores(database) for name in _methods(kind)
            ]
    return tuple(names)


@lru_cache(maxsize=1)
def _bus_methods() -> dict[str, bool]:
    """Return what is sent over the bus, by the seam's last part, and whether it is a cast."""
    sent = {
        name: method_of(service, name).is_cast
        for service in _SERVICES
        for name in _methods(service)
    }
    # A cell's conductor serves the cell's stores to its compute services.
    for prefix, kind in _stores("cell"):
        part = prefix.rpartition(".")[2]
        sent.update({f"{part}{name}": False for name in _methods(kind)})
    return sent


def _stores(database: str) -> list[tuple[str, type]]:
    """Return the stores of a database, each with what its seams begin with."""
    found: list[tuple[str, type]] = []
    wraps = SimpleNamespace(
        wrap=lambda prefix, target, *_process: found.append((prefix, type(target)))
    )
    seams, image = cast(Any, wraps), cast(Any, SimpleNamespace(name=database))
    if database == "api":
        ApiDatabase(image, seams, Process("nobody"))
    else:
        CellDatabase(image, float, seams, Process("nobody"))
    return found


def _methods(kind: type) -> list[str]:
    return [name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")]


def _without_service(seam: str) -> str:
    """Let a seam of the bus name any service: which there are is the rig's business."""
    root, dot, rest = seam.partition(".")
    _service, dot, method = rest.partition(".")
    return f"bus.[*].{method}" if root == "bus" and dot else seam


def _roots(seams: tuple[str, ...]) -> str:
    return ", ".join(dict.fromkeys(seam.partition(".")[0] + "." for seam in seams))
