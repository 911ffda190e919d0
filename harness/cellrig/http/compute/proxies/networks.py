"""Networks and security groups, as the compute API showed them until 2.35."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cellrig.errors import Conflict, NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.paging import limit_of, number_of
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal
from cellrig.http.uuids import is_dashed_uuid
from cellrig.network.types import Network, SecurityGroup, SecurityGroupRule

_NOTHING = dict.fromkeys(
    (
        *("bridge", "bridge_interface", "broadcast", "cidr", "cidr_v6", "created_at"),
        *("deleted", "deleted_at", "dhcp_server", "dhcp_start", "dns1", "dns2"),
        *("enable_dhcp", "gateway", "gateway_v6", "host", "injected", "mtu", "multi_host"),
        *("netmask", "netmask_v6", "priority", "project_id", "rxtx_base", "share_address"),
        *("updated_at", "vlan", "vpn_private_address", "vpn_public_address", "vpn_public_port"),
    )
)

#: What a rule of this API can be of; the network service knows more.
_PROTOCOLS = ("tcp", "udp", "icmp")

# -- networks ------------------------------------------------------------------------------------


def list_networks(call: ComputeCall) -> Answer:
    """List networks, of which no more than their names is known here."""
    found = call.service.networks.network_list(context_of(call))
    return Answer(body={"networks": [_network(each) for each in found]})


def show_network(call: ComputeCall) -> Answer:
    """Show one network."""
    return Answer(body={"network": _network(_named(call))})


def list_project_networks(call: ComputeCall) -> Answer:
    """List the networks of the project."""
    found = call.service.networks.network_list(context_of(call))
    return Answer(body={"networks": [_of_project(each) for each in found]})


def show_project_network(call: ComputeCall) -> Answer:
    """Show one network of the project."""
    return Answer(body={"network": _of_project(_named(call))})


def _named(call: ComputeCall) -> Network:
    return call.service.networks.network_get(context_of(call), call.parameters["network_id"])


def _network(network: Network) -> dict[str, Any]:
    return {**_NOTHING, "id": network.id, "label": network.name}


def _of_project(network: Network) -> dict[str, Any]:
    return {"id": network.id, "label": network.name, "cidr": "None"}


# -- floating addresses, of which the network service has none -----------------------------------


def list_pools(call: ComputeCall) -> Answer:
    """List the networks that lead out."""
    found = call.service.networks.network_list(context_of(call))
    names = [{"name": each.name or each.id} for each in found if each.external]
    return Answer(body={"floating_ip_pools": names})


def list_floating_ips(call: ComputeCall) -> Answer:
    """List the floating addresses of the project: there are none."""
    context_of(call)
    return Answer(body={"floating_ips": []})


def show_floating_ip(call: ComputeCall) -> Answer:
    """Look for a floating address: there is none."""
    context_of(call)
    raise NotFound("floating IP", call.parameters["floating_ip_id"])


def create_floating_ip(call: ComputeCall) -> Answer:
    """Ask for a floating address: none is left."""
    context_of(call)
    raise Refusal(404, "No more floating IPs available.")


# -- security groups -----------------------------------------------------------------------------


def list_groups(call: ComputeCall) -> Answer:
    """List the security groups of the project."""
    context = context_of(call)
    everybody = context.is_admin and "all_tenants" in dict(call.query)
    found = [
        each
        for each in call.service.networks.group_list(context)
        if everybody or each.project_id == context.project_id
    ]
    first = number_of(call, "offset", 0)
    shown = found[first : first + limit_of(call)]
    return Answer(body={"security_groups": groups_shown(call, shown)})


def show_group(call: ComputeCall) -> Answer:
    """Show one security group."""
    return _one(call, _group(call))


def create_group(call: ComputeCall) -> Answer:
    """Make a security group."""
    given = call.body["security_group"]
    wanted = SecurityGroup(name=given["name"], description=given.get("description") or "")
    return _one(call, call.service.networks.group_create(context_of(call), wanted))


def update_group(call: ComputeCall) -> Answer:
    """Change the name and the description of a security group."""
    changes = {key: value or "" for key, value in call.body["security_group"].items()}
    group_id = _group(call).id
    return _one(call, call.service.networks.group_update(context_of(call), group_id, changes))


def delete_group(call: ComputeCall) -> Answer:
    """Delete a security group that no port has."""
    group = _group(call)
    with _refused_as_bad_request():
        call.service.networks.group_delete(context_of(call), group.id)
    return Answer(202)


def create_rule(call: ComputeCall) -> Answer:
    """Let something into the ports of a security group."""
    given, context = call.body["security_group_rule"], context_of(call)
    protocol, source = given.get("ip_protocol"), given.get("cidr")
    if not is_dashed_uuid(given["parent_group_id"]):
        raise Refusal(400, f"Security group id is not a uuid: {given['parent_group_id']}")
    if protocol is not None and protocol.lower() not in _PROTOCOLS:
        told = ", ".join(_PROTOCOLS)
        raise Refusal(400, f"ip_protocol was given as {protocol!r}; it takes one of {told}")
    first, last = given.get("from_port"), given.get("to_port")
    wanted = SecurityGroupRule(
        security_group_id=given["parent_group_id"],
        ethertype="IPv6" if source and ":" in source else "IPv4",
        protocol=protocol and protocol.lower(),
        port_range_min=_port(first),
        port_range_max=_port(last),
        remote_ip_prefix=source,
        remote_group_id=given.get("group_id"),
    )
    with _refused_as_bad_request():
        rule = call.service.networks.rule_create(context, wanted)
    return Answer(body={"security_group_rule": _rule(rule, _names(call))})


def delete_rule(call: ComputeCall) -> Answer:
    """Take a rule away."""
    call.service.networks.rule_delete(context_of(call), call.parameters["rule_id"])
    return Answer(202)


@contextmanager
def _refused_as_bad_request() -> Iterator[None]:
    """Tell of conflicts as this API always has."""
    try:
        yield
    except Conflict as error:
        raise Refusal(400, str(error)) from error


def _port(given: str | int | None) -> int | None:
    """Return a port, or an ICMP type; -1 stands for all of them."""
    return None if given is None or int(given) < 0 else int(given)


def _group(call: ComputeCall) -> SecurityGroup:
    return call.service.networks.group_get(context_of(call), call.parameters["group_id"])


def _one(call: ComputeCall, group: SecurityGroup) -> Answer:
    (told,) = groups_shown(call, [group])
    return Answer(body={"security_group": told})


def groups_shown(call: ComputeCall, groups: Sequence[SecurityGroup]) -> list[dict[str, Any]]:
    """Return what is shown of security groups, with what they let in."""
    names = _names(call)
    rules: dict[str, list[dict[str, Any]]] = {}
    for rule in call.service.networks.rule_list(context_of(call)):
        if rule.direction == "ingress":
            rules.setdefault(rule.security_group_id, []).append(_rule(rule, names))
    return [
        {
            "id": each.id,
            "name": each.name,
            "tenant_id": each.project_id,
            "description": each.description,
            "rules": rules.get(each.id, []),
        }
        for each in groups
    ]


def _names(call: ComputeCall) -> dict[str, SecurityGroup]:
    return {each.id: each for each in call.service.networks.group_list(context_of(call))}


def _rule(rule: SecurityGroupRule, groups: dict[str, SecurityGroup]) -> dict[str, Any]:
    source = groups.get(rule.remote_group_id or "")
    told: dict[str, Any] = {
        "id": rule.id,
        "parent_group_id": rule.security_group_id,
        "ip_protocol": rule.protocol,
        "from_port": rule.port_range_min if rule.port_range_min is not None else -1,
        "to_port": rule.port_range_max if rule.port_range_max is not None else -1,
        "group": {} if source is None else {"name": source.name, "tenant_id": source.project_id},
        "ip_range": {},
    }
    if rule.protocol is None:
        told |= {"from_port": None, "to_port": None}
    if source is None:
        everywhere = "::/0" if rule.ethertype == "IPv6" else "0.0.0.0/0"
        told["ip_range"] = {"cidr": rule.remote_ip_prefix or everywhere}
    return told
