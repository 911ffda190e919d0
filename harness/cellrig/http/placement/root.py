"""The version document, which needs no token."""

from __future__ import annotations

from cellrig.http.calls import Answer, Call
from cellrig.http.placement.face import FACE
from cellrig.placement import PlacementClient


def show_versions(call: Call[PlacementClient]) -> Answer:
    """Show which microversions there are."""
    versions = FACE.versions
    document = {
        "id": f"v{versions.lowest}",
        "max_version": str(versions.highest),
        "min_version": str(versions.lowest),
        "status": "CURRENT",
        "links": [{"rel": "self", "href": call.base}],
    }
    return Answer(body={"versions": [document]})
