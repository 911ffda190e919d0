"""The services of block storage, its hosts, its pools, and the zone of all volumes."""

from __future__ import annotations

import math
from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.dates import naive
from cellrig.http.errors import Refusal
from cellrig.http.volume.paging import flag_of
from cellrig.http.volume.service import VolumeCall, context_of
from cellrig.volume.choosing import VOLUME_BINARY
from cellrig.volume.details import ZONE
from cellrig.volume.hosts import HostUse, Pool, ServiceState

_UNLIMITED = "infinite"


def list_services(call: VolumeCall) -> Answer:
    """List the services."""
    host = call.single("host")
    binary = call.single("binary") or call.single("service")
    told = [
        _service(call, each)
        for each in call.service.hosts.all(context_of(call))
        if host in (None, each.host, each.host.partition("@")[0]) and binary in (None, each.binary)
    ]
    return Answer(body={"services": told})


def _service(call: VolumeCall, state: ServiceState) -> dict[str, Any]:
    told: dict[str, Any] = {
        "binary": state.binary,
        "host": state.host,
        "zone": ZONE,
        "status": _status(state),
        "state": "up",
        "updated_at": naive(state.updated_at),
        "disabled_reason": state.disabled_reason,
    }
    if call.version >= (3, 7):
        told["cluster"] = None
    if state.binary == VOLUME_BINARY:
        told |= {
            "frozen": state.frozen,
            "replication_status": "disabled",
            "active_backend_id": None,
        }
        if call.version >= (3, 49):
            told["backend_state"] = "up"
    return told


def _status(state: ServiceState) -> str:
    return "disabled" if state.disabled else "enabled"


def _change(call: VolumeCall, **changes: Any) -> ServiceState:
    given = call.body
    binary = given.get("binary") or given.get("service")
    return call.service.hosts.change(context_of(call), given["host"], binary, **changes)


def _changed(state: ServiceState) -> dict[str, Any]:
    return {
        "host": state.host,
        "service": state.binary,
        "binary": state.binary,
        "disabled": state.disabled,
        "status": _status(state),
    }


def enable_service(call: VolumeCall) -> Answer:
    """Enable a service."""
    state = _change(call, disabled=False)
    return Answer(body={**_changed(state), "disabled_reason": None})


def disable_service(call: VolumeCall) -> Answer:
    """Disable a service: a backend gets no new volumes."""
    return Answer(body=_changed(_change(call, disabled=True)))


def disable_service_with_reason(call: VolumeCall) -> Answer:
    """Disable a service and say why."""
    state = _change(call, disabled=True, reason=call.body["disabled_reason"])
    return Answer(body={**_changed(state), "disabled_reason": state.disabled_reason})


def freeze_host(call: VolumeCall) -> Answer:
    """Note that a backend is frozen."""
    _set_frozen(call, frozen=True)
    return Answer(200)


def thaw_host(call: VolumeCall) -> Answer:
    """Note that a backend is not frozen any more."""
    _set_frozen(call, frozen=False)
    return Answer(200)


def _set_frozen(call: VolumeCall, *, frozen: bool) -> None:
    try:
        _change(call, frozen=frozen)
    except NotFound as error:  # which the body names, and not the path
        raise Refusal(400, str(error)) from error


def fail_over_host(call: VolumeCall) -> Answer:
    """Let a backend be replaced by its replica: none has one."""
    call.service.hosts.use(context_of(call), call.body["host"])
    raise Refusal(400, f"host {call.body['host']} has no replica to fail over to")


def show_log_levels(call: VolumeCall) -> Answer:
    """Show the log levels of services: there are none to be set."""
    context_of(call)
    return Answer(body={"log_levels": []})


def set_log_levels(call: VolumeCall) -> Answer:
    """Set the log levels of services: there are none to be set."""
    context_of(call)
    return Answer(202)


# -- hosts -----------------------------------------------------------------------------------------


