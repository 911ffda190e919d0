"""Databases: the API database, one for each cell, and how they are reached."""

from cellrig.db.api import ApiDatabase
from cellrig.db.cell import CellDatabase
from cellrig.db.database import Database, Statement, Transaction

__all__ = ["ApiDatabase", "CellDatabase", "Database", "Statement", "Transaction"]
