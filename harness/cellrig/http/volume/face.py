"""What the block storage face is: Block Storage API v3, microversions 3.0 to 3.71."""

from __future__ import annotations

from cellrig.http.error_forms import NAMED_SCHEMA, fault
from cellrig.http.faces import Face
from cellrig.http.versions import Version, VersionRange

LOWEST = Version(3, 0)
HIGHEST = Version(3, 71)

FACE = Face(
    title="Block Storage",
    versions=VersionRange("volume", LOWEST, HIGHEST),
    error_body=fault,
    error_schema=NAMED_SCHEMA,
    request_id_headers=("x-openstack-request-id", "x-compute-request-id"),
)
