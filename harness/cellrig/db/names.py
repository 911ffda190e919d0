"""The names of a rig's databases on a server: they say when they were made, and by which rig.

``cellrig_<day>_<time>_<rig>_<number>_<database>``, so that whoever comes later knows what nobody
will drop any more.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

DAY_SECONDS = 86_400.0

_TIME = "%Y%m%d_%H%M%S"
_MADE = re.compile(r"cellrig_(\d{8}_\d{6})_\w+")
_MOST = 24
_UNFIT = re.compile(r"[^a-z0-9]+")


class RigNames:
    """The names of one rig's databases; no other rig has the same.

    Args:
        now: the time by the server's clock, in seconds since the epoch.
    """

    def __init__(self, now: float) -> None:
        # Not of the rig's seed: two rigs may have the same.
        stamp = datetime.fromtimestamp(now, UTC).strftime(_TIME)
        self._prefix = f"cellrig_{stamp}_{secrets.token_hex(4)}"
        self._count = 0

    def name(self, database: str) -> str:
        """Return the name for what the rig calls `database`: at most 63 characters."""
        self._count += 1
        fit = _UNFIT.sub("_", database.lower())[:_MOST]
        return f"{self._prefix}_{self._count}_{fit}"


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
