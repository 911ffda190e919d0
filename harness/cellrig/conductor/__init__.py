"""The conductors: the super-conductor above the cells, and one in each cell."""

from cellrig.conductor.cell import CellConductor
from cellrig.conductor.interface import CellConductorService, SuperConductorService
from cellrig.conductor.super import SuperConductor

__all__ = [
    "CellConductor",
    "CellConductorService",
    "SuperConductor",
    "SuperConductorService",
]
