"""From the bodies of the Networking API to what the network service takes."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from cellrig.network.types import (
    AddressRequest,
    Network,
    NewPort,
    Pool,
    Port,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)

Given = dict[str, Any]

#: Field of a body to the attribute, where they differ.
_NETWORK = {
    "router:external": "external",
    "provider:network_type": "network_type",
    "provider:physical_network": "physical_network",
    "provider:segmentation_id": "segmentation_id",
}
_PORT = {
    "binding:host_id": "host",
    "binding:profile": "profile",
    "binding:vnic_type": "vnic_type",
}
_LISTS = ("allowed_address_pairs", "extra_dhcp_opts", "dns_nameservers", "host_routes", "tags")
#: What is taken and kept nowhere, as there is only one answer.
_LEFT_OUT = (
    "availability_zone_hints",
    "qos_policy_id",
    "vlan_transparent",
    "service_types",
    "subnetpool_id",
    "dns_name",
    "remote_address_group_id",
)


def _fields(given: Given, names: dict[str, str], apart: tuple[str, ...] = ()) -> Given:
    """Return the attributes that a body gives, by their names here."""
    found: Given = {}
    for key, value in given.items():
        if key in _LEFT_OUT or key in apart:
            continue
        name = "project_id" if key == "tenant_id" else names.get(key, key)
        found[name] = tuple(value) if key in _LISTS else _plain(value)
    return found


def _plain(value: Any) -> Any:
    """Return a number as a whole one: in JSON 1500.0 is one too, and no other has been let in."""
    return int(value) if isinstance(value, float) else value


def network_fields(given: Given) -> Given:
    """Return what a body says of a network."""
    found = _fields(given, _NETWORK)
    if found.get("network_type", "") is None:
        del found["network_type"]
    return found


def network(given: Given) -> Network:
    """Return the network that a body asks for; vlan where it names a physical network only."""
    fields = network_fields(given)
    if fields.get("physical_network") is not None:
        fields.setdefault("network_type", "vlan")
    return Network(**fields)


def subnet_fields(given: Given) -> Given:
    """Return what a body says of a subnet."""
    found = _fields(given, {}, ("allocation_pools",))
    if "allocation_pools" in given:
        found["pools"] = tuple(
            Pool(each["start"], each["end"]) for each in given["allocation_pools"]
        )
    return found


def subnet(given: Given) -> tuple[Subnet, str | UnsetType | None]:
    """Return the subnet that a body asks for, and its gateway."""
    fields = subnet_fields(given)
    gateway = fields.pop("gateway_ip", UNSET)
    fields.setdefault("ip_version", 6 if ":" in given["cidr"] else 4)
    return Subnet(**fields), gateway


def port_fields(given: Given) -> Given:
    """Return what a body says of a port but for its addresses and security groups."""
    found = _fields(given, _PORT, ("fixed_ips", "security_groups"))
    if "profile" in found:
        found["profile"] = found["profile"] or {}
    return found


def addresses(given: Given) -> list[AddressRequest] | None:
    """Return the addresses that a port is to have; None where nothing is said."""
    if "fixed_ips" not in given:
        return None
    return [
        AddressRequest(each.get("subnet_id"), each.get("ip_address")) for each in given["fixed_ips"]
    ]


def port(given: Given) -> NewPort:
    """Return the port that a body asks for."""
    return NewPort(Port(**port_fields(given)), addresses(given), given.get("security_groups"))


def group_fields(given: Given) -> Given:
    """Return what a body says of a security group."""
    return _fields(given, {})


def group(given: Given) -> SecurityGroup:
    """Return the security group that a body asks for."""
    return SecurityGroup(**group_fields(given))


def rule(given: Given) -> SecurityGroupRule:
    """Return the rule that a body asks for."""
    fields = _fields(given, {})
    fields["ethertype"] = fields.get("ethertype") or "IPv4"
    fields["description"] = fields.get("description") or ""
    protocol = fields.get("protocol")
    fields["protocol"] = None if protocol in (None, "any") else str(protocol)
    return SecurityGroupRule(**fields)
