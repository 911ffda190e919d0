"""A live migration under way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from cellrig.driver import Guest, MigrationProgress


class Job:
    """A migration under way: libvirt's call in a thread of its own, and how it ended."""

    def __init__(self, migrate: Callable[[], object]) -> None:
        self._migrate = migrate
        self.error: Exception | None = None
        #: It is to end without moving; it is to end soon, though the guest stands still for it.
        self.aborted = False
        self.forced = False
        self._thread = threading.Thread(target=self._run, name="a live migration", daemon=True)
        self._thread.start()

    def is_over(self, seconds: float) -> bool:
        """Wait for the end for some seconds; whether it has come."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._migrate()
        except Exception as error:  # noqa: BLE001 - told by whoever waits
            self.error = error


def progress_of(told: Mapping[str, int]) -> MigrationProgress:
    """Return how far a migration has come, of what libvirt tells of its job."""
    return MigrationProgress(
        **{
            f"{what}_{part}": int(told.get(f"{what}_{part}", 0))
            for what in ("memory", "disk")
            for part in ("total", "processed", "remaining")
        }
    )


def all_done(guest: Guest) -> MigrationProgress:
    """Return how far a migration that is over has come."""
    total = guest.memory_mb << 20
    return MigrationProgress(memory_total=total, memory_processed=total, memory_remaining=0)
