"""The catalog and what is kept beside it: services, endpoints, regions, policies.

Our own services are in every catalog and stay as they are; administrators add others.
"""

from __future__ import annotations

from cellrig.errors import Forbidden, Invalid
from cellrig.http.identity import schemas
from cellrig.http.identity.directory import REGION
from cellrig.http.identity.records import IdentityCall, Kind, Shown, every, kept


def _own_services(call: IdentityCall) -> list[Shown]:
    return [
        {"id": each["id"], "type": each["type"], "name": each["name"], "enabled": True}
        for each in _own(call)
    ]


def _own_endpoints(call: IdentityCall) -> list[Shown]:
    return [
        {**endpoint, "service_id": each["id"], "enabled": True}
        for each in _own(call)
        for endpoint in each["endpoints"]
    ]


def _own_regions(_call: IdentityCall) -> list[Shown]:
    return [{"id": REGION, "description": "", "parent_region_id": None}]


def _own(call: IdentityCall) -> list[Shown]:
    project_id = call.caller.project_id if call.caller else None
    return call.service.own_services(call.origin, project_id or None)


def _endpoint(call: IdentityCall, fields: Shown) -> Shown:
    """Check an endpoint; a region that is only named by ``region`` is made."""
    if all(each["id"] != fields["service_id"] for each in every(call, SERVICES)):
        raise Invalid(f"there is no service {fields['service_id']}")
    regions = {each["id"] for each in every(call, REGIONS)}
    named = (call.body.get(ENDPOINTS.one) or {}).get("region")
    region_id = fields["region_id"] if named is None else named
    if region_id is not None and region_id not in regions:
        if named is None:
            raise Invalid(f"there is no region {region_id}")
        kept(call, REGIONS).create({**REGIONS.plain, "id": region_id})
    return {**fields, "region": region_id, "region_id": region_id}


def _region(call: IdentityCall, fields: Shown) -> Shown:
    parent_id = fields["parent_region_id"]
    above = {each["id"]: each["parent_region_id"] for each in every(call, REGIONS)}
    if parent_id is not None and parent_id not in above:
        raise Invalid(f"there is no region {parent_id}")
    while parent_id is not None:
        if parent_id == fields["id"]:
            raise Invalid(f"region {parent_id} cannot be below itself")
        parent_id = above[parent_id]
    return fields


def _end_service(call: IdentityCall, service: Shown) -> None:
    for endpoint in kept(call, ENDPOINTS).all():
        if endpoint["service_id"] == service["id"]:
            kept(call, ENDPOINTS).delete(endpoint["id"])


def _end_region(call: IdentityCall, region: Shown) -> None:
    if any(each["parent_region_id"] == region["id"] for each in kept(call, REGIONS).all()):
        raise Forbidden(f"region {region['id']} has others below it, which must go first")
    if any(each["region_id"] == region["id"] for each in kept(call, ENDPOINTS).all()):
        raise Forbidden(f"region {region['id']} has endpoints, which must go first")


SERVICES = Kind(
    "service",
    "services",
    "services",
    {"enabled": True},
    ("type", "name"),
    schemas.CREATE_SERVICE,
    schemas.UPDATE_SERVICE,
    founded=_own_services,
    ending=_end_service,
)
ENDPOINTS = Kind(
    "endpoint",
    "endpoints",
    "endpoints",
    {"enabled": True, "region_id": None},
    ("service_id", "interface", "region_id"),
    schemas.CREATE_ENDPOINT,
    schemas.UPDATE_ENDPOINT,
    founded=_own_endpoints,
    checked=_endpoint,
)
REGIONS = Kind(
    "region",
    "regions",
    "regions",
    {"description": "", "parent_region_id": None},
    ("parent_region_id",),
    schemas.CREATE_REGION,
    schemas.UPDATE_REGION,
    founded=_own_regions,
    checked=_region,
    ending=_end_region,
)
POLICIES = Kind(
    "policy",
    "policies",
    "policies",
    {},
    ("type",),
    schemas.CREATE_POLICY,
    schemas.UPDATE_POLICY,
)
ENDPOINT_GROUPS = Kind(
    "endpoint_group",
    "endpoint_groups",
    "OS-EP-FILTER/endpoint_groups",
    {"description": None},
    ("name",),
    schemas.CREATE_ENDPOINT_GROUP,
    schemas.UPDATE_ENDPOINT_GROUP,
)
KINDS = (SERVICES, ENDPOINTS, REGIONS, POLICIES, ENDPOINT_GROUPS)
