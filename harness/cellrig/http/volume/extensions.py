"""Extensions of the API, which are all part of it by now; clients still ask by their names."""

from __future__ import annotations

from cellrig.http.calls import Answer
from cellrig.http.volume.service import VolumeCall, context_of

#: What has been an extension once and is served, by its alias.
_NAMES = {
    "capabilities": "Capabilities",
    "os-admin-actions": "AdminActions",
    "os-availability-zone": "AvailabilityZones",
    "os-extended-snapshot-attributes": "ExtendedSnapshotAttributes",
    "os-hosts": "Hosts",
    "os-quota-class-sets": "QuotaClasses",
    "os-quota-sets": "Quotas",
    "os-services": "Services",
    "os-snapshot-actions": "SnapshotActions",
    "os-types-extra-specs": "TypesExtraSpecs",
    "os-types-manage": "TypesManage",
    "os-used-limits": "UsedLimits",
    "os-vol-host-attr": "VolumeHostAttribute",
    "os-vol-image-meta": "VolumeImageMetadata",
    "os-vol-mig-status-attr": "VolumeMigStatusAttribute",
    "os-vol-tenant-attr": "VolumeTenantAttribute",
    "os-volume-actions": "VolumeActions",
    "os-volume-transfer": "VolumeTransfer",
    "os-volume-type-access": "VolumeTypeAccess",
    "scheduler-stats": "SchedulerStats",
}


def list_extensions(call: VolumeCall) -> Answer:
    """List the extensions of the API."""
    context_of(call)
    told = [
        {
            "alias": alias,
            "name": name,
            "description": f"{name}, part of the API.",
            "updated": "2014-12-03T00:00:00Z",
            "links": [],
        }
        for alias, name in _NAMES.items()
    ]
    return Answer(body={"extensions": told})
