"""Limits and quotas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.compute.schemas.parts import true, whole
from cellrig.http.errors import Refusal
from cellrig.http.volume.paging import flag_of
from cellrig.http.volume.service import VolumeCall, context_of

_NO_LIMITS = ("tenant_id", "force", "id", "class_name")

#: What the limits call a resource.
_LIMITS = {
    "maxTotalVolumes": "volumes",
    "maxTotalSnapshots": "snapshots",
    "maxTotalVolumeGigabytes": "gigabytes",
    "maxTotalBackups": "backups",
    "maxTotalBackupGigabytes": "backup_gigabytes",
}
_USED = {
    "totalVolumesUsed": "volumes",
    "totalSnapshotsUsed": "snapshots",
    "totalGigabytesUsed": "gigabytes",
    "totalBackupsUsed": "backups",
    "totalBackupGigabytesUsed": "backup_gigabytes",
}


def show_limits(call: VolumeCall) -> Answer:
    """Show the limits of a project and what it uses."""
    context = context_of(call)
    project = context.project_id
    if call.version >= (3, 39):
        project = call.single("project_id") or project
    usages = call.service.quotas.usages(context, project)
    absolute = {
        **{name: usages[key].limit for name, key in _LIMITS.items()},
        **{name: usages[key].in_use for name, key in _USED.items()},
    }
    return Answer(body={"limits": {"rate": [], "absolute": absolute}})


def show_quotas(call: VolumeCall) -> Answer:
    """Show the quotas of a project; with ``usage`` also what it uses."""
    project, context = call.parameters["of_project"], context_of(call)
    told: Mapping[str, Any]
    if flag_of(call, "usage"):
        usages = call.service.quotas.usages(context, project)
        told = {
            name: {"limit": usage.limit, "in_use": usage.in_use, "reserved": 0, "allocated": 0}
            for name, usage in usages.items()
        }
    else:
        told = call.service.quotas.limits(context, project)
    return Answer(body={"quota_set": {"id": project, **told}})


def show_default_quotas(call: VolumeCall) -> Answer:
    """Show the quotas that a project has for which nothing was set."""
    context_of(call)
    limits = call.service.quotas.defaults()
    return Answer(body={"quota_set": {"id": call.parameters["of_project"], **limits}})


def update_quotas(call: VolumeCall) -> Answer:
    """Set some quotas of a project."""
    given = call.body["quota_set"]
    skip = call.single("skip_validation")
    force = skip is None or flag_of(call, "skip_validation") or true(given.get("force", False))
    limits = call.service.quotas.change(
        context_of(call), call.parameters["of_project"], _numbers(given), force=force
    )
    return Answer(body={"quota_set": limits})


def delete_quotas(call: VolumeCall) -> Answer:
    """Let a project have the default quotas."""
    call.service.quotas.reset(context_of(call), call.parameters["of_project"])
    return Answer(200)


def show_quota_class(call: VolumeCall) -> Answer:
    """Show the quotas of a class of projects."""
    name = call.parameters["class_name"]
    limits = call.service.quotas.of_class(context_of(call), name)
    return Answer(body={"quota_class_set": {"id": name, **limits}})


def update_quota_class(call: VolumeCall) -> Answer:
    """Set some quotas of a class of projects."""
    given = call.body["quota_class_set"]
    limits = call.service.quotas.change_class(
        context_of(call), call.parameters["class_name"], _numbers(given)
    )
    return Answer(body={"quota_class_set": limits})


def _numbers(given: Mapping[str, Any]) -> dict[str, int]:
    limits = {
        name: whole(value, name, -1) for name, value in given.items() if name not in _NO_LIMITS
    }
    if not limits:
        raise Refusal(400, "quotas are set by at least one limit")
    return limits