def list_hosts(call: VolumeCall) -> Answer:
    """List the hosts of the services."""
    told = [
        {
            "service-status": "available",
            "service": each.binary,
            "zone": ZONE,
            "service-state": _status(each),
            "host_name": each.host,
            "last-update": naive(each.updated_at),
        }
        for each in call.service.hosts.all(context_of(call))
    ]
    return Answer(body={"hosts": told})


def show_host(call: VolumeCall) -> Answer:
    """Show what is on a host, in all and by project."""
    host = call.parameters["host_name"]
    uses = call.service.hosts.use(context_of(call), host)
    total = HostUse(
        sum(each.volumes for each in uses.values()),
        sum(each.volume_gb for each in uses.values()),
        sum(each.snapshots for each in uses.values()),
        sum(each.snapshot_gb for each in uses.values()),
    )
    told = [_resource(host, name, use) for name, use in [("(total)", total), *uses.items()]]
    return Answer(body={"host": told})


def _resource(host: str, project: str, use: HostUse) -> dict[str, Any]:
    told = {
        "host": host,
        "project": project,
        "volume_count": str(use.volumes),
        "total_volume_gb": str(use.volume_gb),
        "snapshot_count": str(use.snapshots),
        "total_snapshot_gb": str(use.snapshot_gb),
    }
    return {"resource": told}


def update_host(call: VolumeCall) -> Answer:
    """Enable or disable a host."""
    host, status = call.parameters["host_name"], call.body["status"]
    call.service.hosts.change(context_of(call), host, VOLUME_BINARY, disabled=status == "disable")
    return Answer(body={"host": host, "status": f"{status}d"})


# -- pools -----------------------------------------------------------------------------------------


def list_pools(call: VolumeCall) -> Answer:
    """List the pools; with ``detail`` what each has."""
    name, detailed = call.single("name"), flag_of(call, "detail")
    told: list[dict[str, Any]] = []
    for pool in call.service.hosts.pools(context_of(call)):
        if name in (None, pool.name):
            more = {"capabilities": _pool(call, pool)} if detailed else {}
            told.append({"name": pool.name, **more})
    return Answer(body={"pools": told})


def _pool(call: VolumeCall, pool: Pool) -> dict[str, Any]:
    return {
        "volume_backend_name": pool.backend,
        "pool_name": pool.backend,
        "total_capacity_gb": _gib(pool.total_gb),
        "free_capacity_gb": _gib(pool.free_gb),
        "allocated_capacity_gb": pool.allocated_gb,
        "provisioned_capacity_gb": pool.allocated_gb,
        "max_over_subscription_ratio": "1.0",
        "thin_provisioning_support": False,
        "thick_provisioning_support": True,
        "reserved_percentage": 0,
        "total_volumes": pool.volumes,
        "multiattach": pool.multiattach,
        "QoS_support": False,
        "storage_protocol": "cellrig",
        "driver_version": "1.0",
        "vendor_name": "Open Source",
        "backend_state": "up",
        "timestamp": naive(call.service.runtime.now()),
    }


def _gib(given: float) -> float | str:
    return _UNLIMITED if math.isinf(given) else given


def show_capabilities(call: VolumeCall) -> Answer:
    """Show what a backend can do."""
    host = call.parameters["host_name"]
    backend = call.service.hosts.backend_of(host)
    told: dict[str, Any] = {
        "namespace": f"OS::Storage::Capabilities::{host}",
        "vendor_name": "Open Source",
        "volume_backend_name": backend,
        "pool_name": backend,
        "driver_version": "1.0",
        "storage_protocol": "cellrig",
        "display_name": backend,
        "description": None,
        "visibility": None,
        "replication_targets": [],
        "properties": {},
    }
    return Answer(body=told)


def list_zones(call: VolumeCall) -> Answer:
    """List the availability zones: there is one."""
    context_of(call)
    zone = {"zoneName": ZONE, "zoneState": {"available": True}}
    return Answer(body={"availabilityZoneInfo": [zone]})
