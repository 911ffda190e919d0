"""What the compute API, the compute managers and the network face ask of the network service."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from msgspec import UNSET, UnsetType

from cellrig.context import RequestContext
from cellrig.model.network import NetworkInterface, NetworkRequest
from cellrig.network.types import (
    AddressRequest,
    Network,
    NewPort,
    Port,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)


class NetworkClient(Protocol):
    """The verbs of the Networking API v2.0, and those that servers need.

    What is another project's does not exist for a plain user (`NotFound`), unless it is a network
    that is shared or external; what only administrators set is refused (`Forbidden`). Errors of
    its own are in `network.errors`. Each call is one transaction: it happens, or nothing does.
    """

    def network_create(self, context: RequestContext, wanted: Network) -> Network:
        """Make a network."""

    def network_create_all(
        self, context: RequestContext, wanted: Sequence[Network]
    ) -> tuple[Network, ...]:
        """Make several networks, or none."""

    def network_get(self, context: RequestContext, network_id: str) -> Network:
        """Return a network."""

    def network_list(self, context: RequestContext) -> tuple[Network, ...]:
        """Return the networks that exist for the caller, the oldest first."""

    def network_update(
        self, context: RequestContext, network_id: str, changes: Mapping[str, Any]
    ) -> Network:
        """Change fields of a network."""

    def network_delete(self, context: RequestContext, network_id: str) -> None:
        """Remove a network without ports, with its subnets."""

    def subnet_create(
        self, context: RequestContext, wanted: Subnet, gateway_ip: str | UnsetType | None = UNSET
    ) -> Subnet:
        """Make a subnet; see `Subnets.create`."""

    def subnet_create_all(
        self, context: RequestContext, wanted: Sequence[tuple[Subnet, str | UnsetType | None]]
    ) -> tuple[Subnet, ...]:
        """Make several subnets, or none; see `Subnets.create_all`."""

    def subnet_get(self, context: RequestContext, subnet_id: str) -> Subnet:
        """Return a subnet."""

    def subnet_list(self, context: RequestContext) -> tuple[Subnet, ...]:
        """Return the subnets of the networks that exist for the caller."""

    def subnet_update(
        self, context: RequestContext, subnet_id: str, changes: Mapping[str, Any]
    ) -> Subnet:
        """Change fields of a subnet."""

    def subnet_delete(self, context: RequestContext, subnet_id: str) -> None:
        """Remove a subnet of which no port has an address."""

    def port_create(
        self,
        context: RequestContext,
        wanted: Port,
        addresses: Sequence[AddressRequest] | None = None,
        security_groups: Sequence[str] | None = None,
    ) -> Port:
        """Make a port; see `Ports.create`."""

    def port_create_all(
        self, context: RequestContext, wanted: Sequence[NewPort]
    ) -> tuple[Port, ...]:
        """Make several ports, or none."""

    def port_get(self, context: RequestContext, port_id: str) -> Port:
        """Return a port."""

    def port_list(self, context: RequestContext, device_id: str | None = None) -> tuple[Port, ...]:
        """Return the caller's ports, or those of one device."""

    def port_update(
        self,
        context: RequestContext,
        port_id: str,
        changes: Mapping[str, Any],
        addresses: Sequence[AddressRequest] | None = None,
        security_groups: Sequence[str] | None = None,
    ) -> Port:
        """Change fields of a port."""

    def port_delete(self, context: RequestContext, port_id: str) -> None:
        """Remove a port that no server has."""

    def group_create(self, context: RequestContext, wanted: SecurityGroup) -> SecurityGroup:
        """Make a security group."""

    def group_create_all(
        self, context: RequestContext, wanted: Sequence[SecurityGroup]
    ) -> tuple[SecurityGroup, ...]:
        """Make several security groups, or none."""

    def group_get(self, context: RequestContext, group_id: str) -> SecurityGroup:
        """Return a security group."""

    def group_list(self, context: RequestContext) -> tuple[SecurityGroup, ...]:
        """Return the caller's security groups."""

    def group_update(
        self, context: RequestContext, group_id: str, changes: Mapping[str, Any]
    ) -> SecurityGroup:
        """Change a security group's name or description."""

    def group_delete(self, context: RequestContext, group_id: str) -> None:
        """Remove a security group that no port has."""

    def rule_create(self, context: RequestContext, wanted: SecurityGroupRule) -> SecurityGroupRule:
        """Add a rule to a security group."""

    def rule_create_all(
        self, context: RequestContext, wanted: Sequence[SecurityGroupRule]
    ) -> tuple[SecurityGroupRule, ...]:
        """Add several rules, or none."""

    def rule_get(self, context: RequestContext, rule_id: str) -> SecurityGroupRule:
        """Return a rule."""

    def rule_list(self, context: RequestContext) -> tuple[SecurityGroupRule, ...]:
        """Return the rules of the caller's security groups."""

    def rule_delete(self, context: RequestContext, rule_id: str) -> None:
        """Remove a rule."""

    def quota_get(self, context: RequestContext, project_id: str) -> dict[str, int]:
        """Return a project's limits, by resource."""

    def quota_defaults(self, context: RequestContext) -> dict[str, int]:
        """Return the limits of a project of which nothing is set."""

    def quota_used(self, context: RequestContext, project_id: str) -> dict[str, int]:
        """Return how much of what is counted a project has."""

    def quota_update(
        self, context: RequestContext, project_id: str, limits: Mapping[str, int]
    ) -> dict[str, int]:
        """Set limits of a project."""

    def quota_reset(self, context: RequestContext, project_id: str) -> None:
        """Let a project have the defaults again."""

    # -- the ports of servers; see `ServerPorts` -------------------------------------------------

    def available(self, context: RequestContext) -> tuple[Network, ...]:
        """Return the networks of which a server of the caller's gets a port by itself."""

    def allocate(
        self,
        context: RequestContext,
        server_id: str,
        zone: str,
        requests: Sequence[NetworkRequest],
        security_groups: Sequence[str] = (),
    ) -> tuple[NetworkInterface, ...]:
        """Take and make ports for a server: all that are asked for, or none."""

    def bind(
        self,
        context: RequestContext,
        server_id: str,
        host: str,
        slots: Mapping[str, str] | None = None,
    ) -> None:
        """Let a server's ports be bound to its host; twice is harmless."""

    def unbind(self, context: RequestContext, server_id: str, host: str | None = None) -> None:
        """Let a server's ports be bound to no host, or no more to one; twice is harmless."""

    def release(
        self, context: RequestContext, server_id: str, ports: Collection[str] | None = None
    ) -> None:
        """Take ports from a server, all or some; twice is harmless."""

    def change_groups(
        self, context: RequestContext, server_id: str, name: str, *, add: bool
    ) -> None:
        """Add a security group to all ports of a server, or take it from them."""

    def servers_with_address(
        self, context: RequestContext, pattern: str, version: int
    ) -> tuple[str, ...]:
        """Return the servers with an address in which a regular expression is found."""
