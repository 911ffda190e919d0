"""What the faults ask of a rig, and what an action is."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import ClassVar, Protocol

import pluggy

from cellrig.db.database import Database
from cellrig.runtime import Runtime
from cellrig.seams import Passage


class Rig(Protocol):
    """The part of a rig that faults need."""

    @property
    def runtime(self) -> Runtime:
        """Where its services run; owns the clock."""

    @property
    def databases(self) -> Mapping[str, Database]:
        """Its databases: ``api``, ``placement``, ``cell0`` and each cell's by the cell's name."""

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names of all hosts."""

    @property
    def plugins(self) -> pluggy.PluginManager:
        """The plugin manager, where hooks that only sometimes listen come and go."""

    def random(self, name: str) -> random.Random:
        """Random numbers drawn from the rig's seed and `name`."""


class Action(Protocol):
    """What a fault does to a call. A frozen value."""

    #: Whether it acts when the call has been made, rather than before.
    after: ClassVar[bool]

    def act(self, passage: Passage, rig: Rig, entered: float) -> BaseException | None:
        """Do it.

        Args:
            passage: the call.
            rig: the rig that it is made in.
            entered: when the call entered the seam, on the rig's clock.

        Returns:
            The error that the caller gets in place of the call's outcome; None leaves that alone.
        """

    def __str__(self) -> str:
        """How reports call it, a verb with what it takes."""
