"""Subnets: made, shown, changed, removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.errors import Forbidden, Invalid, NotFound
from cellrig.network.addressing import (
    check_pools,
    first_address,
    read_address,
    read_cidr,
    whole_pools,
)
from cellrig.network.errors import SubnetInUse
from cellrig.network.quotas import DEFAULT_QUOTAS
from cellrig.network.store import Store, no_others, owns, sees_network
from cellrig.network.types import IPV6_MODES, Network, Subnet


class Subnets:
    """The subnets.

    Args:
        store: the network service's things.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(
        self,
        context: RequestContext,
        wanted: Subnet,
        gateway_ip: str | UnsetType | None = UNSET,
    ) -> Subnet:
        """Make a subnet.

        Args:
            context: who asks.
            wanted: what is asked for.
            gateway_ip: None for none; the first address where it is not given.
        """
        return self.create_all(context, [(wanted, gateway_ip)])[0]

    def create_all(
        self, context: RequestContext, wanted: Sequence[tuple[Subnet, str | UnsetType | None]]
    ) -> tuple[Subnet, ...]:
        """Make several subnets, each with the gateway beside it, or none."""
        with self._store.database.transaction() as transaction:
            return tuple(self._add(transaction, context, *each) for each in wanted)

    def _add(
        self,
        transaction: Transaction,
        context: RequestContext,
        wanted: Subnet,
        gateway_ip: str | UnsetType | None,
    ) -> Subnet:
        store = self._store
        block = read_cidr(wanted.cidr)
        if block.version != wanted.ip_version:
            raise Invalid(f"cidr {wanted.cidr} is not of IP version {wanted.ip_version}")
        gateway = first_address(block) if gateway_ip is UNSET else gateway_ip
        if gateway is not None and read_address(gateway).version != block.version:
            raise Invalid(f"gateway {gateway} is not of IP version {wanted.ip_version}")
        pools = wanted.pools or whole_pools(block, gateway)
        check_pools(block, pools, gateway)
        _check_modes(wanted, block.prefixlen)
        network = self._network(transaction, context, wanted.network_id)
        siblings = store.subnets.all(transaction, network_id=network.id)
        for each in siblings:
            other = read_cidr(each.cidr)
            if other.version == block.version and other.overlaps(block):
                # Clients that look for a free block know it by these words.
                told = f"overlaps with another subnet: {each.id} has {each.cidr}"
                raise Invalid(f"cidr {block} {told}")
        if len(siblings) >= DEFAULT_QUOTAS["subnet"]:
            raise Invalid(f"network {network.id} has as many subnets as it can have")
        now = transaction.now()
        made = replace(
            wanted,
            id=wanted.id or store.new_uuid(),
            cidr=str(block),
            project_id=network.project_id,
            gateway_ip=gateway,
            pools=pools,
            created_at=now,
            updated_at=now,
        )
        return store.subnets.add(transaction, made)

    def get(self, context: RequestContext, subnet_id: str) -> Subnet:
        """Return a subnet of a network that the caller sees."""
        with self._store.database.transaction() as transaction:
            return self._get(transaction, context, subnet_id)

    def all(self, context: RequestContext) -> tuple[Subnet, ...]:
        """Return the subnets of the networks that exist for the caller, the oldest first."""
        with self._store.database.transaction() as transaction:
            networks = self._store.networks.all(transaction)
            seen = {each.id for each in networks if sees_network(context, each)}
            found = self._store.subnets.all(transaction)
        return tuple(each for each in found if each.network_id in seen)

    def update(self, context: RequestContext, subnet_id: str, changes: Mapping[str, Any]) -> Subnet:
        """Change fields of a subnet; its addresses stay what they are."""
        no_others(changes, Subnet.__struct_fields__)
        with self._store.database.transaction() as transaction:
            known = self._get(transaction, context, subnet_id)
            if not owns(context, known.project_id):
                raise NotFound("subnet", subnet_id)
            changed = replace(known, **{**changes, "updated_at": transaction.now()})
            check_pools(read_cidr(changed.cidr), changed.pools, changed.gateway_ip)
            return self._store.subnets.replace(transaction, changed)

    def delete(self, context: RequestContext, subnet_id: str) -> None:
        """Remove a subnet of which no port has an address that it did not give itself."""
        with self._store.database.transaction() as transaction:
            known = self._get(transaction, context, subnet_id)
            if not owns(context, known.project_id):
                raise NotFound("subnet", subnet_id)
            if known.is_automatic:
                self._take_back(transaction, known)
            taken = self._store.taken(transaction, subnet_id)
            if taken:
                raise SubnetInUse(subnet_id, len(taken))
            self._store.subnets.remove(transaction, subnet_id)

    def _take_back(self, transaction: Transaction, subnet: Subnet) -> None:
        """Let ports that are nobody's have no address of a subnet where they give it themselves."""
        for port in self._store.ports.all(transaction, network_id=subnet.network_id):
            left = tuple(each for each in port.fixed_ips if each.subnet_id != subnet.id)
            if left != port.fixed_ips and not port.claim:
                changed = replace(port, fixed_ips=left, updated_at=transaction.now())
                self._store.take(transaction, changed)
                self._store.ports.replace(transaction, changed)

    def _get(self, transaction: Transaction, context: RequestContext, subnet_id: str) -> Subnet:
        found = self._store.subnets.get(transaction, subnet_id)
        network = self._store.networks.find(transaction, found.network_id)
        if network is None or not sees_network(context, network):
            raise NotFound("subnet", subnet_id)
        return found

    def _network(
        self, transaction: Transaction, context: RequestContext, network_id: str
    ) -> Network:
        network = self._store.network(transaction, context, network_id)
        if not owns(context, network.project_id):
            raise Forbidden(f"network {network_id} is another project's")
        return network


def _check_modes(subnet: Subnet, prefix_length: int) -> None:
    modes = {subnet.ipv6_address_mode, subnet.ipv6_ra_mode} - {None}
    if not modes:
        return
    if subnet.ip_version != 6 or not subnet.enable_dhcp:
        raise Invalid("ipv6_ra_mode and ipv6_address_mode are of IPv6 subnets with enable_dhcp")
    if not modes <= set(IPV6_MODES):
        raise Invalid(f"ipv6_ra_mode and ipv6_address_mode take {', '.join(IPV6_MODES)}")
    if len(modes) > 1:
        raise Invalid("ipv6_ra_mode and ipv6_address_mode are the same where both are given")
    if subnet.is_automatic and prefix_length != 64:
        raise Invalid(f"ports give themselves addresses in a block of 64 bits, not {prefix_length}")
