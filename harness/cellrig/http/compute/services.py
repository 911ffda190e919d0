"""Compute services, and the hosts that they are on."""

from __future__ import annotations

from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.schemas.parts import true
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.dates import naive
from cellrig.http.errors import Refusal
from cellrig.http.uuids import is_dashed_uuid
from cellrig.model import Service

_BINARY = "nova-compute"
#: How many digits of its uuid a record's number is made of, where the API wants a number.
_DIGITS = 7


def number_of_uuid(uuid: str) -> int:
    """Return the number that a record has before 2.53."""
    return int(uuid[:_DIGITS], 16)


def _status(service: Service) -> str:
    return "disabled" if service.disabled else "enabled"


def _view(call: ComputeCall, service: Service, zones: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": service.uuid if call.version >= (2, 53) else number_of_uuid(service.uuid),
        "binary": service.binary,
        "host": service.host,
        "zone": zones.get(service.host, "internal"),
        "status": _status(service),
        "state": "up" if call.service.services.is_alive(service) else "down",
        "updated_at": naive(service.last_seen_up),
        "disabled_reason": service.disabled_reason,
    }
    if call.version >= (2, 11):
        told["forced_down"] = service.forced_down
    return told


def _zone_of_each(call: ComputeCall) -> dict[str, str]:
    zones = call.service.aggregates.zones(context_of(call))
    return {host: zone for zone, hosts in zones.items() for host in hosts}


def list_services(call: ComputeCall) -> Answer:
    """List the compute services; from 2.69 on also those of cells that do not answer."""
    host, binary = call.single("host"), call.single("binary")
    zones = _zone_of_each(call)
    found = call.service.services.all(context_of(call))
    told = [_view(call, service, zones) for service in found]
    if call.version >= (2, 69):
        known = {service.host for service in found}
        told += [
            {"binary": _BINARY, "host": each, "status": "UNKNOWN"}
            for each in sorted(set(zones) - known)
        ]
    told = [
        each for each in told if host in (None, each["host"]) and binary in (None, each["binary"])
    ]
    return Answer(body={"services": told})


def update_service(call: ComputeCall) -> Answer:
    """Change a service that is named by its uuid (since 2.53)."""
    uuid, given = call.parameters["service_id"], call.body
    service = _by_uuid(call, uuid)
    context, services = context_of(call), call.service.services
    status, reason = given.get("status"), given.get("disabled_reason")
    if reason is not None and status != "disabled":
        raise Refusal(400, "disabled_reason takes the status disabled")
    if status == "disabled":
        services.disable(context, service.host, reason)
    elif status == "enabled":
        services.enable(context, service.host)
    if "forced_down" in given:
        services.force_down(context, service.host, true(given["forced_down"]))
    return Answer(body={"service": _view(call, _by_uuid(call, uuid), _zone_of_each(call))})


def delete_service(call: ComputeCall) -> Answer:
    """Delete the service of a host that has no servers, with all that is known of the host."""
    given = call.parameters["service_id"]
    service = _by_uuid(call, given) if call.version >= (2, 53) else _by_number(call, given)
    call.service.services.delete(context_of(call), service.host)
    return Answer(status=204)


def _by_number(call: ComputeCall, given: str) -> Service:
    for service in call.service.services.all(context_of(call)):
        if str(number_of_uuid(service.uuid)) == given:
            return service
    raise NotFound("service", given)


def _by_uuid(call: ComputeCall, uuid: str) -> Service:
    if not is_dashed_uuid(uuid):
        raise Refusal(400, f"Invalid uuid {uuid}")
    for service in call.service.services.all(context_of(call)):
        if service.uuid == uuid:
            return service
    raise NotFound("service", uuid)


# -- until 2.52, by host and binary --------------------------------------------------------------


def _named(call: ComputeCall) -> Service:
    host, binary = call.body["host"], call.body["binary"]
    service = call.service.services.show(context_of(call), host)
    if service.binary != binary:
        raise NotFound("service", f"{binary} on host {host}")
    return service


def enable_service(call: ComputeCall) -> Answer:
    """Enable a service."""
    service = _named(call)
    call.service.services.enable(context_of(call), service.host)
    return _changed(service, status="enabled")


def disable_service(call: ComputeCall) -> Answer:
    """Disable a service."""
    service = _named(call)
    call.service.services.disable(context_of(call), service.host)
    return _changed(service, status="disabled")


def disable_service_with_reason(call: ComputeCall) -> Answer:
    """Disable a service and say why."""
    service, reason = _named(call), call.body["disabled_reason"]
    call.service.services.disable(context_of(call), service.host, reason)
    return _changed(service, status="disabled", disabled_reason=reason)


def force_service_down(call: ComputeCall) -> Answer:
    """Declare a service dead, or take that back (since 2.11)."""
    service, down = _named(call), true(call.body.get("forced_down", False))
    call.service.services.force_down(context_of(call), service.host, down)
    return _changed(service, forced_down=down)


def _changed(service: Service, **more: Any) -> Answer:
    told = {"host": service.host, "binary": service.binary, **more}
    return Answer(body={"service": told})


# -- hosts, until 2.42 ---------------------------------------------------------------------------


def list_hosts(call: ComputeCall) -> Answer:
    """List the hosts."""
    zones = _zone_of_each(call)
    asked = call.single("zone") or None
    told = [
        {"host_name": host, "service": "compute", "zone": zone}
        for host, zone in sorted(zones.items())
        if asked in (None, zone)
    ]
    return Answer(body={"hosts": told})


def show_host(call: ComputeCall) -> Answer:
    """Show what a host has, what is used, and by which project."""
    name = call.parameters["host_name"]
    nodes = [
        each for each in call.service.hypervisors.all(context_of(call)) if each.node.host == name
    ]
    if not nodes:
        raise NotFound("host", name)
    servers = [server for each in nodes for server in each.servers]
    rows = {
        "(total)": [(e.node.vcpus, e.node.memory_mb, e.node.disk_gb) for e in nodes],
        "(used_now)": [
            (e.used.get("VCPU", 0), e.used.get("MEMORY_MB", 0), e.used.get("DISK_GB", 0))
            for e in nodes
        ],
        "(used_max)": [(s.flavor.vcpus, s.flavor.memory_mb, s.flavor.root_gb) for s in servers],
    }
    for server in servers:
        flavor = server.flavor
        rows.setdefault(server.project_id, []).append(
            (flavor.vcpus, flavor.memory_mb, flavor.root_gb)
        )
    told = [
        {
            "resource": {
                "host": name,
                "project": project,
                "cpu": sum(row[0] for row in amounts),
                "memory_mb": sum(row[1] for row in amounts),
                "disk_gb": sum(row[2] for row in amounts),
            }
        }
        for project, amounts in rows.items()
    ]
    return Answer(body={"host": told})


def update_host(call: ComputeCall) -> Answer:
    """Enable or disable a host; none has a maintenance mode."""
    name, given = call.parameters["host_name"], call.body
    context, services = context_of(call), call.service.services
    services.show(context, name)
    if "maintenance_mode" in given:
        raise Refusal(501, "no driver has a maintenance mode")
    if given["status"] == "enable":
        services.enable(context, name)
    else:
        services.disable(context, name)
    return Answer(body={"host": name, "status": f"{given['status']}d"})


def act_on_host(call: ComputeCall) -> Answer:
    """Start, stop or reboot a host: no driver can."""
    call.service.services.show(context_of(call), call.parameters["host_name"])
    raise Refusal(501, "no driver can do this to its host")
