"""Making a rig's block storage out of what its topology says."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from cellrig.context import RequestContext
from cellrig.db.database import Database
from cellrig.image import ImageClient
from cellrig.runtime import Runtime
from cellrig.seams import Seams
from cellrig.volume.backends.interface import BackendContext
from cellrig.volume.backends.loading import load_backend
from cellrig.volume.service import BlockStorage, block_storage
from cellrig.volume.surroundings import Backend

#: What backends' names are turned into uuids with: the same name has the same one, always.
_NAMES = uuid.UUID("8a7a2c1e-5f0b-4c56-9d0e-3b1f4c6d7e80")


class BackendSpec(Protocol):
    """What a topology says of a backend."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def driver(self) -> str:
        """The name in the entry point group ``cellrig.volume_backends``."""

    @property
    def options(self) -> Mapping[str, Any]:
        """The driver's options."""


class StorageRequest(msgspec.Struct, frozen=True):
    """What block storage is made of.

    Args:
        backends: where volumes can be.
        types: volume types, name to extra specs; the first is the default one.
        make_directory: makes the directory of something that has a name, and returns it.
        is_new: the types are to be made; else the database has what there is of them.
    """

    backends: Sequence[BackendSpec]
    types: Mapping[str, Mapping[str, str]]
    make_directory: Callable[[str], Path]
    is_new: bool = True


def start_block_storage(
    database: Database,
    request: StorageRequest,
    images: ImageClient,
    runtime: Runtime,
    seams: Seams,
    new_uuid: Callable[[], str],
) -> BlockStorage:
    """Make the backends, the service and its volume types.

    Raises:
        InvalidTopology: a backend's driver or one of its options cannot be used.
    """

    def made(spec: BackendSpec) -> Backend:
        context = BackendContext(
            name=spec.name,
            runtime=runtime,
            make_state_directory=lambda: request.make_directory(f"volumes.{spec.name}"),
            new_uuid=new_uuid,
            logger=logging.getLogger(f"cellrig.volume.{spec.driver}"),
        )
        return Backend(
            spec.name,
            str(uuid.uuid5(_NAMES, spec.name)),
            load_backend(spec.driver, spec.options, context),
        )

    service = block_storage(
        database,
        [made(spec) for spec in request.backends],
        images,
        runtime,
        seams,
        new_uuid,
        next(iter(request.types)),
    )
    administrator = RequestContext("", "admin", "admin", is_admin=True)
    for name, extra_specs in request.types.items() if request.is_new else ():
        service.type_create(administrator, name, extra_specs=extra_specs)
    return service
