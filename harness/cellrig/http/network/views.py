"""The network service's things as clients see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cellrig.http.dates import whole_zulu
from cellrig.http.network.service import NetworkCall, context_of
from cellrig.model.network import DIRECT
from cellrig.network.rules import normalized
from cellrig.network.types import Network, Port, SecurityGroup, SecurityGroupRule, Subnet

View = dict[str, Any]


def _common(thing: Network | Subnet | Port | SecurityGroup | SecurityGroupRule) -> View:
    """Return what all kinds have; a project has both of its names."""
    return {
        "id": thing.id,
        "project_id": thing.project_id,
        "tenant_id": thing.project_id,
        "description": thing.description,
        "created_at": whole_zulu(thing.created_at),
        "updated_at": whole_zulu(thing.updated_at),
        "revision_number": 1,
    }


def networks(call: NetworkCall, found: Sequence[Network]) -> list[View]:
    """Return networks, with what only administrators see where one asks."""
    context = context_of(call)
    subnets: dict[str, list[str]] = {}
    for subnet in call.service.subnet_list(context) if found else ():
        subnets.setdefault(subnet.network_id, []).append(subnet.id)
    told = []
    for each in found:
        view = {
            **_common(each),
            "name": each.name,
            "status": "ACTIVE",
            "admin_state_up": each.admin_state_up,
            "shared": each.shared,
            "router:external": each.external,
            "is_default": each.is_default,
            "mtu": each.mtu,
            "port_security_enabled": each.port_security_enabled,
            "dns_domain": each.dns_domain,
            "subnets": subnets.get(each.id, []),
            "availability_zone_hints": [],
            "availability_zones": ["nova"],
            "ipv4_address_scope": None,
            "ipv6_address_scope": None,
            "qos_policy_id": None,
            "tags": sorted(each.tags),
        }
        if context.is_admin:
            view |= {
                "provider:network_type": each.network_type,
                "provider:physical_network": each.physical_network,
                "provider:segmentation_id": each.segmentation_id,
            }
        told.append(view)
    return told


def subnets(_call: NetworkCall, found: Sequence[Subnet]) -> list[View]:
    """Return subnets."""
    return [
        {
            **_common(each),
            "name": each.name,
            "network_id": each.network_id,
            "cidr": each.cidr,
            "ip_version": each.ip_version,
            "gateway_ip": each.gateway_ip,
            "allocation_pools": [{"start": pool.start, "end": pool.end} for pool in each.pools],
            "enable_dhcp": each.enable_dhcp,
            "dns_nameservers": list(each.dns_nameservers),
            "host_routes": list(each.host_routes),
            "ipv6_address_mode": each.ipv6_address_mode,
            "ipv6_ra_mode": each.ipv6_ra_mode,
            "service_types": [],
            "subnetpool_id": None,
            "segment_id": None,
            "tags": sorted(each.tags),
        }
        for each in found
    ]


def ports(call: NetworkCall, found: Sequence[Port]) -> list[View]:
    """Return ports, with their bindings where an administrator asks."""
    context = context_of(call)
    segments: dict[str, int | None] = {}
    if context.is_admin and any(each.vnic_type == DIRECT for each in found):
        segments = {each.id: each.segmentation_id for each in call.service.network_list(context)}
    told = []
    for each in found:
        view = {
            **_common(each),
            "name": each.name,
            "network_id": each.network_id,
            "mac_address": each.mac_address,
            "admin_state_up": each.admin_state_up,
            "status": each.status,
            "device_id": each.device_id,
            "device_owner": each.device_owner,
            "fixed_ips": [
                {"subnet_id": fixed.subnet_id, "ip_address": fixed.ip_address}
                for fixed in each.fixed_ips
            ],
            "security_groups": list(each.security_groups),
            "port_security_enabled": each.port_security_enabled,
            "allowed_address_pairs": list(each.allowed_address_pairs),
            "extra_dhcp_opts": list(each.extra_dhcp_opts),
            "binding:vnic_type": each.vnic_type,
            "dns_name": "",
            "dns_assignment": [],
            "qos_policy_id": None,
            "tags": sorted(each.tags),
        }
        if context.is_admin:
            view |= {
                "binding:host_id": each.host,
                "binding:profile": each.profile,
                "binding:vif_type": each.vif_type,
                "binding:vif_details": _details(each, segments.get(each.network_id)),
            }
        told.append(view)
    return told


def _details(port: Port, segment: int | None) -> View:
    if not port.host:
        return {}
    if port.vnic_type == DIRECT:
        return {"port_filter": False, "vlan": str(segment or 0)}
    return {"port_filter": port.port_security_enabled}


def security_groups(call: NetworkCall, found: Sequence[SecurityGroup]) -> list[View]:
    """Return security groups with their rules."""
    told: dict[str, list[View]] = {}
    for rule in call.service.rule_list(context_of(call)) if found else ():
        (view,) = security_group_rules(call, [rule])
        told.setdefault(rule.security_group_id, []).append(view)
    return [
        {
            **_common(each),
            "name": each.name,
            "stateful": each.stateful,
            "shared": False,
            "security_group_rules": told.get(each.id, []),
            "tags": sorted(each.tags),
        }
        for each in found
    ]


def security_group_rules(_call: NetworkCall, found: Sequence[SecurityGroupRule]) -> list[View]:
    """Return rules of security groups."""
    return [
        {
            **_common(each),
            "security_group_id": each.security_group_id,
            "direction": each.direction,
            "ethertype": each.ethertype,
            "protocol": each.protocol,
            "port_range_min": each.port_range_min,
            "port_range_max": each.port_range_max,
            "remote_ip_prefix": each.remote_ip_prefix,
            "remote_group_id": each.remote_group_id,
            "remote_address_group_id": None,
            "normalized_cidr": None
            if each.remote_ip_prefix is None
            else normalized(each.remote_ip_prefix),
        }
        for each in found
    ]
