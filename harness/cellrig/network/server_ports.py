"""The ports of servers: taken for them, bound to their hosts, given back with them.

Every operation names the server and is one transaction, so that what is not known to have happened
is asked for again: `bind`, `unbind` and `release` may be done twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.errors import Conflict, Forbidden, Invalid
from cellrig.model.network import DIRECT, NORMAL, NetworkInterface, NetworkRequest
from cellrig.network.errors import PortInUse
from cellrig.network.ports import Ports
from cellrig.network.security_groups import SecurityGroups
from cellrig.network.store import Store, owns
from cellrig.network.types import COMPUTE_OWNER, AddressRequest, Network, Port

MADE = "made"
GIVEN = "given"

_SLOT = "pci_slot"
_WIRE = "physical_network"


class ServerPorts:
    """What compute asks of the network service.

    Args:
        store: the network service's things.
        ports: to make and to remove some.
        groups: the security groups.
    """

    def __init__(self, store: Store, ports: Ports, groups: SecurityGroups) -> None:
        self._store = store
        self._ports = ports
        self._groups = groups

    def available(self, context: RequestContext) -> tuple[Network, ...]:
        """Return the networks of which a server of the caller's gets a port by itself.

        They are the project's own and the shared ones, with a subnet, for an administrator too.
        """
        store = self._store
        with store.database.transaction() as transaction:
            return tuple(
                each
                for each in store.networks.all(transaction)
                if (each.shared or each.project_id == context.project_id)
                and not each.external
                and store.subnets.count(transaction, network_id=each.id)
            )

    def allocate(
        self,
        context: RequestContext,
        server_id: str,
        zone: str,
        requests: Sequence[NetworkRequest],
        security_groups: Sequence[str] = (),
    ) -> tuple[NetworkInterface, ...]:
        """Take ports for a server, and make those that are asked for by their network; all or none.

        Args:
            context: who asks.
            server_id: of which server.
            zone: its availability zone, for the ports' owner.
            requests: one an interface, in their order.
            security_groups: of the ports that are made, by name or id; none for the default one.

        Raises:
            NotFound: there is no such network, port or security group.
            PortInUse: a port is somebody else's.
            Forbidden: an external network that is not shared.
            Conflict: there is no address, or no quota, left.
        """
        with self._store.database.transaction() as transaction:
            groups = self._groups.ids_of(transaction, context, security_groups)
            owner = f"{COMPUTE_OWNER}{zone}"
            taken = [
                self._take(transaction, context, server_id, owner, each)
                if each.port is not None
                else self._make(transaction, context, server_id, owner, each, groups)
                for each in requests
            ]
            return tuple(
                self._interface(transaction, port, request.tag)
                for port, request in zip(taken, requests, strict=True)
            )

    def _take(
        self,
        transaction: Transaction,
        context: RequestContext,
        server_id: str,
        owner: str,
        request: NetworkRequest,
    ) -> Port:
        port = self._ports.see(transaction, context, str(request.port))
        if port.device_id:
            raise PortInUse(port.id, port.device_id)
        if port.vnic_type not in (NORMAL, DIRECT):
            raise Invalid(f"port {port.id} is of vnic_type {port.vnic_type}, which no host has")
        taken = replace(
            port,
            device_id=server_id,
            device_owner=owner,
            claim=GIVEN,
            updated_at=transaction.now(),
        )
        return self._store.ports.replace(transaction, taken)

    def _make(
        self,
        transaction: Transaction,
        context: RequestContext,
        server_id: str,
        owner: str,
        request: NetworkRequest,
        groups: tuple[str, ...],
    ) -> Port:
        network = self._store.network(transaction, context, str(request.network))
        if network.external and not network.shared and not context.is_admin:
            raise Forbidden(f"to attach to external network {network.id} takes an administrator")
        if not self._store.subnets.count(transaction, network_id=network.id):
            raise Invalid(f"network {network.id} takes a subnet before servers can be on it")
        asked = None if request.fixed_ip is None else [AddressRequest(None, request.fixed_ip)]
        wanted = Port(
            network_id=network.id,
            project_id=context.project_id,
            device_id=server_id,
            device_owner=owner,
            security_groups=groups if network.port_security_enabled else (),
            claim=MADE,
        )
        return self._ports.add(transaction, network, wanted, asked)

    def _interface(self, transaction: Transaction, port: Port, tag: str | None) -> NetworkInterface:
        network = self._store.networks.get(transaction, port.network_id)
        is_direct = port.vnic_type == DIRECT
        if is_direct and network.physical_network is None:
            raise Invalid(
                f"port {port.id} is of vnic_type {DIRECT}, which takes a network with a "
                f"provider:physical_network; {network.id} has none"
            )
        return NetworkInterface(
            port_id=port.id,
            network_id=network.id,
            network=network.name,
            mac_address=port.mac_address,
            fixed_ips=port.fixed_ips,
            vnic_type=port.vnic_type,
            physical_network=network.physical_network if is_direct else None,
            tag=tag,
            preserve=port.claim == GIVEN,
        )

    def bind(
        self,
        context: RequestContext,
        server_id: str,
        host: str,
        slots: Mapping[str, str] | None = None,
    ) -> None:
        """Let a server's ports be bound to its host.

        Args:
            context: of an administrator.
            server_id, host: which server is where.
            slots: port to the PCI address of the virtual function that serves it.
        """
        self._check(context)
        with self._store.database.transaction() as transaction:
            for port in self._of(transaction, server_id):
                profile = {k: v for k, v in port.profile.items() if k not in (_SLOT, _WIRE)}
                slot = (slots or {}).get(port.id)
                if slot is not None:
                    network = self._store.networks.get(transaction, port.network_id)
                    profile |= {_SLOT: slot, _WIRE: network.physical_network}
                self._write(transaction, replace(port, host=host, profile=profile))

    def unbind(self, context: RequestContext, server_id: str, host: str | None = None) -> None:
        """Let a server's ports be bound to no host, or no more to one.

        Args:
            context: of an administrator.
            server_id: which server.
            host: only those that are bound to this one; None for all.
        """
        self._check(context)
        with self._store.database.transaction() as transaction:
            for port in self._of(transaction, server_id):
                if port.host and host in (None, port.host):
                    self._write(transaction, _unbound(port))

    def release(
        self, context: RequestContext, server_id: str, ports: Collection[str] | None = None
    ) -> None:
        """Take ports from a server: those made for it go, those that were given stay.

        Args:
            context: of an administrator.
            server_id: which server.
            ports: which of its ports; None for all.
        """
        self._check(context)
        with self._store.database.transaction() as transaction:
            for port in self._of(transaction, server_id):
                if ports is not None and port.id not in ports:
                    continue
                if port.claim == MADE:
                    self._ports.remove(transaction, port.id)
                else:
                    freed = replace(_unbound(port), device_id="", device_owner="", claim="")
                    self._write(transaction, freed)

    def change_groups(
        self, context: RequestContext, server_id: str, name: str, *, add: bool
    ) -> None:
        """Add a security group to all ports of a server, or take it from them."""
        with self._store.database.transaction() as transaction:
            (group_id,) = self._groups.ids_of(transaction, context, (name,))
            for port in self._of(transaction, server_id):
                if not owns(context, port.project_id) or not port.port_security_enabled:
                    continue
                kept = tuple(each for each in port.security_groups if each != group_id)
                groups = (*kept, group_id) if add else kept
                self._write(transaction, replace(port, security_groups=groups))

    def servers_with_address(
        self, context: RequestContext, pattern: str, version: int
    ) -> tuple[str, ...]:
        """Return the servers with an address in which a regular expression is found.

        Raises:
            Invalid: it is none.
        """
        try:
            found_in = re.compile(pattern).search
        except re.error as error:
            raise Invalid(f"{pattern!r} is no regular expression: {error}") from error
        with self._store.database.transaction() as transaction:
            ports = self._store.ports.all(transaction)
        return tuple(
            dict.fromkeys(
                port.device_id
                for port in ports
                if port.claim
                and owns(context, port.project_id)
                and any(
                    each.version == version and found_in(each.ip_address) for each in port.fixed_ips
                )
            )
        )

    def _of(self, transaction: Transaction, server_id: str) -> list[Port]:
        return [
            port for port in self._store.ports.all(transaction, device_id=server_id) if port.claim
        ]

    def _write(self, transaction: Transaction, port: Port) -> None:
        self._store.ports.replace(transaction, replace(port, updated_at=transaction.now()))

    def _check(self, context: RequestContext) -> None:
        if not context.is_admin:
            raise Conflict("the ports of servers are bound by compute alone")


def _unbound(port: Port) -> Port:
    profile = {key: value for key, value in port.profile.items() if key not in (_SLOT, _WIRE)}
    return replace(port, host="", profile=profile)
