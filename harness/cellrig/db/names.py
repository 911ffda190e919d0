"""The names of rigs' databases on a server: they say when they were made, and by which process.

``cellrig_<day>_<time>_<process>_<number>_<database>``, so that whoever comes later knows what
nobody will drop any more.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count

DAY_SECONDS = 86_400.0

_TIME = "%Y%m%d_%H%M%S"
_MADE = re.compile(r"cellrig_(\d{8}_\d{6})_\w+")
_MOST = 20
_UNFIT = re.compile(r"[^a-z0-9]+")


class SpaceNames:
    """The names of what one process makes on a server; no other process has the same.

    Attributes:
        process: the part of all names that says so.
    """

    def __init__(self) -> None:
        # Not of a rig's seed: two processes may have the same.
        self.process = secrets.token_hex(4)
        self._numbers = count(1)

    def name(self, database: str, now: float) -> str:
        """Return a new name: at most 63 characters.

        Args:
            database: what the rig calls the database.
            now: the time by the server's clock, in seconds since the epoch.
        """
        stamp = datetime.fromtimestamp(now, UTC).strftime(_TIME)
        fit = _UNFIT.sub("_", database.lower())[:_MOST]
        return f"cellrig_{stamp}_{self.process}_{next(self._numbers)}_{fit}"


def left_over(names: Iterable[str], now: float) -> list[str]:
    """Return those among `names` that Cellrig has made more than a day before `now`."""
    found = []
    for name in names:
        made = _MADE.fullmatch(name)
        at = None if made is None else _seconds(made[1])
        if at is not None and now - at > DAY_SECONDS:
            found.append(name)
    return found


def _seconds(time: str) -> float | None:
    try:
        return datetime.strptime(time, _TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:  # digits that are no time: somebody else's
        return None
