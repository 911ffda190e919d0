"""What can be read of a server besides itself: security groups, diagnostics and so on."""

from __future__ import annotations

from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.proxies.networks import groups_shown
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal
from cellrig.model import PowerState, Server

_POWER_WORDS = {
    PowerState.NOSTATE: "pending",
    PowerState.RUNNING: "running",
    PowerState.PAUSED: "paused",
    PowerState.SHUTDOWN: "shutdown",
    PowerState.CRASHED: "crashed",
    PowerState.SUSPENDED: "suspended",
}


def _server(call: ComputeCall) -> Server:
    return call.service.servers.show(context_of(call), call.parameters["server_id"])


def list_security_groups(call: ComputeCall) -> Answer:
    """List the security groups of a server."""
    server = _server(call)
    detail = call.service.details.of(context_of(call), [server])[server.id]
    names = detail.presentation.security_groups
    context = context_of(call)
    known = [
        group
        for group in call.service.networks.group_list(context)
        if group.project_id == server.project_id and not {group.name, group.id}.isdisjoint(names)
    ]
    told = groups_shown(call, known)
    # A cloud without networks has no groups: there they are but names that servers were given.
    found = {each for group in known for each in (group.name, group.id)}
    told += [
        {"id": name, "name": name, "tenant_id": server.project_id, "rules": [], "description": ""}
        for name in names
        if name not in found
    ]
    return Answer(body={"security_groups": told})


def show_password(call: ComputeCall) -> Answer:
    """Show the password that a guest has told: none tells any."""
    _server(call)
    return Answer(body={"password": ""})


def clear_password(call: ComputeCall) -> Answer:
    """Forget the password that a guest has told."""
    _server(call)
    return Answer(204)


def list_shares(call: ComputeCall) -> Answer:
    """List the file shares that a server has: nothing here gives any (2.97)."""
    _server(call)
    return Answer(body={"shares": []})


def find_share(call: ComputeCall) -> Answer:
    """Look for a file share, to show, attach or detach it: there is none (2.97)."""
    _server(call)
    share = call.body["share"] if call.body else call.parameters
    raise NotFound("share", share["share_id"])


def show_console_token(call: ComputeCall) -> Answer:
    """Look where a console's token leads: none was given, as no console can be reached."""
    raise NotFound("console token", call.parameters["token"])


def show_topology(call: ComputeCall) -> Answer:
    """Show the NUMA topology of a server: it asks for none."""
    _server(call)
    return Answer(body={"nodes": [], "pagesize_kb": None})


def show_diagnostics(call: ComputeCall) -> Answer:
    """Show how a server's guest fares, as far as its records tell."""
    server = _server(call)
    if server.host is None or server.power_state in (PowerState.NOSTATE, PowerState.SHUTDOWN):
        raise Refusal(409, f"Cannot 'get_diagnostics' instance {server.id} while it is off")
    if call.version < (2, 48):
        return Answer(body={"memory": server.flavor.memory_mb * 1024, "vcpus": server.flavor.vcpus})
    return Answer(body=_diagnostics(call, server))


def _diagnostics(call: ComputeCall, server: Server) -> dict[str, Any]:
    detail = call.service.details.of(context_of(call), [server])[server.id]
    started = server.launched_at or server.created_at
    disks = len(detail.volumes) + (not server.boots_from_volume)
    nothing = {"read_bytes": None, "read_requests": None, "write_bytes": None}
    return {
        "state": _POWER_WORDS[server.power_state],
        "driver": "libvirt",
        "hypervisor": None,
        "hypervisor_os": None,
        "uptime": int(call.service.runtime.now() - started),
        "config_drive": detail.presentation.config_drive,
        "num_cpus": server.flavor.vcpus,
        "num_nics": len(server.network_info),
        "num_disks": disks,
        "memory_details": {"maximum": server.flavor.memory_mb, "used": None},
        "cpu_details": [
            {"id": number, "time": None, "utilisation": None}
            for number in range(server.flavor.vcpus)
        ],
        "nic_details": [_nic(each.mac_address) for each in server.network_info],
        "disk_details": [
            {**nothing, "write_requests": None, "errors_count": None} for _disk in range(disks)
        ],
    }


def _nic(mac_address: str) -> dict[str, Any]:
    counters = ("octets", "errors", "drop", "packets", "rate")
    counts = {f"{way}_{name}": None for way in ("rx", "tx") for name in counters}
    return {"mac_address": mac_address, **counts}
