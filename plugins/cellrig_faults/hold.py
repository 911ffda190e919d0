"""A call that waits until the test lets it go on."""

from __future__ import annotations

from cellrig.runtime import Event, Runtime
from cellrig_faults.rule import Rule


class Hold:
    """Keeps the passages of one rule waiting.

    Attributes:
        rule: which passages, and how many of them have come by.
    """

    rule: Rule

    def __init__(self, runtime: Runtime, seam: str) -> None:
        # External: a task that waits for the test is held, it is not in a deadlock.
        self._released: Event = runtime.event(f"release of {seam}", external=True)

    @property
    def reached(self) -> bool:
        """Whether a passage has come by."""
        return self.rule.fired > 0

    @property
    def is_released(self) -> bool:
        """Whether it lets everything pass."""
        return self._released.is_set

    def release(self) -> None:
        """Let what is held go on, and hold nothing any more. Releasing twice is harmless."""
        self._released.set()
        self.rule.clear()

    def wait(self) -> None:
        """Keep the calling task until the release."""
        self._released.wait()
