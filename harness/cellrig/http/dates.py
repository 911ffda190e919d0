"""Times as the field's services write them."""

from __future__ import annotations

from datetime import UTC, datetime


def zulu(seconds: float) -> str:
    """Return a time to the microsecond with a Z: ``2018-02-28T00:00:00.000000Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def whole_zulu(seconds: float) -> str:
    """Return a time to the second with a Z, as compute writes servers' times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def naive(seconds: float) -> str:
    """Return a time to the microsecond without a zone, as most resources have it; it is UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
