"""What the network service keeps. All values are frozen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from cellrig.model.network import NORMAL, FixedIp

DEFAULT_MTU = 1500

#: The kinds of virtual interfaces that a port can be asked to be; compute knows the first two.
VNIC_TYPES = ("normal", "direct", "macvtap", "direct-physical", "baremetal", "virtio-forwarder")

#: How ports of an IPv6 subnet get their addresses; in the second group from their MAC addresses.
IPV6_MODES = ("dhcpv6-stateful", "dhcpv6-stateless", "slaac")
AUTOMATIC = frozenset(IPV6_MODES[1:])

#: Whose the interfaces of servers are; the zone's name follows.
COMPUTE_OWNER = "compute:"


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A network.

    Args:
        id: empty for one that is to be made, as everywhere here.
        tags: words that it can be found by, as everywhere here.
        shared: every project may use it.
        external: it leads out (``router:external``); everybody sees it.
        network_type, physical_network, segmentation_id: of the provider.
        mtu: bytes.
        created_at, updated_at: seconds since the epoch, as everywhere here.
    """

    id: str = ""
    name: str = ""
    project_id: str = ""
    description: str = ""
    shared: bool = False
    external: bool = False
    network_type: str = "vxlan"
    physical_network: str | None = None
    segmentation_id: int | None = None
    mtu: int = DEFAULT_MTU
    admin_state_up: bool = True
    port_security_enabled: bool = True
    is_default: bool = False
    dns_domain: str = ""
    tags: tuple[str, ...] = ()
    created_at: float = 0.0
    updated_at: float = 0.0


class Pool(msgspec.Struct, frozen=True):
    """Addresses that ports get, from the first to the last."""

    start: str
    end: str


class Subnet(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet.

    Args:
        cidr: its addresses.
        gateway_ip: None for one without.
        pools: what ports get by themselves, lowest free address first.
    """

    id: str = ""
    network_id: str
    cidr: str
    name: str = ""
    project_id: str = ""
    description: str = ""
    ip_version: int = 4
    gateway_ip: str | None = None
    pools: tuple[Pool, ...] = ()
    enable_dhcp: bool = True
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[dict[str, str], ...] = ()
    ipv6_address_mode: str | None = None
    ipv6_ra_mode: str | None = None
    tags: tuple[str, ...] = ()
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def is_automatic(self) -> bool:
        """Whether ports give themselves their addresses, by their MAC addresses."""
        return not AUTOMATIC.isdisjoint((self.ipv6_address_mode, self.ipv6_ra_mode))


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """A port.

    Args:
        device_id, device_owner: what it is of, for example a server.
        host: where it is bound (``binding:host_id``); empty where it is not.
        profile: ``binding:profile``; of a bound virtual function it has the ``pci_slot``.
        claim: ``made`` where compute made it for a server, ``given`` where it took one that there
            was, empty where it is no server's.
    """

    id: str = ""
    network_id: str
    name: str = ""
    project_id: str = ""
    description: str = ""
    mac_address: str = ""
    admin_state_up: bool = True
    fixed_ips: tuple[FixedIp, ...] = ()
    device_id: str = ""
    device_owner: str = ""
    host: str = ""
    vnic_type: str = NORMAL
    profile: dict[str, Any] = {}
    security_groups: tuple[str, ...] = ()
    port_security_enabled: bool = True
    allowed_address_pairs: tuple[dict[str, str], ...] = ()
    extra_dhcp_opts: tuple[dict[str, Any], ...] = ()
    claim: str = ""
    tags: tuple[str, ...] = ()
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def status(self) -> str:
        """``ACTIVE`` where it is bound, else ``DOWN``."""
        return "ACTIVE" if self.host else "DOWN"

    @property
    def vif_type(self) -> str:
        """How it is plugged into its guest."""
        if not self.host:
            return "unbound"
        return "bridge" if self.vnic_type == NORMAL else "hw_veb"


class AddressRequest(msgspec.Struct, frozen=True):
    """An address that a port is to have: an address, one of a subnet, or a whole choice of both."""

    subnet_id: str | None = None
    ip_address: str | None = None


class NewPort(NamedTuple):
    """A port that is to be made; see `Ports.create`."""

    port: Port
    addresses: Sequence[AddressRequest] | None = None
    security_groups: Sequence[str] | None = None


class SecurityGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A security group: its rules are kept, and filter nothing."""

    id: str = ""
    name: str
    project_id: str = ""
    description: str = ""
    stateful: bool = True
    tags: tuple[str, ...] = ()
    created_at: float = 0.0
    updated_at: float = 0.0


class SecurityGroupRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of a security group."""

    id: str = ""
    security_group_id: str
    project_id: str = ""
    description: str = ""
    direction: str = "ingress"
    ethertype: str = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
