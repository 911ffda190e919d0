"""What the compute face is: Compute API v2.1, microversions 2.1 to 2.104."""

from __future__ import annotations

from cellrig.http.error_forms import NAMED_SCHEMA, fault
from cellrig.http.faces import Face
from cellrig.http.versions import Version, VersionRange

LOWEST = Version(2, 1)
HIGHEST = Version(2, 104)

FACE = Face(
    title="Compute",
    versions=VersionRange("compute", LOWEST, HIGHEST),
    error_body=fault,
    error_schema=NAMED_SCHEMA,
    request_id_headers=("x-openstack-request-id", "x-compute-request-id"),
    legacy_header="X-OpenStack-Nova-API-Version",
)
