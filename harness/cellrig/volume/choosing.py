"""Which backend a volume goes to."""

from __future__ import annotations

import math
from collections.abc import Mapping

from cellrig.db.database import Transaction
from cellrig.db.statements import select_by
from cellrig.volume import tables
from cellrig.volume.errors import NoBackend
from cellrig.volume.records import size_on
from cellrig.volume.surroundings import Backend
from cellrig.volume.types import VolumeType

#: The machine that all services of block storage are on, as hosts' names have it.
HOST = "cellrig"
VOLUME_BINARY = "cinder-volume"


def host_of(backend: str) -> str:
    """Return the host of the service that has a backend."""
    return f"{HOST}@{backend}"


def pool_of(backend: str) -> str:
    """Return the pool of a backend, as the hosts of volumes are written."""
    return f"{host_of(backend)}#{backend}"


def choose(
    transaction: Transaction,
    backends: Mapping[str, Backend],
    size: int,
    volume_type: VolumeType,
    *,
    multiattach: bool,
    only: str | None = None,
) -> Backend:
    """Return the backend with the most room; of equal ones the topology's first.

    Args:
        transaction: in which the volume is written too, so that the room is not given twice.
        backends: by name.
        size: GiB of the volume.
        volume_type: its ``volume_backend_name`` must be the backend's name, where it has one.
        multiattach: the backend must be able to.
        only: the backend that the source of the volume is on.

    Raises:
        NoBackend: none takes it; the message has a reason for each.
    """
    rooms: dict[str, float] = {}
    refusals = []
    for name in backends:
        refusal, room = _look(transaction, backends[name], size, volume_type, multiattach, only)
        if refusal is None:
            rooms[name] = room
        else:
            refusals.append(f"{name} {refusal}")
    if not rooms:
        raise NoBackend(size, "; ".join(refusals) or "there is none")
    return backends[max(rooms, key=lambda name: rooms[name])]


def _look(
    transaction: Transaction,
    backend: Backend,
    size: int,
    volume_type: VolumeType,
    multiattach: bool,
    only: str | None,
) -> tuple[str | None, float]:
    """Return why a backend does not take a volume, if so, and the GiB it has left."""
    wanted = volume_type.extra_specs.get("volume_backend_name")
    if only is not None and backend.name != only:
        return f"does not have the source, {only} has", 0
    if wanted is not None and wanted != backend.name:
        return f"is not {wanted}, which type {volume_type.name!r} wants", 0
    if multiattach and not backend.driver.multiattach:
        return "does not let several hosts have a volume", 0
    if only is None and _is_disabled(transaction, backend):
        return "is disabled", 0
    room = room_on(transaction, backend)
    return (None if size <= room else f"has {room:g} GiB left"), room


def room_on(transaction: Transaction, backend: Backend) -> float:
    """Return the GiB that a backend has left; infinity where it has no limit."""
    if backend.driver.capacity_gb is None:
        return math.inf
    return backend.driver.capacity_gb - size_on(transaction, backend.name)


def _is_disabled(transaction: Transaction, backend: Backend) -> bool:
    key = {"host": host_of(backend.name), "binary_name": VOLUME_BINARY}
    row = transaction.one(select_by(tables.services, *key), **key)
    return row is not None and bool(row[2])
