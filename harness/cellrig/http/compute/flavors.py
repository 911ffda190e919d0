"""Flavors, their extra specs, and who may use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.flavor_views import brief_flavor, whole_flavor
from cellrig.http.compute.links import next_page
from cellrig.http.compute.paging import is_full, number_of, page, truth_of
from cellrig.http.compute.schemas.parts import true, whole
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal
from cellrig.model import Flavor

_SORT_KEYS: dict[str, Callable[[Flavor], Any]] = {
    "flavorid": lambda flavor: flavor.id,
    "id": lambda flavor: flavor.id,
    "name": lambda flavor: flavor.name,
    "memory_mb": lambda flavor: flavor.memory_mb,
    "vcpus": lambda flavor: flavor.vcpus,
    "root_gb": lambda flavor: flavor.root_gb,
    "ephemeral_gb": lambda flavor: flavor.ephemeral_gb,
    "swap": lambda flavor: flavor.swap_mb,
    "rxtx_factor": lambda flavor: flavor.rxtx_factor,
    "is_public": lambda flavor: flavor.is_public,
    "disabled": lambda flavor: flavor.disabled,
}


def list_flavors(call: ComputeCall) -> Answer:
    """List flavors with their names and links."""
    return _listed(call, "flavors", brief_flavor)


def list_flavor_details(call: ComputeCall) -> Answer:
    """List flavors with all that there is of them."""
    return _listed(call, "flavors/detail", whole_flavor)


def _listed(
    call: ComputeCall, path: str, view: Callable[[ComputeCall, Flavor], dict[str, Any]]
) -> Answer:
    shown = page(call, _sorted(call, _found(call)), lambda flavor: flavor.id)
    told: dict[str, Any] = {"flavors": [view(call, flavor) for flavor in shown]}
    if is_full(call, shown):
        told["flavors_links"] = next_page(call, path, shown[-1].id)
    return Answer(body=told)


def _found(call: ComputeCall) -> list[Flavor]:
    least_ram, least_disk = number_of(call, "minRam", 0), number_of(call, "minDisk", 0)
    found = call.service.flavors.visible(context_of(call), _is_public(call))
    return [each for each in found if each.memory_mb >= least_ram and each.root_gb >= least_disk]


def _is_public(call: ComputeCall) -> bool | None:
    given = call.single("is_public")
    if given is None:
        return True
    return None if given.lower() == "none" else truth_of("is_public", given)


def _sorted(call: ComputeCall, flavors: list[Flavor]) -> list[Flavor]:
    key, direction = call.single("sort_key") or "flavorid", call.single("sort_dir") or "asc"
    if key not in _SORT_KEYS:
        raise Refusal(400, f"{key!r} is no sort key: this takes {', '.join(sorted(_SORT_KEYS))}")
    if direction not in ("asc", "desc"):
        raise Refusal(400, f"{direction!r} is no sort direction: this takes asc or desc")
    return sorted(flavors, key=_SORT_KEYS[key], reverse=direction == "desc")


def show_flavor(call: ComputeCall) -> Answer:
    """Show one flavor."""
    return Answer(body={"flavor": whole_flavor(call, _named(call))})


def _named(call: ComputeCall) -> Flavor:
    return call.service.flavors.find(context_of(call), call.parameters["flavor_id"])


def create_flavor(call: ComputeCall) -> Answer:
    """Create a flavor; without an id it gets a uuid."""
    given = call.body["flavor"]
    flavor = Flavor(
        id=_given_id(call, given),
        name=given["name"].strip(),
        vcpus=whole(given["vcpus"], "vcpus", 1),
        memory_mb=whole(given["ram"], "ram", 1),
        root_gb=whole(given["disk"], "disk", 0),
        ephemeral_gb=whole(given.get("OS-FLV-EXT-DATA:ephemeral", 0), "ephemeral", 0),
        swap_mb=whole(given.get("swap", 0), "swap", 0),
        is_public=true(given.get("os-flavor-access:is_public", True)),
        description=given.get("description"),
        rxtx_factor=float(given.get("rxtx_factor", 1.0)),
    )
    call.service.flavors.create(context_of(call), flavor)
    return Answer(body={"flavor": whole_flavor(call, flavor)})


def _given_id(call: ComputeCall, given: dict[str, Any]) -> str:
    wanted = given.get("id")
    return call.new_uuid() if wanted in (None, "auto") else str(wanted)


def update_flavor(call: ComputeCall) -> Answer:
    """Change a flavor's description (since 2.55)."""
    flavor = call.service.flavors.describe(
        context_of(call), call.parameters["flavor_id"], call.body["flavor"]["description"]
    )
    return Answer(body={"flavor": whole_flavor(call, flavor)})


def delete_flavor(call: ComputeCall) -> Answer:
    """Delete a flavor."""
    call.service.flavors.delete(context_of(call), _named(call).id)
    return Answer(202)


# -- extra specs ---------------------------------------------------------------------------------


def list_extra_specs(call: ComputeCall) -> Answer:
    """List the extra specs of a flavor."""
    return Answer(body={"extra_specs": _named(call).extra_specs})


def create_extra_specs(call: ComputeCall) -> Answer:
    """Add extra specs to a flavor."""
    given = call.body["extra_specs"]
    _set(call, {**_named(call).extra_specs, **_strings(given)})
    return Answer(body={"extra_specs": given})


def show_extra_spec(call: ComputeCall) -> Answer:
    """Show one extra spec of a flavor."""
    key = call.parameters["key"]
    return Answer(body={key: _spec(_named(call), key)})


def update_extra_spec(call: ComputeCall) -> Answer:
    """Set one extra spec of a flavor, which the path and the body name alike."""
    key = call.parameters["key"]
    if set(call.body) != {key}:
        raise Refusal(400, f"the body takes the one key {key!r}, which the path names")
    _set(call, {**_named(call).extra_specs, **_strings(call.body)})
    return Answer(body=call.body)


def delete_extra_spec(call: ComputeCall) -> Answer:
    """Delete one extra spec of a flavor."""
    flavor, key = _named(call), call.parameters["key"]
    _spec(flavor, key)
    _set(call, {name: value for name, value in flavor.extra_specs.items() if name != key})
    return Answer(200)


def _spec(flavor: Flavor, key: str) -> str:
    if key not in flavor.extra_specs:
        raise NotFound(f"extra spec of flavor {flavor.id}", key)
    return flavor.extra_specs[key]


def _strings(given: dict[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else str(value) for key, value in given.items()}


def _set(call: ComputeCall, extra_specs: dict[str, str]) -> None:
    call.service.flavors.set_extra_specs(context_of(call), _named(call).id, extra_specs)


# -- access --------------------------------------------------------------------------------------


def list_access(call: ComputeCall) -> Answer:
    """List the projects that may use a flavor that is not public."""
    return _access(call)


def change_access(call: ComputeCall) -> Answer:
    """Let a project use a flavor, or not any more."""
    flavors, context = call.service.flavors, context_of(call)
    flavor_id = call.parameters["flavor_id"]
    ((action, given),) = call.body.items()
    if action == "addTenantAccess":
        flavors.add_project(context, flavor_id, given["tenant"])
    else:
        flavors.remove_project(context, flavor_id, given["tenant"])
    return _access(call)


def _access(call: ComputeCall) -> Answer:
    flavor_id = call.parameters["flavor_id"]
    projects = call.service.flavors.projects(context_of(call), flavor_id)
    told = [{"flavor_id": flavor_id, "tenant_id": project} for project in projects]
    return Answer(body={"flavor_access": told})
