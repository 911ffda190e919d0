"""The versions of the block storage API."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.volume.face import HIGHEST, LOWEST
from cellrig.http.volume.links import href
from cellrig.http.volume.service import VolumeCall

_MEDIA_TYPE = "application/vnd.openstack.volume+json;version=3"


def _versions(call: VolumeCall) -> dict[str, Any]:
    current = {
        "id": "v3.0",
        "status": "CURRENT",
        "version": str(HIGHEST),
        "min_version": str(LOWEST),
        "updated": "2023-08-31T00:00:00Z",
        "links": [{"rel": "self", "href": f"{href(call, 'v3')}/"}],
        "media-types": [{"base": "application/json", "type": _MEDIA_TYPE}],
    }
    return {"versions": [current]}


def list_versions(call: VolumeCall) -> Answer:
    """List the versions of the API; which one is the client's to choose."""
    return Answer(300, _versions(call))


def show_version(call: VolumeCall) -> Answer:
    """Show version 3."""
    return Answer(body=_versions(call))
