"""The network interfaces of servers, and their addresses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal
from cellrig.model import NetworkInterface, NetworkRequest, Server
from cellrig.network.types import Port


def addresses(
    interfaces: Iterable[NetworkInterface], *, extended: bool
) -> dict[str, list[dict[str, Any]]]:
    """Return the addresses of a server by the names of its networks.

    Args:
        interfaces: of the server.
        extended: with what kind of address each is, and of which MAC address.
    """
    told: dict[str, list[dict[str, Any]]] = {}
    for interface in interfaces:
        for fixed in interface.fixed_ips:
            entry: dict[str, Any] = {"version": fixed.version, "addr": fixed.ip_address}
            if extended:
                entry |= {
                    "OS-EXT-IPS:type": "fixed",
                    "OS-EXT-IPS-MAC:mac_addr": interface.mac_address,
                }
            told.setdefault(interface.network, []).append(entry)
    return told


def list_addresses(call: ComputeCall) -> Answer:
    """List the addresses of a server."""
    return Answer(body={"addresses": addresses(_server(call).network_info, extended=False)})


def list_network_addresses(call: ComputeCall) -> Answer:
    """List the addresses of a server in one network."""
    label = call.parameters["label"]
    told = addresses(_server(call).network_info, extended=False)
    if label not in told:
        raise NotFound("network of the server", label)
    return Answer(body={label: told[label]})


def list_interfaces(call: ComputeCall) -> Answer:
    """List the network interfaces of a server."""
    interfaces = _server(call).network_info
    ports = call.service.interfaces.ports(context_of(call), interfaces)
    told = [_interface(call, *each) for each in zip(interfaces, ports, strict=True)]
    return Answer(body={"interfaceAttachments": told})


def show_interface(call: ComputeCall) -> Answer:
    """Show a network interface of a server."""
    port_id = call.parameters["port_id"]
    for interface in _server(call).network_info:
        if interface.port_id == port_id:
            return _shown(call, interface)
    raise NotFound("interface of the server", port_id)


def attach_interface(call: ComputeCall) -> Answer:
    """Give a server one more network interface."""
    given = (call.body or {}).get("interfaceAttachment", {})
    fixed = given.get("fixed_ips") or []
    if given.get("net_id") and given.get("port_id"):
        raise Refusal(400, "Must not input both network_id and port_id")
    if fixed and not given.get("net_id"):
        raise Refusal(400, "Must input network_id when request IP address")
    asked = NetworkRequest(
        network=given.get("net_id"),
        port=given.get("port_id"),
        fixed_ip=fixed[0]["ip_address"] if fixed else None,
        tag=given.get("tag"),
    )
    attached = call.service.interfaces.attach(context_of(call), call.parameters["server_id"], asked)
    return _shown(call, attached)


def detach_interface(call: ComputeCall) -> Answer:
    """Take a network interface from a server."""
    call.service.interfaces.detach(
        context_of(call), call.parameters["server_id"], call.parameters["port_id"]
    )
    return Answer(202)


def _server(call: ComputeCall) -> Server:
    return call.service.servers.show(context_of(call), call.parameters["server_id"])


def _shown(call: ComputeCall, interface: NetworkInterface) -> Answer:
    (port,) = call.service.interfaces.ports(context_of(call), (interface,))
    return Answer(body={"interfaceAttachment": _interface(call, interface, port)})


def _interface(call: ComputeCall, interface: NetworkInterface, port: Port) -> dict[str, Any]:
    told: dict[str, Any] = {
        "net_id": interface.network_id,
        "port_id": interface.port_id,
        "mac_addr": interface.mac_address,
        "port_state": port.status,
        "fixed_ips": [
            {"subnet_id": fixed.subnet_id, "ip_address": fixed.ip_address}
            for fixed in port.fixed_ips
        ],
    }
    if call.version >= (2, 70):
        told["tag"] = interface.tag
    return told
