"""``rig.networks``: networks, ports, security groups and the interfaces of servers, in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from cellrig.client.requests import Caller
from cellrig.client.server_requests import ServerRef, id_of
from cellrig.compute.api import ServerInterfaces
from cellrig.model import NetworkInterface, NetworkRequest
from cellrig.network.client import NetworkClient
from cellrig.network.types import (
    AddressRequest,
    Network,
    Pool,
    Port,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)

#: A network, a port or a security group, or its id.
NetworkRef = Network | str
PortRef = Port | str
GroupRef = SecurityGroup | str


def _id(thing: Network | Port | SecurityGroup | str) -> str:
    return thing if isinstance(thing, str) else thing.id


class NetworksClient:
    """Networks and what goes with them; every call is a request that the rig settles.

    Args:
        call: who asks.
        networks: the network service.
        interfaces: of servers, in the compute API.
    """

    def __init__(self, call: Caller, networks: NetworkClient, interfaces: ServerInterfaces) -> None:
        self._call = call
        self._networks = networks
        self._interfaces = interfaces

    def create(
        self,
        name: str = "network",
        *,
        cidr: str | None = None,
        shared: bool = False,
        external: bool = False,
        network_type: str | None = None,
        physical_network: str | None = None,
        segmentation_id: int | None = None,
        port_security: bool = True,
    ) -> Network:
        """Create a network, with a subnet where `cidr` is given.

        Args:
            name: need not be unique.
            cidr: addresses of its subnet.
            shared: every project may use it (administrators).
            external: it leads out (administrators).
            network_type, physical_network, segmentation_id: of the provider (administrators); vlan
                where there is a physical network and nothing is said.
            port_security: whether its ports have security groups.
        """
        wanted = Network(
            name=name,
            shared=shared,
            external=external,
            network_type=network_type or ("vlan" if physical_network else "vxlan"),
            physical_network=physical_network,
            segmentation_id=segmentation_id,
            port_security_enabled=port_security,
        )
        made = self._call(
            lambda context: self._networks.network_create(context, wanted), "create a network"
        )
        if cidr is not None:
            self.create_subnet(made, cidr)
        return made

    def show(self, network: NetworkRef) -> Network:
        """Return a network."""
        return self._call(
            lambda context: self._networks.network_get(context, _id(network)), "show a network"
        )

    def list(self) -> tuple[Network, ...]:
        """Return the networks that the caller sees, the oldest first."""
        return self._call(self._networks.network_list, "list networks")

    def find(self, name: str) -> Network:
        """Return the first network of this name that the caller sees.

        Raises:
            LookupError: there is none.
        """
        for network in self.list():
            if network.name == name:
                return network
        raise LookupError(f"there is no network {name!r}")

    def delete(self, network: NetworkRef) -> None:
        """Delete a network without ports."""
        self._call(
            lambda context: self._networks.network_delete(context, _id(network)),
            "delete a network",
        )

    def create_subnet(
        self,
        network: NetworkRef,
        cidr: str,
        *,
        gateway: str | UnsetType | None = UNSET,
        pools: Sequence[tuple[str, str]] = (),
        dns: Sequence[str] = (),
    ) -> Subnet:
        """Create a subnet.

        Args:
            network: of which.
            cidr: its addresses.
            gateway: None for none; the first address where it is not given.
            pools: first and last address of each; none for all addresses.
            dns: name servers.
        """
        wanted = Subnet(
            network_id=_id(network),
            cidr=cidr,
            ip_version=6 if ":" in cidr else 4,
            pools=tuple(Pool(start, end) for start, end in pools),
            dns_nameservers=tuple(dns),
        )
        return self._call(
            lambda context: self._networks.subnet_create(context, wanted, gateway),
            "create a subnet",
        )

    def subnets(self) -> tuple[Subnet, ...]:
        """Return the subnets that the caller sees, the oldest first."""
        return self._call(self._networks.subnet_list, "list subnets")

    # -- ports -----------------------------------------------------------------------------------

    def create_port(
        self,
        network: NetworkRef,
        *,
        vnic_type: str = "normal",
        fixed_ip: str | None = None,
        security_groups: Sequence[GroupRef] | None = None,
        name: str = "",
    ) -> Port:
        """Create a port.

        Args:
            network: on which.
            vnic_type: ``direct`` for a virtual function of a host.
            fixed_ip: its address; None for the lowest free one of each IP version.
            security_groups: None for the project's default one.
            name: need not be unique.
        """
        wanted = Port(network_id=_id(network), name=name, vnic_type=vnic_type)
        addresses = None if fixed_ip is None else [AddressRequest(None, fixed_ip)]
        groups = None if security_groups is None else [_id(each) for each in security_groups]
        return self._call(
            lambda context: self._networks.port_create(context, wanted, addresses, groups),
            "create a port",
        )

    def port(self, port: PortRef | NetworkInterface) -> Port:
        """Return a port as it is now."""
        port_id = port.port_id if isinstance(port, NetworkInterface) else _id(port)
        return self._call(lambda context: self._networks.port_get(context, port_id), "show a port")

    def ports(self, server: ServerRef | None = None) -> tuple[Port, ...]:
        """Return the ports that the caller sees, or those of one server, the oldest first."""
        device = None if server is None else id_of(server)
        return self._call(lambda context: self._networks.port_list(context, device), "list ports")

    def update_port(self, port: PortRef, changes: Mapping[str, Any]) -> Port:
        """Change fields of a port."""
        return self._call(
            lambda context: self._networks.port_update(context, _id(port), changes),
            "change a port",
        )

    def delete_port(self, port: PortRef) -> None:
        """Delete a port that no server has."""
        self._call(lambda context: self._networks.port_delete(context, _id(port)), "delete a port")

    # -- interfaces of servers -------------------------------------------------------------------

    def attach(
        self,
        server: ServerRef,
        *,
        network: NetworkRef | None = None,
        port: PortRef | None = None,
        fixed_ip: str | None = None,
        tag: str | None = None,
    ) -> NetworkInterface:
        """Give a server one more interface, on a network or with a port that there is."""
        asked = NetworkRequest(
            network=None if network is None else _id(network),
            port=None if port is None else _id(port),
            fixed_ip=fixed_ip,
            tag=tag,
        )
        return self._call(
            lambda context: self._interfaces.attach(context, id_of(server), asked),
            "attach an interface",
        )

    def detach(self, server: ServerRef, port: PortRef) -> None:
        """Take an interface from a server."""
        self._call(
            lambda context: self._interfaces.detach(context, id_of(server), _id(port)),
            "detach an interface",
        )

    # -- security groups -------------------------------------------------------------------------

    def create_group(self, name: str, description: str = "") -> SecurityGroup:
        """Create a security group."""
        wanted = SecurityGroup(name=name, description=description)
        return self._call(
            lambda context: self._networks.group_create(context, wanted),
            "create a security group",
        )

    def groups(self) -> tuple[SecurityGroup, ...]:
        """Return the security groups that the caller sees, the oldest first."""
        return self._call(self._networks.group_list, "list security groups")

    def rules(self, group: GroupRef) -> tuple[SecurityGroupRule, ...]:
        """Return the rules of a security group."""
        found = self._call(self._networks.rule_list, "list security group rules")
        return tuple(each for each in found if each.security_group_id == _id(group))

    def create_rule(self, rule: SecurityGroupRule) -> SecurityGroupRule:
        """Add a rule to its security group."""
        return self._call(
            lambda context: self._networks.rule_create(context, rule),
            "create a security group rule",
        )

    def delete_group(self, group: GroupRef) -> None:
        """Delete a security group that no port has."""
        self._call(
            lambda context: self._networks.group_delete(context, _id(group)),
            "delete a security group",
        )

    def set_quota(self, project_id: str, **limits: int) -> dict[str, int]:
        """Set limits of a project (administrators); return all."""
        return self._call(
            lambda context: self._networks.quota_update(context, project_id, limits),
            "set a quota",
        )
