"""What the audit asks of a rig."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cellrig.cloud import Cloud
from cellrig.db import Database
from cellrig.runtime import Runtime


class Rig(Protocol):
    """The part of a rig that the audit needs."""

    @property
    def runtime(self) -> Runtime:
        """Where its services run; owns the clock."""

    @property
    def databases(self) -> Mapping[str, Database]:
        """Its databases: ``api``, ``placement``, ``cell0`` and each cell's by the cell's name."""

    @property
    def cloud(self) -> Cloud:
        """Its drivers, its processes and its bus."""
