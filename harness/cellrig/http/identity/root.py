"""The versions of the identity API."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer, Call
from cellrig.http.identity.directory import Directory


def _version(call: Call[Directory]) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{call.origin}{call.base}/v3/"}],
        "media-types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.identity-v3+json",
            }
        ],
    }


def list_versions(call: Call[Directory]) -> Answer:
    """List the versions of the API."""
    return Answer(300, {"versions": {"values": [_version(call)]}})


def show_version(call: Call[Directory]) -> Answer:
    """Show version 3."""
    return Answer(body={"version": _version(call)})
