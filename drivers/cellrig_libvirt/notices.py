"""What the hypervisor tells when it is done with something that it was asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: What happened, to which guest, to what of it: ``("removed", uuid, alias)``.
Key = tuple[str, str, str]


class Notice:
    """One thing that is expected. The hypervisor's clock is waited by, and not the rig's."""

    __slots__ = ("_come", "detail")

    def __init__(self) -> None:
        self._come = threading.Event()
        self.detail: object = None

    def tell(self, detail: object) -> None:
        """Let it have come."""
        self.detail = detail
        self._come.set()

    def wait(self, seconds: float) -> bool:
        """Wait for it; False where it has not come."""
        return self._come.wait(seconds)


class Notices:
    """What is expected at one host."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._expected: dict[Key, Notice] = {}

    @contextmanager
    def expect(self, what: str, uuid: str, subject: str = "") -> Iterator[Notice]:
        """Expect something from before it is asked for until the block's end."""
        key = (what, uuid, subject)
        notice = Notice()
        with self._lock:
            self._expected[key] = notice
        try:
            yield notice
        finally:
            with self._lock:
                self._expected.pop(key, None)

    def tell(self, what: str, uuid: str, subject: str = "", detail: object = None) -> None:
        """Tell that it happened, where somebody expects it. From any thread."""
        with self._lock:
            notice = self._expected.get((what, uuid, subject))
        if notice is not None:
            notice.tell(detail)
