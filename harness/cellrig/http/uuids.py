"""The forms in which the field takes a uuid."""

from __future__ import annotations

import re

_HEX = re.compile(r"[0-9a-f]{32}")
_DASHED = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def canonical(text: str) -> str | None:
    """Return a uuid in its canonical form; None where `text` is none.

    Capitals, braces, ``urn:uuid:`` and missing dashes are taken, as oslo.utils takes them.
    """
    bare = text.replace("urn:", "").replace("uuid:", "").strip("{}").replace("-", "").lower()
    if not _HEX.fullmatch(bare):
        return None
    return f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"


def is_uuid(value: object) -> bool:
    """Whether a body may say this where a uuid is wanted. What is no string is not asked about."""
    return not isinstance(value, str) or canonical(value) is not None


def is_dashed_uuid(value: object) -> bool:
    """Whether a query may say this where a uuid is wanted."""
    return not isinstance(value, str) or _DASHED.fullmatch(value) is not None
