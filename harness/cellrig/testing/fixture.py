"""A rig as a fixture of the `fixtures` library."""

from __future__ import annotations

from collections.abc import Sequence

import fixtures

from cellrig.rig import Rig
from cellrig.testing.ending import end
from cellrig.topology import Topology


class RigFixture(fixtures.Fixture):
    """A running cloud for as long as the fixture is set up; audited when it is cleaned up.

    Args:
        topology, seed, live, plugins, audit: as `cellrig.Rig` takes them.

    Attributes:
        rig: the cloud, once the fixture is set up.
    """

    rig: Rig

    def __init__(
        self,
        topology: Topology | None = None,
        *,
        seed: int | None = None,
        live: bool = False,
        plugins: Sequence[str] | None = None,
        audit: bool = True,
    ) -> None:
        super().__init__()
        self._topology = topology
        self._seed = seed
        self._live = live
        self._plugins = plugins
        self._audit = audit

    def _setUp(self) -> None:  # noqa: N802 - the library's name
        self.rig = Rig(
            self._topology,
            seed=self._seed,
            live=self._live,
            plugins=self._plugins,
            audit=self._audit,
        )
        self.addCleanup(end, self.rig)
        self.rig.start()
