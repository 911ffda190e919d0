"""Cells: which there are, what is in which, and asking many of them at once."""

from cellrig.cells.cells import Cells
from cellrig.cells.names import CELL0
from cellrig.cells.scatter import CELL_TIMEOUT, Gathered, Scatter

__all__ = ["CELL0", "CELL_TIMEOUT", "Cells", "Gathered", "Scatter"]
