"""What tells one REST face from another, besides its routes."""

from __future__ import annotations

import msgspec

from cellrig.http.versions import Version, VersionRange


class Face(msgspec.Struct, frozen=True):
    """One REST face.

    Args:
        title: for people.
        versions: the microversions that it speaks.
        codes_since: from which on errors carry a stable code.
        default_code: the code of errors that have none of their own.
        dates_since: from which on answers carry ``Last-Modified`` and ``Cache-Control``.
    """

    title: str
    versions: VersionRange
    codes_since: Version
    default_code: str
    dates_since: Version
