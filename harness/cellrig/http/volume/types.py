"""Volume types, their extra specs, who may use them, and which one is the default."""

from __future__ import annotations

from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.paging import truth_of
from cellrig.http.compute.schemas.parts import true
from cellrig.http.errors import Refusal
from cellrig.http.volume.paging import list_query, listed
from cellrig.http.volume.service import VolumeCall, context_of
from cellrig.http.volume.volume_query import pairs_of
from cellrig.volume.listing import select_page
from cellrig.volume.types import VolumeType

#: The extra specs that everybody may see (Cinder, "User visible extra specs").
_VISIBLE = ("RESKEY:availability_zones", "multiattach", "replication_enabled")
_KEYS = {
    "id": lambda each: each.id,
    "name": lambda each: each.name,
    "is_public": lambda each: each.is_public,
}


def _specs(call: VolumeCall, volume_type: VolumeType) -> dict[str, str]:
    specs = volume_type.extra_specs
    if context_of(call).is_admin:
        return specs
    return {key: value for key, value in specs.items() if key in _VISIBLE}


def _changed(call: VolumeCall, volume_type: VolumeType) -> dict[str, Any]:
    """Return a type as it is told to who has changed it."""
    return {
        "id": volume_type.id,
        "name": volume_type.name,
        "is_public": volume_type.is_public,
        "description": volume_type.description,
        "extra_specs": _specs(call, volume_type),
    }


def _made(call: VolumeCall, volume_type: VolumeType) -> dict[str, Any]:
    """Return a type as it is told to who has made it."""
    told = _changed(call, volume_type)
    return {**told, "os-volume-type-access:is_public": volume_type.is_public}


def _whole(call: VolumeCall, volume_type: VolumeType) -> dict[str, Any]:
    """Return a type as it is shown and listed."""
    told = _made(call, volume_type)
    return {**told, "qos_specs_id": None} if context_of(call).is_admin else told


def _by_id(call: VolumeCall) -> VolumeType:
    """Return the type that the path names by its id; names are for bodies."""
    asked = call.parameters["type_id"]
    found = call.service.types.get(context_of(call), asked)
    if found.id != asked:
        raise NotFound("volume type", asked)
    return found


def list_types(call: VolumeCall) -> Answer:
    """List the volume types that the caller may use; administrators see all."""
    public = True if not context_of(call).is_admin else _publicity(call)
    asked = call.single("extra_specs")
    specs = {} if asked is None else pairs_of("extra_specs", asked)
    name = call.single("name")

    def fits(each: VolumeType) -> bool:
        if context_of(call).is_admin and public is not None and each.is_public is not public:
            return False
        return name in (None, each.name) and specs.items() <= _specs(call, each).items()

    found = call.service.types.all(context_of(call))
    page = select_page(found, list_query(call, [fits]), _KEYS)
    told = [_whole(call, each) for each in page.items]
    return Answer(body=listed(call, "volume_types", "types", page, told))


def _publicity(call: VolumeCall) -> bool | None:
    """Return whether public types are asked for, or others; None for all."""
    given = call.single("is_public")
    if given is None:
        return True
    return None if given.lower() == "none" else truth_of("is_public", given)


def show_type(call: VolumeCall) -> Answer:
    """Show one volume type."""
    return Answer(body={"volume_type": _whole(call, _by_id(call))})


def show_default_type(call: VolumeCall) -> Answer:
    """Show the volume type of volumes that name none."""
    found = call.service.access.default(context_of(call))
    return Answer(body={"volume_type": _whole(call, found)})


def create_type(call: VolumeCall) -> Answer:
    """Create a volume type."""
    given = call.body["volume_type"]
    made = call.service.types.create(
        context_of(call),
        given["name"].strip(),
        given.get("extra_specs") or {},
        given.get("description"),
        true(given.get("os-volume-type-access:is_public", True)),
    )
    return Answer(body={"volume_type": _made(call, made)})


