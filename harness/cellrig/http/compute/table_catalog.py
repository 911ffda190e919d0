"""Routes of versions, and of what servers are made from and limited by."""

from __future__ import annotations

from functools import partial

from cellrig.http.compute import extensions, flavors, groups, keypairs, quotas, root, usages
from cellrig.http.compute.schemas import flavors as flavor_schemas
from cellrig.http.compute.schemas import infrastructure as schemas
from cellrig.http.compute.schemas.parts import query
from cellrig.http.compute.service import ComputeApi
from cellrig.http.routes import Route, anybody

_V = "/v2.1"
_FLAVORS = f"{_V}/flavors"
_FLAVOR = f"{_FLAVORS}/{{flavor_id}}"
_SPECS = f"{_FLAVOR}/os-extra_specs"
_KEYPAIRS = f"{_V}/os-keypairs"
_GROUPS = f"{_V}/os-server-groups"
_QUOTAS = f"{_V}/os-quota-sets/{{project_id}}"
_CLASS = f"{_V}/os-quota-class-sets/{{class_name}}"

_Row = partial(Route[ComputeApi], policy=anybody)
_Admin = partial(Route[ComputeApi])

_USAGE = f"{_V}/os-simple-tenant-usage"
_AUDIT = f"{_V}/os-instance_usage_audit_log"

_PERIOD = query("start", "end", "detailed", more={(2, 40): ["limit", "marker"]})
_OF_USER = query(more={(2, 10): ["user_id"]})
_KEYPAIR_PAGES = query(more={(2, 10): ["user_id"], (2, 35): ["limit", "marker"]})

VERSIONS: tuple[Route[ComputeApi], ...] = (
    *(Route("GET", path, root.list_versions, (200,), policy=None) for path in ("", "/")),
    *(Route("GET", path, root.show_version, (200,), policy=None) for path in (_V, f"{_V}/")),
    *(Route("GET", path, root.show_old_version, (200,), policy=None) for path in ("/v2", "/v2/")),
    _Row("GET", f"{_V}/extensions", extensions.list_extensions, (200,)),
    _Row("GET", f"{_V}/extensions/{{alias}}", extensions.show_extension, (200,)),
)

ROUTES: tuple[Route[ComputeApi], ...] = (
    *VERSIONS,
    _Row("GET", _FLAVORS, flavors.list_flavors, (200,), query=flavor_schemas.LIST),
    _Row(
        "GET",
        f"{_FLAVORS}/detail",
        flavors.list_flavor_details,
        (200,),
        query=flavor_schemas.LIST,
    ),
    _Admin("POST", _FLAVORS, flavors.create_flavor, (200,), body=flavor_schemas.CREATE),
    _Row("GET", _FLAVOR, flavors.show_flavor, (200,)),
    _Admin("PUT", _FLAVOR, flavors.update_flavor, (200,), (2, 55), body=flavor_schemas.UPDATE),
    _Admin("DELETE", _FLAVOR, flavors.delete_flavor, (202,)),
    _Row("GET", _SPECS, flavors.list_extra_specs, (200,)),
    _Admin("POST", _SPECS, flavors.create_extra_specs, (200,), body=flavor_schemas.EXTRA_SPECS),
    _Row("GET", f"{_SPECS}/{{key}}", flavors.show_extra_spec, (200,)),
    _Admin(
        "PUT",
        f"{_SPECS}/{{key}}",
        flavors.update_extra_spec,
        (200,),
        body=flavor_schemas.EXTRA_SPEC,
    ),
    _Admin("DELETE", f"{_SPECS}/{{key}}", flavors.delete_extra_spec, (200,)),
    _Admin("GET", f"{_FLAVOR}/os-flavor-access", flavors.list_access, (200,)),
    _Admin("POST", f"{_FLAVOR}/action", flavors.change_access, (200,), body=flavor_schemas.ACCESS),
    _Row("GET", _KEYPAIRS, keypairs.list_keypairs, (200,), query=_KEYPAIR_PAGES),
    _Row("POST", _KEYPAIRS, keypairs.create_keypair, (200, 201), body=schemas.KEYPAIR),
    _Row("GET", f"{_KEYPAIRS}/{{name}}", keypairs.show_keypair, (200,), query=_OF_USER),
    _Row("DELETE", f"{_KEYPAIRS}/{{name}}", keypairs.delete_keypair, (202, 204), query=_OF_USER),
    _Row(
        "GET",
        _GROUPS,
        groups.list_groups,
        (200,),
        query=query("all_projects", "limit", "offset"),
    ),
    _Row("POST", _GROUPS, groups.create_group, (200,), body=schemas.GROUP),
    _Row("GET", f"{_GROUPS}/{{group_id}}", groups.show_group, (200,)),
    _Row("DELETE", f"{_GROUPS}/{{group_id}}", groups.delete_group, (204,)),
    _Row("GET", f"{_V}/limits", quotas.show_limits, (200,), query=query("tenant_id", "reserved")),
    _Row("GET", _QUOTAS, quotas.show_quotas, (200,), query=query("user_id")),
    _Row("GET", f"{_QUOTAS}/detail", quotas.show_quota_details, (200,), query=query("user_id")),
    _Row("GET", f"{_QUOTAS}/defaults", quotas.show_default_quotas, (200,)),
    _Admin(
        "PUT",
        _QUOTAS,
        quotas.update_quotas,
        (200,),
        body=schemas.QUOTAS,
        query=query("user_id"),
    ),
    _Admin("DELETE", _QUOTAS, quotas.delete_quotas, (202,), query=query("user_id")),
    _Admin("GET", _CLASS, quotas.show_quota_class, (200,)),
    _Admin("PUT", _CLASS, quotas.update_quota_class, (200,), body=schemas.QUOTA_CLASS),
    _Admin("GET", _USAGE, usages.list_usages, (200,), query=_PERIOD),
    _Row("GET", f"{_USAGE}/{{project_id}}", usages.show_usage, (200,), query=_PERIOD),
    _Admin("GET", _AUDIT, usages.list_audit_log, (200,)),
    _Admin("GET", f"{_AUDIT}/{{before_timestamp}}", usages.show_audit_log, (200,)),
)
