"""Waiting for what a real hypervisor does in its own time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Seconds after which a test does not wait any more: much longer than it takes.
PATIENCE = 120


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it is not, after a long time.
    """
    due = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < due, f"this has not come: {what}"
        threading.Event().wait(0.05)
