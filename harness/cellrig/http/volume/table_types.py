"""Routes of volume types and quotas."""

from __future__ import annotations

from functools import partial

from cellrig.http.routes import Route, anybody
from cellrig.http.volume import nothing, quotas, types
from cellrig.http.volume.schemas import infrastructure as schemas
from cellrig.http.volume.schemas.parts import query
from cellrig.volume.api import StorageApi

_TYPES = "/types"
_TYPE = f"{_TYPES}/{{type_id}}"
_SPECS = f"{_TYPE}/extra_specs"
_QUOTAS = "/os-quota-sets/{of_project}"
_CLASS = "/os-quota-class-sets/{class_name}"
_DEFAULTS = "/default-types"
_DEFAULT = f"{_DEFAULTS}/{{of_project}}"

_Row = partial(Route[StorageApi], policy=anybody)
_Admin = partial(Route[StorageApi])
_Default = partial(_Admin, since=(3, 62))

_NOT_ENCRYPTED = nothing.refused(400, "no backend encrypts volumes")

ROUTES: tuple[Route[StorageApi], ...] = (
    _Row("GET", _TYPES, types.list_types, (200,), query=schemas.LIST_TYPES),
    _Admin("POST", _TYPES, types.create_type, (200,), body=schemas.CREATE_TYPE),
    _Row("GET", f"{_TYPES}/default", types.show_default_type, (200,)),
    _Row("GET", _TYPE, types.show_type, (200,)),
    _Admin("PUT", _TYPE, types.update_type, (200,), body=schemas.UPDATE_TYPE),
    _Admin("DELETE", _TYPE, types.delete_type, (202,)),
    _Admin("POST", f"{_TYPE}/action", types.run_type_action, (202,), body=schemas.TYPE_ACTION),
    _Admin("GET", f"{_TYPE}/os-volume-type-access", types.list_access, (200,)),
    _Row("GET", _SPECS, types.list_extra_specs, (200,)),
    _Admin("POST", _SPECS, types.create_extra_specs, (200,), body=schemas.EXTRA_SPECS),
    _Row("GET", f"{_SPECS}/{{key}}", types.show_extra_spec, (200,)),
    _Admin("PUT", f"{_SPECS}/{{key}}", types.update_extra_spec, (200,), body=schemas.EXTRA_SPEC),
    _Admin("DELETE", f"{_SPECS}/{{key}}", types.delete_extra_spec, (202,)),
    _Admin("GET", f"{_TYPE}/encryption", nothing.show_encryption, (200,)),
    _Admin("POST", f"{_TYPE}/encryption", _NOT_ENCRYPTED, (200,), body=schemas.ANYTHING),
    _Row("GET", "/limits", quotas.show_limits, (200,), query=query("project_id")),
    _Row("GET", _QUOTAS, quotas.show_quotas, (200,), query=schemas.QUOTA_QUERY),
    _Row("GET", f"{_QUOTAS}/defaults", quotas.show_default_quotas, (200,)),
    _Admin(
        "PUT",
        _QUOTAS,
        quotas.update_quotas,
        (200,),
        body=schemas.QUOTAS,
        query=schemas.QUOTA_QUERY,
    ),
    _Admin("DELETE", _QUOTAS, quotas.delete_quotas, (200,)),
    _Admin("GET", _CLASS, quotas.show_quota_class, (200,)),
    _Admin("PUT", _CLASS, quotas.update_quota_class, (200,), body=schemas.QUOTA_CLASS),
    _Default("GET", _DEFAULTS, types.list_default_types, (200,)),
    _Default("GET", f"{_DEFAULTS}/", types.list_default_types, (200,)),
    _Default("GET", _DEFAULT, types.show_project_default, (200,)),
    _Default("PUT", _DEFAULT, types.set_project_default, (200,), body=schemas.DEFAULT_TYPE),
    _Default("DELETE", _DEFAULT, types.unset_project_default, (204,)),
)
