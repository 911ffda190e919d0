"""Hypervisors."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from cellrig.compute.api.hypervisor_details import HypervisorDetail
from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.links import next_page
from cellrig.http.compute.paging import is_full, page, truth_of
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.compute.services import number_of_uuid
from cellrig.http.errors import Refusal
from cellrig.http.uuids import is_dashed_uuid

_CPU: dict[str, Any] = {
    "arch": "x86_64",
    "model": "",
    "vendor": "",
    "features": [],
    "topology": {"cores": 1, "threads": 1, "sockets": 1},
}


def _brief(call: ComputeCall, found: HypervisorDetail) -> dict[str, Any]:
    node = found.node
    return {
        "id": _id(call, found),
        "hypervisor_hostname": node.hypervisor_hostname,
        "state": "up" if found.is_up else "down",
        "status": "disabled" if found.service.disabled else "enabled",
    }


def _id(call: ComputeCall, found: HypervisorDetail) -> int | str:
    uuid = found.node.uuid
    return uuid if call.version >= (2, 53) else number_of_uuid(uuid)


def _whole(call: ComputeCall, found: HypervisorDetail) -> dict[str, Any]:
    node, service, version = found.node, found.service, call.version
    told = {
        **_brief(call, found),
        "hypervisor_type": node.hypervisor_type,
        "hypervisor_version": node.hypervisor_version,
        "host_ip": "127.0.0.1",
        "service": {
            "id": service.uuid if version >= (2, 53) else number_of_uuid(service.uuid),
            "host": service.host,
            "disabled_reason": service.disabled_reason,
        },
    }
    if version >= (2, 88):
        return {**told, "uptime": None}
    return {**told, **_amounts(found), "cpu_info": _cpu(call)}


def _cpu(call: ComputeCall) -> Any:
    return _CPU if call.version >= (2, 28) else msgspec.json.encode(_CPU).decode()


def _amounts(found: HypervisorDetail) -> dict[str, int]:
    """Return what a node has and what of it is used (until 2.87)."""
    node, used = found.node, found.used
    memory, disk = used.get("MEMORY_MB", 0), used.get("DISK_GB", 0)
    return {
        "vcpus": node.vcpus,
        "vcpus_used": used.get("VCPU", 0) + used.get("PCPU", 0),
        "memory_mb": node.memory_mb,
        "memory_mb_used": memory,
        "free_ram_mb": node.memory_mb - memory,
        "local_gb": node.disk_gb,
        "local_gb_used": disk,
        "free_disk_gb": node.disk_gb - disk,
        "disk_available_least": node.disk_gb - disk,
        "running_vms": len(found.servers),
        "current_workload": sum(server.task_state is not None for server in found.servers),
    }


def _with_servers(
    call: ComputeCall, told: dict[str, Any], found: HypervisorDetail
) -> dict[str, Any]:
    """Add the servers of a node; before 2.75 only where there are any."""
    if found.servers or call.version >= (2, 75):
        servers = [{"uuid": server.uuid, "name": _name(server.uuid)} for server in found.servers]
        told["servers"] = servers
    return told


def _name(uuid: str) -> str:
    return f"instance-{uuid.partition('-')[0]}"


def list_hypervisors(call: ComputeCall) -> Answer:
    """List the hypervisors with their names."""
    return _listed(call, "os-hypervisors", _brief)


def list_hypervisor_details(call: ComputeCall) -> Answer:
    """List the hypervisors with all that there is of them."""
    return _listed(call, "os-hypervisors/detail", _whole)


def _listed(
    call: ComputeCall,
    path: str,
    view: Callable[[ComputeCall, HypervisorDetail], dict[str, Any]],
) -> Answer:
    found = call.service.hypervisors.all(context_of(call))
    pattern = call.single("hypervisor_hostname_pattern") if call.version >= (2, 53) else None
    if pattern is not None:
        if "marker" in dict(call.query) or "limit" in dict(call.query):
            raise Refusal(
                400, "Paging over hypervisors with hypervisor_hostname_pattern is not taken"
            )
        found = _matching(found, pattern)
    paged = call.version >= (2, 33)
    shown: Sequence[HypervisorDetail] = (
        page(call, found, lambda each: str(_id(call, each))) if paged else found
    )
    told = [view(call, each) for each in shown]
    if call.version >= (2, 53) and truth_of("with_servers", call.single("with_servers") or "false"):
        told = [_with_servers(call, one, each) for one, each in zip(told, shown, strict=True)]
    body: dict[str, Any] = {"hypervisors": told}
    if paged and is_full(call, shown):
        body["hypervisors_links"] = next_page(call, path, str(_id(call, shown[-1])))
    return Answer(body=body)


def _matching(found: list[HypervisorDetail], pattern: str) -> list[HypervisorDetail]:
    """Return the nodes whose name has something in it; ``%`` stands for anything (LIKE)."""
    like = re.compile(".*" + re.escape(pattern).replace("%", ".*") + ".*", re.IGNORECASE)
    chosen = [each for each in found if like.fullmatch(each.node.hypervisor_hostname)]
    if not chosen:
        raise NotFound("hypervisor", pattern)
    return chosen


def show_hypervisor(call: ComputeCall) -> Answer:
    """Show one hypervisor."""
    found = _named(call)
    told = _whole(call, found)
    given = call.single("with_servers") if call.version >= (2, 53) else None
    if given is not None and truth_of("with_servers", given):
        told = _with_servers(call, told, found)
    return Answer(body={"hypervisor": told})


def _named(call: ComputeCall) -> HypervisorDetail:
    given = call.parameters["hypervisor_id"]
    if call.version >= (2, 53) and not is_dashed_uuid(given):
        raise Refusal(400, f"Invalid uuid {given}")
    for found in call.service.hypervisors.all(context_of(call)):
        if str(_id(call, found)) == given:
            return found
    raise NotFound("hypervisor", given)


def show_uptime(call: ComputeCall) -> Answer:
    """Show how long a hypervisor has been up: no driver tells (until 2.87)."""
    _named(call)
    raise Refusal(501, "no driver tells how long its host has been up")


def show_statistics(call: ComputeCall) -> Answer:
    """Show what all hypervisors have together (until 2.87)."""
    amounts = [_amounts(found) for found in call.service.hypervisors.all(context_of(call))]
    names = amounts[0] if amounts else {}
    told = {name: sum(each[name] for each in amounts) for name in names}
    return Answer(body={"hypervisor_statistics": {"count": len(amounts), **told}})


def search_hypervisors(call: ComputeCall) -> Answer:
    """List the hypervisors whose name has something in it (until 2.52)."""
    found = _matching(
        call.service.hypervisors.all(context_of(call)), call.parameters["hypervisor_id"]
    )
    return Answer(body={"hypervisors": [_brief(call, each) for each in found]})


def list_hypervisor_servers(call: ComputeCall) -> Answer:
    """List the hypervisors whose name has something in it, with their servers (until 2.52)."""
    found = _matching(
        call.service.hypervisors.all(context_of(call)), call.parameters["hypervisor_id"]
    )
    told = [_with_servers(call, _brief(call, each), each) for each in found]
    return Answer(body={"hypervisors": told})
