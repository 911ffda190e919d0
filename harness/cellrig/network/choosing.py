"""What a new port gets: its addresses and its MAC address."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cellrig.db.database import Transaction
from cellrig.errors import Invalid
from cellrig.model.network import FixedIp
from cellrig.network.addressing import address_of_mac, lowest_free, read_address, read_cidr
from cellrig.network.errors import AddressInUse, MacAddressInUse, NoFreeAddress
from cellrig.network.store import Store
from cellrig.network.types import AddressRequest, Network, Subnet

_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
#: What the field's MAC addresses begin with.
_MAC_PREFIX = "fa:16:3e"


def choose_addresses(
    store: Store,
    transaction: Transaction,
    network: Network,
    wanted: Sequence[AddressRequest] | None,
    port_id: str,
    mac_address: str,
) -> tuple[FixedIp, ...]:
    """Return the addresses of a port.

    By itself a port gets one address of each IP version: the lowest free one of the first pool
    that has one, of the network's first subnet of the version that has one. In each subnet where
    ports give themselves their addresses it has that one too.

    Args:
        store, transaction, network: where.
        wanted: what is asked for; None where nothing is said, empty for no address.
        port_id: the port, whose own addresses are free for it.
        mac_address: the port's.

    Raises:
        Invalid: an address that the network does not have.
        AddressInUse: an address that another port has.
        NoFreeAddress: there is none left.
    """
    subnets = store.subnets.all(transaction, network_id=network.id)
    taken = {
        subnet.id: {
            address
            for address, owner in store.taken(transaction, subnet.id).items()
            if owner != port_id
        }
        for subnet in subnets
    }
    if wanted is None:
        return _by_itself(network, subnets, taken, mac_address)
    found: list[FixedIp] = []
    for request in wanted:
        fixed = _one(network, subnets, taken, request, mac_address)
        taken[fixed.subnet_id].add(fixed.ip_address)
        found.append(fixed)
    return tuple(found)


def _by_itself(
    network: Network, subnets: Sequence[Subnet], taken: dict[str, set[str]], mac_address: str
) -> tuple[FixedIp, ...]:
    found: list[FixedIp] = []
    given = [subnet for subnet in subnets if not subnet.is_automatic]
    for version in (4, 6):
        family = [subnet for subnet in given if subnet.ip_version == version]
        if family:
            found.append(_lowest(network, family, taken))
    automatic = [subnet for subnet in subnets if subnet.is_automatic]
    return (*found, *(_automatic(subnet, mac_address) for subnet in automatic))


def _automatic(subnet: Subnet, mac_address: str) -> FixedIp:
    return FixedIp(subnet.id, address_of_mac(read_cidr(subnet.cidr), mac_address))


def _lowest(network: Network, subnets: Sequence[Subnet], taken: dict[str, set[str]]) -> FixedIp:
    for subnet in subnets:
        address = lowest_free(subnet.pools, taken[subnet.id])
        if address is not None:
            return FixedIp(subnet.id, address)
    raise NoFreeAddress(network.id)


def _one(
    network: Network,
    subnets: Sequence[Subnet],
    taken: dict[str, set[str]],
    request: AddressRequest,
    mac_address: str,
) -> FixedIp:
    meant = [each for each in subnets if request.subnet_id in (None, each.id)]
    if not meant:
        raise Invalid(f"network {network.id} has no subnet {request.subnet_id or 'at all'}")
    if request.ip_address is None:
        if request.subnet_id is not None and meant[0].is_automatic:
            return _automatic(meant[0], mac_address)
        return _lowest(network, [each for each in meant if not each.is_automatic], taken)
    address = read_address(request.ip_address)
    for subnet in meant:
        block = read_cidr(subnet.cidr)
        if address in block:
            if subnet.is_automatic and str(address) != _automatic(subnet, mac_address).ip_address:
                raise Invalid(f"ports of subnet {subnet.id} give themselves their addresses")
            reserved = (block[0], block[-1]) if block.num_addresses > 2 else ()
            if address in reserved and block.version == 4:
                raise Invalid(f"IP address {address} is not valid for subnet {subnet.id}")
            if str(address) in taken[subnet.id]:
                raise AddressInUse(str(address), subnet.id)
            return FixedIp(subnet.id, str(address))
    raise Invalid(f"IP address {address} is not of any subnet of network {network.id}")


def choose_mac(store: Store, transaction: Transaction, network: Network, wanted: str) -> str:
    """Return the MAC address of a new port.

    Raises:
        Invalid: what is asked for is none.
        MacAddressInUse: another port of the network has it.
    """
    asked = wanted.lower()
    if asked:
        if not _MAC.fullmatch(asked):
            raise Invalid(f"{wanted!r} is no MAC address")
        if store.ports.count(transaction, network_id=network.id, mac_address=asked):
            raise MacAddressInUse(asked, network.id)
        return asked
    while True:
        digits = store.new_uuid().replace("-", "")[:6]
        drawn = f"{_MAC_PREFIX}:{digits[:2]}:{digits[2:4]}:{digits[4:]}"
        if not store.ports.count(transaction, network_id=network.id, mac_address=drawn):
            return drawn
