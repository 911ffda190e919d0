"""The placement face as a whole: what it is called, what it speaks."""

from __future__ import annotations

from cellrig.http.error_forms import API_SIG_SCHEMA, api_sig
from cellrig.http.faces import Face
from cellrig.http.versions import Version, VersionRange
from cellrig.placement.errors import UNDEFINED_CODE

FACE = Face(
    title="Placement",
    versions=VersionRange("placement", Version(1, 0), Version(1, 39)),
    error_body=api_sig(codes_since=Version(1, 23), default_code=UNDEFINED_CODE),
    error_schema=API_SIG_SCHEMA,
    dates_since=Version(1, 15),
)
