"""The versions of the identity API, and what its catalog is made of."""

from __future__ import annotations

from typing import Any

from cellrig.errors import NotFound
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
    return listed(call, "services", _asked(call, _services(call), "type", "name"))


def show_service(call: Call[Directory]) -> Answer:
    """Show a service of the catalog."""
    return _one(call, "service", _services(call))


def list_endpoints(call: Call[Directory]) -> Answer:
    """List the endpoints of the catalog."""
    return listed(call, "endpoints", _asked(call, _endpoints(call), "service_id", "interface"))


def show_endpoint(call: Call[Directory]) -> Answer:
    """Show an endpoint of the catalog."""
    return _one(call, "endpoint", _endpoints(call))


def list_regions(call: Call[Directory]) -> Answer:
    """List the regions: there is one."""
    return listed(call, "regions", _regions(call))


def show_region(call: Call[Directory]) -> Answer:
    """Show a region."""
    return _one(call, "region", _regions(call))


def _services(call: Call[Directory]) -> list[dict[str, Any]]:
    return [
        {
            "id": each["id"],
            "type": each["type"],
            "name": each["name"],
            "enabled": True,
            "links": {"self": f"{call.origin}{call.base}/v3/services/{each['id']}"},
        }
        for each in _entries(call)
    ]


def _endpoints(call: Call[Directory]) -> list[dict[str, Any]]:
    return [
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


def _regions(call: Call[Directory]) -> list[dict[str, Any]]:
    region = {
        "id": REGION,
        "description": "",
        "parent_region_id": None,
        "links": {"self": f"{call.origin}{call.base}/v3/regions/{REGION}"},
    }
    return [region]


def _asked(call: Call[Directory], found: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """Return those that have what the query asks for under `keys`."""
    wanted = {key: value for key in keys if (value := call.single(key)) is not None}
    return [each for each in found if wanted.items() <= each.items()]


def _one(call: Call[Directory], name: str, found: list[dict[str, Any]]) -> Answer:
    id_ = call.parameters[f"{name}_id"]
    for each in found:
        if each["id"] == id_:
            return Answer(body={name: each})
    raise NotFound(name, id_)
