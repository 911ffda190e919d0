"""A testtools test case with a rig of its own for each test."""

from __future__ import annotations

import unittest
from collections.abc import Sequence
from types import TracebackType
from typing import ClassVar

import testtools
from testtools.content import text_content

from cellrig.rig import Rig
from cellrig.testing.fixture import RigFixture
from cellrig.testing.story import HEADING, story_of
from cellrig.topology import Topology

_ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class RigTestCase(testtools.TestCase):
    """A test with a cloud; what happened in it is a detail of the test that fails.

    Attributes:
        topology, seed, live, plugins, audit: of a class of tests; as `cellrig.Rig` takes them.
        rig: the cloud of this one test.
    """

    topology: ClassVar[Topology | None] = None
    seed: ClassVar[int | None] = None
    live: ClassVar[bool] = False
    plugins: ClassVar[Sequence[str] | None] = None
    audit: ClassVar[bool] = True

    rig: Rig

    def setUp(self) -> None:
        """Start the rig."""
        super().setUp()
        fixture = RigFixture(
            self.topology,
            seed=self.seed,
            live=self.live,
            plugins=self.plugins,
            audit=self.audit,
        )
        self.rig = self.useFixture(fixture).rig
        # Not as a detail from the start: results of tests that pass carry their details, too.
        self.addOnException(self._tell)

    def _tell(self, error: _ExceptionInfo) -> None:
        if not isinstance(error[1], unittest.SkipTest):
            self.addDetail(HEADING, text_content(story_of(self.rig, self._replay())))

    def _replay(self) -> str:
        if self.live:
            return "The rig was live: its order of tasks cannot be run again."
        if self.seed is None:
            return f"Tasks ran first-in first-out: {self.id()} does the same each time."
        return f"The order of tasks was drawn from seed = {self.seed}, which {self.id()} gives."
