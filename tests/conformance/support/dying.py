"""Cases and set-ups that end the process that tries them, for tests of several processes."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from cellrig.testing.conformance import Area, Lab
from cellrig_fake.conformance import FakeSetup


class Dying(Area):
    """The second of three cases takes its process with it."""

    name: ClassVar[str] = "dying"

    def test_first(self, lab: Lab) -> None:
        lab.server()

    def test_second(self, lab: Lab) -> None:
        os._exit(7)

    def test_third(self, lab: Lab) -> None:
        lab.server()


class DyingAlways(Area):
    """Each case takes its process with it."""

    name: ClassVar[str] = "dying always"

    def test_first(self, lab: Lab) -> None:
        os._exit(7)

    test_second = test_third = test_first


class Unavailable(FakeSetup):
    """Cannot be entered."""

    def __enter__(self) -> Any:
        raise LookupError("there is no hypervisor here")


class StillBorn(FakeSetup):
    """Ends its process when it is entered."""

    def __enter__(self) -> Any:
        os._exit(5)
