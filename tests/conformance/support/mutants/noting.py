"""Noting which case is meant for a bug."""

from __future__ import annotations

from collections.abc import Callable

from cellrig_fake import FakeDriver

#: The bugs by name, each with the case that is meant for it and what that says of it.
MEANT: dict[str, tuple[str, str]] = {}

Mark = Callable[[type[FakeDriver]], type[FakeDriver]]


def caught_by(case: str, says: str) -> Mark:
    """Note which case must catch a bug, and what it must say of it."""

    def note(mutant: type[FakeDriver]) -> type[FakeDriver]:
        MEANT[mutant.__name__] = (case, says)
        return mutant

    return note
