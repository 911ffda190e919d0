"""Limits and quotas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.compute.schemas.parts import true, whole
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal

_ALWAYS = (
    *("instances", "cores", "ram", "metadata_items", "key_pairs"),
    *("server_groups", "server_group_members"),
)
_OF_NETWORKS = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")
_OF_FILES = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")

#: What the limits call a resource, and from which microversion on they do not.
_LIMITS: tuple[tuple[str, str, tuple[int, int] | None], ...] = (
    ("maxTotalInstances", "instances", None),
    ("maxTotalCores", "cores", None),
    ("maxTotalRAMSize", "ram", None),
    ("maxServerMeta", "metadata_items", None),
    ("maxTotalKeypairs", "key_pairs", None),
    ("maxServerGroups", "server_groups", None),
    ("maxServerGroupMembers", "server_group_members", None),
    ("maxTotalFloatingIps", "floating_ips", (2, 36)),
    ("maxSecurityGroups", "security_groups", (2, 36)),
    ("maxSecurityGroupRules", "security_group_rules", (2, 36)),
    ("maxImageMeta", "metadata_items", (2, 39)),
    ("maxPersonality", "injected_files", (2, 57)),
    ("maxPersonalitySize", "injected_file_content_bytes", (2, 57)),
)
_USED: tuple[tuple[str, str, tuple[int, int] | None], ...] = (
    ("totalInstancesUsed", "instances", None),
    ("totalCoresUsed", "cores", None),
    ("totalRAMUsed", "ram", None),
    ("totalServerGroupsUsed", "server_groups", None),
    ("totalFloatingIpsUsed", "floating_ips", (2, 36)),
    ("totalSecurityGroupsUsed", "security_groups", (2, 36)),
)


def resources(version: tuple[int, int]) -> tuple[str, ...]:
    """Return the resources that a microversion has quotas of."""
    return (
        *_ALWAYS,
        *(_OF_NETWORKS if version < (2, 36) else ()),
        *(_OF_FILES if version < (2, 57) else ()),
    )


def _chosen(call: ComputeCall, limits: Mapping[str, Any]) -> dict[str, Any]:
    return {name: limits[name] for name in resources(call.version)}


def show_limits(call: ComputeCall) -> Answer:
    """Show the limits of a project and what it uses."""
    context = context_of(call)
    project = call.single("tenant_id") or context.project_id
    if project != context.project_id and not context.is_admin:
        raise Refusal(403, f"user {context.user_id} may not see the limits of {project}")
    usages = call.service.quotas.usages(context, project)
    absolute = {
        **{name: usages[key].limit for name, key in _of_version(call, _LIMITS)},
        **{name: usages[key].in_use for name, key in _of_version(call, _USED)},
    }
    return Answer(body={"limits": {"rate": [], "absolute": absolute}})


def _of_version(
    call: ComputeCall, entries: Iterable[tuple[str, str, tuple[int, int] | None]]
) -> Iterable[tuple[str, str]]:
    return [(name, key) for name, key, gone in entries if gone is None or call.version < gone]


def show_quotas(call: ComputeCall) -> Answer:
    """Show the quotas of a project."""
    project = call.parameters["project_id"]
    limits = call.service.quotas.limits(context_of(call), project)
    return Answer(body={"quota_set": {"id": project, **_chosen(call, limits)}})


def show_quota_details(call: ComputeCall) -> Answer:
    """Show the quotas of a project and what it uses."""
    project = call.parameters["project_id"]
    usages = call.service.quotas.usages(context_of(call), project)
    told = {
        name: {"limit": usage.limit, "in_use": usage.in_use, "reserved": 0}
        for name, usage in _chosen(call, usages).items()
    }
    return Answer(body={"quota_set": {"id": project, **told}})


def show_default_quotas(call: ComputeCall) -> Answer:
    """Show the quotas that a project has for which nothing was set."""
    limits = call.service.quotas.defaults()
    told = {"id": call.parameters["project_id"], **_chosen(call, limits)}
    return Answer(body={"quota_set": told})


def update_quotas(call: ComputeCall) -> Answer:
    """Set some quotas of a project."""
    given = call.body["quota_set"]
    limits = call.service.quotas.change(
        context_of(call),
        call.parameters["project_id"],
        _numbers(call, given),
        force=true(given.get("force", False)),
    )
    return Answer(body={"quota_set": _chosen(call, limits)})


def _numbers(call: ComputeCall, given: Mapping[str, Any]) -> dict[str, int]:
    return {name: whole(given[name], name, -1) for name in resources(call.version) if name in given}


def delete_quotas(call: ComputeCall) -> Answer:
    """Let a project have the default quotas."""
    call.service.quotas.reset(context_of(call), call.parameters["project_id"])
    return Answer(202)


def show_quota_class(call: ComputeCall) -> Answer:
    """Show the quotas of a class of projects."""
    name = call.parameters["class_name"]
    limits = call.service.quotas.of_class(context_of(call), name)
    return Answer(body={"quota_class_set": {"id": name, **_of_class(call, limits)}})


def update_quota_class(call: ComputeCall) -> Answer:
    """Set some quotas of a class of projects."""
    given = call.body["quota_class_set"]
    limits = call.service.quotas.change_class(
        context_of(call), call.parameters["class_name"], _numbers(call, given)
    )
    return Answer(body={"quota_class_set": _of_class(call, limits)})


def _of_class(call: ComputeCall, limits: Mapping[str, int]) -> dict[str, int]:
    """Return a class's quotas: those of server groups are shown from 2.50 on."""
    chosen = _chosen(call, limits)
    if call.version < (2, 50):
        for name in ("server_groups", "server_group_members"):
            chosen.pop(name)
    return chosen
