"""The networks that a rig begins with, as its topology says."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cellrig.context import RequestContext
from cellrig.network.client import NetworkClient
from cellrig.network.types import Network, Pool, Subnet


class NetworkSubnet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A subnet of a topology's network.

    Args:
        cidr: its addresses, for example ``10.0.0.0/24``.
        gateway: None for the first address.
        pools: the first and last address of each pool; none for all that there are.
        dns: name servers.
        dhcp: whether addresses are told to guests.
        name: unique nowhere.
    """

    cidr: str
    gateway: str | None = None
    pools: Sequence[tuple[str, str]] = ()
    dns: Sequence[str] = ()
    dhcp: bool = True
    name: str = ""


class NetworkTopology(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network that a rig begins with; it is the administrators' project's.

    Args:
        name: what it is called.
        subnets: its subnets, or only their blocks of addresses.
        shared: every project may use it.
        external: it leads out.
        network_type: ``vlan``, ``flat``, ``vxlan``, ...; vlan where it has a physical network and
            nothing is said, else vxlan.
        physical_network: that physical functions are wired to.
        segmentation_id: None for the next free one.
        mtu: bytes.
        port_security: whether its ports have security groups.
    """

    name: str
    subnets: Sequence[NetworkSubnet | str] = ()
    shared: bool = True
    external: bool = False
    network_type: str | None = None
    physical_network: str | None = None
    segmentation_id: int | None = None
    mtu: int = 1500
    port_security: bool = True


def start_networks(
    networks: NetworkClient, context: RequestContext, wanted: Sequence[NetworkTopology]
) -> None:
    """Make the networks of a topology.

    Raises:
        Invalid, Conflict: one of them cannot be.
    """
    for each in wanted:
        made = networks.network_create(
            context,
            Network(
                name=each.name,
                shared=each.shared,
                external=each.external,
                network_type=each.network_type or ("vlan" if each.physical_network else "vxlan"),
                physical_network=each.physical_network,
                segmentation_id=each.segmentation_id,
                mtu=each.mtu,
                port_security_enabled=each.port_security,
            ),
        )
        for subnet in each.subnets:
            _start_subnet(networks, context, made, subnet)


def _start_subnet(
    networks: NetworkClient,
    context: RequestContext,
    network: Network,
    given: NetworkSubnet | str,
) -> None:
    subnet = NetworkSubnet(given) if isinstance(given, str) else given
    wanted = Subnet(
        network_id=network.id,
        cidr=subnet.cidr,
        name=subnet.name,
        ip_version=6 if ":" in subnet.cidr else 4,
        pools=tuple(Pool(start, end) for start, end in subnet.pools),
        enable_dhcp=subnet.dhcp,
        dns_nameservers=tuple(subnet.dns),
    )
    if subnet.gateway is None:
        networks.subnet_create(context, wanted)
    else:
        networks.subnet_create(context, wanted, subnet.gateway)
