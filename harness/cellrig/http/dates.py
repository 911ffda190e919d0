"""Times as the field's services write them."""

from __future__ import annotations

from datetime import UTC, datetime


def zulu(seconds: float) -> str:
    """Return a time to the microsecond with a Z: ``2018-02-28T00:00:00.000000Z``."""
    return f"{naive(seconds)}Z"


def whole_zulu(seconds: float) -> str:
    """Return a time to the second with a Z, as compute writes servers' times."""
    return f"{datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat('T', 'seconds')}Z"


def naive(seconds: float) -> str:
    """Return a time to the microsecond without a zone, as most resources have it; it is UTC."""
    told = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return told.isoformat("T", "microseconds")
