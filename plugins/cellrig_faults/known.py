"""The seams that there are, read from the interfaces that are called through them."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import chain
from types import SimpleNamespace
from typing import Any, cast

from cellrig.bus.codec import method_of
from cellrig.cloud import API, COMPUTE, CONDUCTOR, SCHEDULER
from cellrig.compute.interface import ComputeService
from cellrig.conductor.interface import CellConductorService, SuperConductorService
from cellrig.db import ApiDatabase, CellDatabase
from cellrig.driver import ComputeDriver
from cellrig.image import ImageClient
from cellrig.network.client import NetworkClient
from cellrig.placement.client import PlacementClient
from cellrig.scheduler.interface import SchedulerService
from cellrig.seams import Process
from cellrig.volume.backends.interface import VolumeBackend
from cellrig.volume.client import ComputeNotifications, VolumeClient
from cellrig.volume.service import VOLUME
from cellrig_faults.errors import InvalidFault
from cellrig_faults.interface import Rig

#: Databases that are reached by the service that owns them only.
_BEHIND_SERVICES = ("images", "placement", "volumes", "identity", "networks")

#: Stores of a cell that only those above the cells read.
_ABOVE_CELLS = ("list_",)

#: The kinds of services that make calls.
SERVICES = (API, COMPUTE, CONDUCTOR, SCHEDULER, VOLUME)

_PARTNERS = (
    ("bus.compute.", ComputeService),
    ("bus.conductor.", SuperConductorService),
    ("bus.conductor.", CellConductorService),
    ("bus.scheduler.", SchedulerService),
    ("driver.", ComputeDriver),
    ("image.", ImageClient),
    ("network.", NetworkClient),
    ("placement.", PlacementClient),
    ("volume.", VolumeClient),
    ("volume_backend.", VolumeBackend),
    ("compute_api.", ComputeNotifications),
)


def check_seam(seam: str, rig: Rig) -> None:
    """Refuse a seam that no call of `rig` could pass.

    Raises:
        InvalidFault: names the seam and what may have been meant.
    """
    if not isinstance(seam, str) or not seam:
        raise InvalidFault(f"{seam!r} was given as a seam, a fault takes a name or a glob")
    seams = _seams(tuple(rig.databases))
    if any(fnmatchcase(known, seam) for known in seams):
        return
    # Who has written the beginning of a name has most likely meant what goes on like that.
    begun = [name for name in seams if name.startswith(seam)]
    close = list(dict.fromkeys([*begun, *get_close_matches(seam, seams, 3)]))[:3]
    meant = f"is {' or '.join(close)} meant?" if close else f"they begin with {_roots(seams)}"
    raise InvalidFault(f"no seam matches {seam!r}; {meant}")


def check_replied(seam: str) -> None:
    """Refuse a seam whose calls get no reply over the bus."""
    if not seam.startswith("bus."):
        raise InvalidFault(
            f"drop_reply was given {seam!r}: only calls over the bus have a reply that can be "
            "lost, it takes a seam that begins with 'bus.'"
        )
    if not any(fnmatchcase(sent, seam) and not is_cast(sent) for sent in _sent_over_bus()):
        raise InvalidFault(
            f"drop_reply was given {seam!r}, which is a cast: nobody waits for a reply"
        )


def is_cast(seam: str) -> bool:
    """Whether what passes this seam is a message that nobody waits for."""
    return _sent_over_bus().get(seam, False)


@lru_cache(maxsize=64)
def _seams(databases: tuple[str, ...]) -> tuple[str, ...]:
    partners = [_names(prefix, kind) for prefix, kind in _PARTNERS]
    stores = [
        _names(prefix, kind)
        for database in databases
        if database not in _BEHIND_SERVICES
        for prefix, kind in _stores(database)
    ]
    return tuple(dict.fromkeys(chain(*partners, _sent_over_bus(), *stores)))


@lru_cache(maxsize=1)
def _sent_over_bus() -> dict[str, bool]:
    """Return the seams of the bus, and whether a cast passes there."""
    sent = {
        f"{prefix}{name}": method_of(interface, name).is_cast
        for prefix, interface in _PARTNERS
        if prefix.startswith("bus.")
        for name in _methods(interface)
    }
    # A cell's conductor serves the cell's stores to its compute services.
    for prefix, kind in _stores("cell"):
        part = prefix.rpartition(".")[2]
        if part in _ABOVE_CELLS:
            continue
        sent.update(dict.fromkeys(_names(f"bus.conductor.{part}", kind), False))
    return sent


def _names(prefix: str, kind: type) -> list[str]:
    return [f"{prefix}{name}" for name in _methods(kind)]


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
    return [
        name
        for name, _function in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    ]


def _roots(seams: tuple[str, ...]) -> str:
    return ", ".join(dict.fromkeys(seam.partition(".")[0] + "." for seam in seams))
