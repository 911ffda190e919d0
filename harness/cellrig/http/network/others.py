"""What clients ask of a network service besides: versions, extensions, quotas, empty lists."""

from __future__ import annotations

from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.network.listing import listed
from cellrig.http.network.schemas import UPDATE_QUOTA
from cellrig.http.network.service import NetworkCall, context_of
from cellrig.http.routes import Route, anybody
from cellrig.network.client import NetworkClient

#: Alias to name of the extensions whose attributes and calls there are.
EXTENSIONS = {
    "allowed-address-pairs": "Allowed Address Pairs",
    "agent": "agent",
    "availability_zone": "Availability Zone",
    "binding": "Port Binding",
    "default-subnetpools": "Default Subnetpools",
    "dns-integration": "DNS Integration",
    "external-net": "Neutron external network",
    "extra_dhcp_opt": "Neutron Extra DHCP options",
    "ip-substring-filtering": "IP address substring filtering",
    "net-mtu": "Network MTU",
    "net-mtu-writable": "Network MTU (writable)",
    "network_availability_zone": "Network Availability Zone",
    "pagination": "Pagination support",
    "port-security": "Port Security",
    "project-id": "project_id field enabled",
    "provider": "Provider Network",
    "quotas": "Quota management support",
    "quota_details": "Quota details management support",
    "router": "Neutron L3 Router",
    "security-group": "security-group",
    "sorting": "Sorting support",
    "standard-attr-description": "standard-attr-description",
    "standard-attr-tag": "Tag support for resources with standard attribute",
    "standard-attr-timestamp": "Resource timestamps",
    "address-scope": "Address scope",
    "subnet_allocation": "Subnet Allocation",
    "tag": "Tag support",
}

#: What there is none of: the path, and what bodies call it.
_EMPTY = {
    "routers": "routers",
    "floatingips": "floatingips",
    "subnetpools": "subnetpools",
    "address-scopes": "address_scopes",
    "agents": "agents",
}

_ZONE = {"name": "nova", "resource": "network", "state": "available"}


def _version(call: NetworkCall) -> dict[str, Any]:
    href = f"{call.origin}{call.base}/v2.0/"
    return {"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": href}]}


def list_versions(call: NetworkCall) -> Answer:
    """List the versions of the API."""
    return Answer(body={"versions": [_version(call)]})


def show_version(call: NetworkCall) -> Answer:
    """Show version 2.0 and its resources."""
    names = ("network", "subnet", "port", "security-group", "security-group-rule", "quota")
    resources = [
        {
            "name": name.replace("-", "_"),
            "collection": f"{name}s".replace("-", "_"),
            "links": [{"rel": "self", "href": f"{call.origin}{call.base}/v2.0/{name}s"}],
        }
        for name in names
    ]
    return Answer(body={"resources": resources, "version": _version(call)})


def _extension(alias: str) -> dict[str, Any]:
    name = EXTENSIONS[alias]
    return {
        "alias": alias,
        "name": name,
        "description": f"The field's extension {name}.",
        "updated": "2018-02-28T00:00:00-00:00",
        "links": [],
    }


def list_extensions(_call: NetworkCall) -> Answer:
    """List the extensions that there are."""
    return Answer(body={"extensions": [_extension(alias) for alias in sorted(EXTENSIONS)]})


def show_extension(call: NetworkCall) -> Answer:
    """Show an extension."""
    alias = call.parameters["alias"]
    if alias not in EXTENSIONS:
        raise NotFound("extension", alias)
    return Answer(body={"extension": _extension(alias)})


def list_zones(call: NetworkCall) -> Answer:
    """List the availability zones of networks."""
    return listed(call, "availability_zones", [{"id": "nova", **_ZONE}])


def list_quotas(_call: NetworkCall) -> Answer:
    """List the quotas that differ from the defaults: they are asked for one by one."""
    return Answer(body={"quotas": []})


def show_quota(call: NetworkCall) -> Answer:
    """Show the quotas of a project."""
    limits = call.service.quota_get(context_of(call), call.parameters["project_id"])
    return Answer(body={"quota": limits})


def show_default_quota(call: NetworkCall) -> Answer:
    """Show the quotas that a project has of which nothing is set."""
    context = context_of(call)
    return Answer(body={"quota": call.service.quota_defaults(context)})


def show_used_quota(call: NetworkCall) -> Answer:
    """Show the quotas of a project with what it has used of them."""
    context, project_id = context_of(call), call.parameters["project_id"]
    limits = call.service.quota_get(context, project_id)
    used = call.service.quota_used(context, project_id)
    told = {
        name: {"limit": limit, "used": used.get(name, 0), "reserved": 0}
        for name, limit in limits.items()
    }
    return Answer(body={"quota": told})


def update_quota(call: NetworkCall) -> Answer:
    """Set quotas of a project."""
    told = call.body["quota"].items()
    given = {name: int(limit) for name, limit in told if name not in ("force", "check_limit")}
    limits = call.service.quota_update(context_of(call), call.parameters["project_id"], given)
    return Answer(body={"quota": limits})


def reset_quota(call: NetworkCall) -> Answer:
    """Let a project have the default quotas."""
    call.service.quota_reset(context_of(call), call.parameters["project_id"])
    return Answer(204)


def _empty(path: str, name: str) -> tuple[Route[NetworkClient], ...]:
    """Return the routes of something of which there is nothing."""

    def list_none(_call: NetworkCall) -> Answer:
        return Answer(body={name: []})

    def show_none(call: NetworkCall) -> Answer:
        raise NotFound(name.removesuffix("s"), call.parameters["id"])

    list_none.__doc__ = f"List {name}: there are none."
    show_none.__doc__ = f"Show one of the {name}: there are none."
    return (
        Route("GET", f"/v2.0/{path}", list_none, (200,), since=(0, 0), policy=anybody),
        Route("GET", f"/v2.0/{path}/{{id}}", show_none, (200,), since=(0, 0), policy=anybody),
    )


def _open(path: str, handler: Any) -> Route[NetworkClient]:
    return Route("GET", path, handler, (200,), since=(0, 0), policy=None)


def _for_all(
    method: str, path: str, handler: Any, status: int = 200, body: Any = None
) -> Route[NetworkClient]:
    taken = {} if body is None else {(0, 0): body}
    return Route(method, path, handler, (status,), since=(0, 0), body=taken, policy=anybody)


ROUTES: tuple[Route[NetworkClient], ...] = (
    _open("", list_versions),
    _open("/", list_versions),
    _open("/v2.0", show_version),
    _open("/v2.0/", show_version),
    _for_all("GET", "/v2.0/extensions", list_extensions),
    _for_all("GET", "/v2.0/extensions/{alias}", show_extension),
    _for_all("GET", "/v2.0/availability_zones", list_zones),
    _for_all("GET", "/v2.0/quotas", list_quotas),
    _for_all("GET", "/v2.0/quotas/{project_id}", show_quota),
    _for_all("PUT", "/v2.0/quotas/{project_id}", update_quota, 200, UPDATE_QUOTA),
    _for_all("DELETE", "/v2.0/quotas/{project_id}", reset_quota, 204),
    _for_all("GET", "/v2.0/quotas/{project_id}/default", show_default_quota),
    _for_all("GET", "/v2.0/quotas/{project_id}/details.json", show_used_quota),
    *(route for path, name in _EMPTY.items() for route in _empty(path, name)),
)
