"""Making the rigs of one test, and ending them all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cellrig import Rig, Topology
    from cellrig_pytest.options import Settings


class MadeRig(NamedTuple):
    """A rig that a test has made, with what tells how to make it again."""

    rig: Rig
    seed: int | None
    live: bool


class RigFactory:
    """Makes rigs; all are stopped, and audited, when the test ends.

    Args:
        settings: what the command line says.

    Attributes:
        made: all rigs so far, the oldest first.
        findings: what was wrong with them, once they have ended.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._endings = ExitStack()
        self.made: list[MadeRig] = []
        self.findings: list[str] = []

    def __call__(
        self,
        topology: Topology | None = None,
        *,
        seed: int | None = None,
        live: bool = False,
        plugins: Sequence[str] | None = None,
        audit: bool = True,
    ) -> Rig:
        """Make a rig and start it; the arguments are those of `cellrig.Rig`.

        What is not given comes from the command line, where that says anything.
        """
        from cellrig import Rig

        seed = self._settings.seed if seed is None else seed
        rig = Rig(self._as_told(topology), seed=seed, live=live, plugins=plugins, audit=audit)
        self._endings.callback(self._end, rig)
        self.made.append(MadeRig(rig, seed, live))
        return rig.start()

    def end_all(self) -> None:
        """Stop all rigs, the newest first, and note what was wrong with each."""
        self._endings.close()

    def _end(self, rig: Rig) -> None:
        from cellrig import RigNotClean
        from cellrig.testing.ending import end

        try:
            end(rig)
        except RigNotClean as error:
            self.findings += error.args[0]

    def _as_told(self, topology: Topology | None) -> Topology | None:
        settings = self._settings
        if settings.driver is None and settings.database is None:
            return topology
        from msgspec.structs import replace

        from cellrig import Topology

        told = topology or Topology()
        if settings.driver is not None:
            told = replace(told, driver=settings.driver, options=settings.driver_options)
        return replace(told, database=told.database or settings.database)
