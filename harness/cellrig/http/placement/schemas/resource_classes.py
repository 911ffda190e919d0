"""Resource classes: POST, and PUT while it renames (before microversion 1.7)."""

from __future__ import annotations

from cellrig.http.placement.schemas.parts import CUSTOM_NAME, LONGEST_NAME, body, closed

_NAMED = body(
    closed({"name": {"type": "string", "pattern": CUSTOM_NAME, "maxLength": LONGEST_NAME}})
)

CREATE = {(1, 2): _NAMED}
RENAME = {(1, 2): _NAMED, (1, 7): None}
