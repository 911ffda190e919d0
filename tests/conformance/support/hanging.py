"""Drivers that do not end, and a set-up on threads for them."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from cellrig.driver import Disk, Guest
from cellrig_fake import FakeDriver
from cellrig_fake.conformance import FakeSetup


class NeverAnswers(FakeDriver):
    """Its hypervisor takes the call, and nothing comes back."""

    def pause(self, guest: Guest) -> None:
        threading.Event().wait()


class LooksForEver(FakeDriver):
    """It asks again and again, and leaves the runtime its turn in between."""

    def pause(self, guest: Guest) -> None:
        while True:
            self.context.runtime.sleep(1.0)


class Spins(FakeDriver):
    """It never lets go of the processor."""

    def pause(self, guest: Guest) -> None:
        while True:
            pass


class WaitsForItself(FakeDriver):
    """It waits for what only it could do."""

    def pause(self, guest: Guest) -> None:
        self.context.runtime.event("the pause").wait()


class NeverDestroys(FakeDriver):
    """Its guests cannot be given back."""

    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        threading.Event().wait()


class NeverStarts(FakeDriver):
    """It does not find its hypervisor, and does not stop looking."""

    def init_host(self) -> None:
        threading.Event().wait()


class LiveSetup(FakeSetup):
    """Fake hosts on threads and the wall clock."""

    live = True
