"""The versions of the identity API, and what its catalog is made of."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer, Call
from cellrig.http.identity.directory import REGION, Directory
from cellrig.http.identity.people import listed


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


def _entries(call: Call[Directory]) -> list[dict[str, Any]]:
    project_id = call.caller.project_id if call.caller else None
    return call.service.catalog(call.origin, project_id or None)


def list_services(call: Call[Directory]) -> Answer:
    """List the services of the catalog."""
    asked = {key: call.single(key) for key in ("type", "name")}
    return listed(
        call,
        "services",
        [
            {
                "id": each["id"],
                "type": each["type"],
                "name": each["name"],
                "enabled": True,
                "links": {"self": f"{call.origin}{call.base}/v3/services/{each['id']}"},
            }
            for each in _entries(call)
            if all(value in (None, each[key]) for key, value in asked.items())
        ],
    )


def list_endpoints(call: Call[Directory]) -> Answer:
    """List the endpoints of the catalog."""
    asked = {key: call.single(key) for key in ("service_id", "interface")}
    found = [
        {
            "id": endpoint["id"],
            "interface": endpoint["interface"],
            "region": REGION,
            "region_id": REGION,
            "service_id": each["id"],
            "url": endpoint["url"],
            "enabled": True,
            "links": {"self": f"{call.origin}{call.base}/v3/endpoints/{endpoint['id']}"},
        }
        for each in _entries(call)
        for endpoint in each["endpoints"]
    ]
    return listed(
        call,
        "endpoints",
        [e for e in found if all(value in (None, e[key]) for key, value in asked.items())],
    )


def list_regions(call: Call[Directory]) -> Answer:
    """List the regions: there is one."""
    region = {
        "id": REGION,
        "description": "",
        "parent_region_id": None,
        "links": {"self": f"{call.origin}{call.base}/v3/regions/{REGION}"},
    }
    return listed(call, "regions", [region])
