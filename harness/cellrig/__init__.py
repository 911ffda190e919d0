"""A compute control plane that fits inside a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellrig.compute.options import ComputeOptions
    from cellrig.model import Flavor, Server
    from cellrig.rig import Rig, RigNotClean
    from cellrig.scheduler.options import SchedulerOptions
    from cellrig.topology import Cell, Host, StorageBackend, Topology

__version__ = "0.1.0"

__all__ = [
    "Cell",
    "ComputeOptions",
    "Flavor",
    "Host",
    "Rig",
    "RigNotClean",
    "SchedulerOptions",
    "Server",
    "StorageBackend",
    "Topology",
]

#: Imported when first used: SQLAlchemy alone takes longer to import than a rig to start.
_HOMES = {
    "Cell": "cellrig.topology",
    "ComputeOptions": "cellrig.compute.options",
    "Flavor": "cellrig.model",
    "Host": "cellrig.topology",
    "Rig": "cellrig.rig",
    "RigNotClean": "cellrig.rig",
    "SchedulerOptions": "cellrig.scheduler.options",
    "Server": "cellrig.model",
    "StorageBackend": "cellrig.topology",
    "Topology": "cellrig.topology",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'cellrig' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
