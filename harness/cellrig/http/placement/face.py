"""The placement face as a whole: what it is called, what it speaks."""

from __future__ import annotations

from cellrig.http.faces import Face
from cellrig.http.versions import Version, VersionRange
from cellrig.placement.errors import UNDEFINED_CODE

FACE = Face(
    title="Placement",
    versions=VersionRange("placement", Version(1, 0), Version(1, 39)),
    codes_since=Version(1, 23),
    default_code=UNDEFINED_CODE,
    dates_since=Version(1, 15),
)
