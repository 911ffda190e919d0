"""Cells: which there are, what is in which, and asking many of them at once."""

from cellrig.cells.cells import Cells
from cellrig.cells.scatter import CELL_TIMEOUT, Gathered, Scatter
from cellrig.cells.streams import Stream

__all__ = ["CELL_TIMEOUT", "Cells", "Gathered", "Scatter", "Stream"]