def update_type(call: VolumeCall) -> Answer:
    """Change a volume type's name, description or publicity."""
    given = {key: value for key, value in call.body["volume_type"].items() if value is not None}
    if not given:
        raise Refusal(400, "a volume type is changed by a name, a description or is_public")
    if "name" in given and not given["name"].strip():
        raise Refusal(400, "name takes something that is not all spaces")
    if "is_public" in given:
        given["is_public"] = true(given["is_public"])
    changed = call.service.types.change(context_of(call), _by_id(call).id, **given)
    return Answer(body={"volume_type": _changed(call, changed)})


def delete_type(call: VolumeCall) -> Answer:
    """Delete a volume type that no volume has."""
    call.service.types.delete(context_of(call), _by_id(call).id)
    return Answer(202)


# -- extra specs -----------------------------------------------------------------------------------


def list_extra_specs(call: VolumeCall) -> Answer:
    """List the extra specs of a volume type."""
    return Answer(body={"extra_specs": _specs(call, _by_id(call))})


def create_extra_specs(call: VolumeCall) -> Answer:
    """Add extra specs to a volume type's."""
    given = call.body["extra_specs"]
    _change(call, lambda known: {**known, **given})
    return Answer(body={"extra_specs": given})


def show_extra_spec(call: VolumeCall) -> Answer:
    """Show one extra spec."""
    return Answer(body=_spec(_specs(call, _by_id(call)), call.parameters["key"]))


def update_extra_spec(call: VolumeCall) -> Answer:
    """Set one extra spec, which the path and the body name alike."""
    given, key = call.body, call.parameters["key"]
    if key not in given:
        raise Refusal(400, f"the body takes the key {key!r}, which the path names")
    _change(call, lambda known: {**known, **given})
    return Answer(body=given)


def delete_extra_spec(call: VolumeCall) -> Answer:
    """Delete one extra spec."""
    key = call.parameters["key"]

    def without(known: dict[str, str]) -> dict[str, str]:
        _spec(known, key)
        return {name: value for name, value in known.items() if name != key}

    _change(call, without)
    return Answer(202)


def _change(call: VolumeCall, change: Any) -> None:
    call.service.types.change_extra_specs(context_of(call), _by_id(call).id, change)


def _spec(specs: dict[str, str], key: str) -> dict[str, str]:
    if key not in specs:
        raise NotFound("extra spec", key)
    return {key: specs[key]}


# -- projects --------------------------------------------------------------------------------------


def list_access(call: VolumeCall) -> Answer:
    """List the projects that may use a volume type that is not public."""
    found = _by_id(call)
    projects = call.service.access.projects(context_of(call), found.id)
    told = [{"volume_type_id": found.id, "project_id": each} for each in projects]
    return Answer(body={"volume_type_access": told})


def run_type_action(call: VolumeCall) -> Answer:
    """Let a project use a volume type, or no longer."""
    ((name, given),) = call.body.items()
    access, context = call.service.access, context_of(call)
    change = access.add if name == "addProjectAccess" else access.remove
    change(context, _by_id(call).id, given["project"])
    return Answer(202)


# -- defaults of projects (3.62) -------------------------------------------------------------------


def list_default_types(call: VolumeCall) -> Answer:
    """List the projects that have a default volume type of their own."""
    found = call.service.access.defaults(context_of(call))
    told = [_default(project, type_id) for project, type_id in found.items()]
    return Answer(body={"default_types": told})


def show_project_default(call: VolumeCall) -> Answer:
    """Show the default volume type of a project, if it has one of its own."""
    project = call.parameters["of_project"]
    type_id = call.service.access.default_of(context_of(call), project)
    return Answer(body={"default_type": _default(project, type_id)})


def set_project_default(call: VolumeCall) -> Answer:
    """Give a project a default volume type of its own."""
    project, name = call.parameters["of_project"], call.body["default_type"]["volume_type"]
    type_id = call.service.access.set_default(context_of(call), project, name)
    return Answer(body={"default_type": _default(project, type_id)})


def unset_project_default(call: VolumeCall) -> Answer:
    """Let a project have the default volume type that others have."""
    call.service.access.unset_default(context_of(call), call.parameters["of_project"])
    return Answer(204)


def _default(project_id: str, type_id: str) -> dict[str, str]:
    return {"project_id": project_id, "volume_type_id": type_id}
