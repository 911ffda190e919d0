"""Network interfaces: what a server has of the network service, and how it was asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

import msgspec

#: The ``binding:vnic_type`` of an interface that is a virtual function of a host.
DIRECT = "direct"
NORMAL = "normal"

_NO_TRAIT = re.compile(r"[^A-Z0-9_]")


class FixedIp(msgspec.Struct, frozen=True):
    """An address of a port, and the subnet that it is of."""

    subnet_id: str
    ip_address: str

    @property
    def version(self) -> int:
        """4 or 6."""
        return ip_address(self.ip_address).version


class NetworkInterface(msgspec.Struct, frozen=True, kw_only=True):
    """A network interface of a server, as its cell keeps it (the field's network info cache).

    Args:
        port_id: the port of the network service.
        network_id, network: the network's id and name.
        mac_address: of the port.
        fixed_ips: its addresses.
        vnic_type: ``normal``, or ``direct`` for a virtual function.
        physical_network: that a virtual function is wired to; None for a normal interface.
        tag: the user's name for the device.
        preserve: the user made the port, so that it outlives the server.
    """

    port_id: str
    network_id: str
    network: str
    mac_address: str
    fixed_ips: tuple[FixedIp, ...] = ()
    vnic_type: str = NORMAL
    physical_network: str | None = None
    tag: str | None = None
    preserve: bool = False


class NetworkRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One interface that a user asks for.

    Args:
        network: the id of a network, on which a port is made.
        port: the id of a port that there is; it counts more than the network.
        fixed_ip: the address that a new port is to have.
        tag: the user's name for the device.
    """

    network: str | None = None
    port: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None


def physical_network_trait(name: str) -> str:
    """Return the trait of providers that are wired to a physical network."""
    return "CUSTOM_PHYSNET_" + _NO_TRAIT.sub("_", name.upper())


def with_functions(
    extra_specs: Mapping[str, str], interfaces: Sequence[NetworkInterface]
) -> dict[str, str]:
    """Return extra specs that ask also for one virtual function for each direct interface.

    Each is a numbered group of its own, which is called as the port is (as the field does it).
    """
    found = dict(extra_specs)
    for each in interfaces:
        if each.vnic_type == DIRECT:
            found[f"resources{each.port_id}:SRIOV_NET_VF"] = "1"
            if each.physical_network is not None:
                trait = physical_network_trait(each.physical_network)
                found[f"trait{each.port_id}:{trait}"] = "required"
            found.setdefault("group_policy", "none")
    return found


def has_functions(interfaces: Sequence[NetworkInterface]) -> bool:
    """Whether one of the interfaces is a virtual function."""
    return any(each.vnic_type == DIRECT for each in interfaces)
