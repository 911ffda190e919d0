"""What is not declared. One bug a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cellrig.driver import Disk, Guest, PowerState
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by("Pause::test_its_methods_are_refused_while_undeclared", "pause raised nothing")
class DoesWhatItDoesNotDeclare(FakeDriver):
    """It pauses guests although it declares that it cannot."""

    def __init__(self, options: Any, context: Any) -> None:
        super().__init__(options, context)
        self.capabilities = self.capabilities.without("pause")

    def pause(self, guest: Guest) -> None:
        self.hypervisor.enter(self.hypervisor.domain(guest.uuid), PowerState.PAUSED)


@caught_by("Multiattach::test_a_shared_volume_is_refused_while_undeclared", "attach_volume raised")
class SharesWithoutDeclaring(FakeDriver):
    """It takes volumes of several guests although it declares that it cannot."""

    def __init__(self, options: Any, context: Any) -> None:
        super().__init__(options, context)
        self.capabilities = self.capabilities.without("multiattach")

    def _check_shareable(self, method: str, disks: Sequence[Disk]) -> None:
        """Let them pass."""
