"""Addresses of subnets: which there are, and which one a port gets."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from cellrig.errors import Invalid
from cellrig.network.types import Pool

Address = IPv4Address | IPv6Address
Block = IPv4Network | IPv6Network


def read_cidr(given: str) -> Block:
    """Return the block of addresses that a text names.

    Raises:
        Invalid: it is none.
    """
    try:
        return ip_network(given, strict=False)  # kept as the block that it is in
    except ValueError as error:
        raise Invalid(f"cidr {given!r}: it takes a block such as 192.0.2.0/24") from error


def read_address(given: str) -> Address:
    """Return the address that a text is.

    Raises:
        Invalid: it is none.
    """
    try:
        return ip_address(given)
    except ValueError as error:
        raise Invalid(f"{given!r} is no IP address") from error


def first_address(block: Block) -> str:
    """Return what a subnet's gateway is where nothing is said: its first address."""
    return str(block[1] if block.num_addresses > 2 else block[0])


def whole_pools(block: Block, gateway: str | None) -> tuple[Pool, ...]:
    """Return the pools of a subnet that names none: all of its addresses but the gateway's.

    The network's own address and, of IPv4, the broadcast address are nobody's.
    """
    first, last = int(block[0]), int(block[-1])
    if block.num_addresses > 2:
        first += 1
        last -= 1 if block.version == 4 else 0
    kind = IPv4Address if block.version == 4 else IPv6Address
    at = None if gateway is None else int(ip_address(gateway))
    if at is None or not first <= at <= last:
        spans = [(first, last)]
    else:
        spans = [(first, at - 1), (at + 1, last)]
    return tuple(Pool(str(kind(low)), str(kind(high))) for low, high in spans if low <= high)


def check_pools(block: Block, pools: Iterable[Pool], gateway: str | None) -> None:
    """Check the pools that somebody names.

    Raises:
        Invalid: one is not of the subnet, ends before it begins, meets another or the gateway.
    """
    spans: list[tuple[int, int]] = []
    for pool in pools:
        first, last = read_address(pool.start), read_address(pool.end)
        if first not in block or last not in block or int(first) > int(last):
            raise Invalid(f"the pool {pool.start}-{pool.end} is no range of subnet {block}")
        spans.append((int(first), int(last)))
    spans.sort()
    for (_start, end), (start, _end) in itertools.pairwise(spans):
        if start <= end:
            raise Invalid(f"the allocation pools of subnet {block} overlap")
    if gateway is not None and any(a <= int(read_address(gateway)) <= b for a, b in spans):
        raise Invalid(f"the gateway {gateway} is in an allocation pool of subnet {block}")


def address_of_mac(block: Block, mac_address: str) -> str:
    """Return the address that an interface gives itself in an IPv6 block of 64 bits (EUI-64).

    Args:
        block: of the subnet.
        mac_address: six bytes in hexadecimal digits, with colons between them.
    """
    given = bytes.fromhex(mac_address.replace(":", ""))
    interface = bytes([given[0] ^ 0x02]) + given[1:3] + b"\xff\xfe" + given[3:]
    return str(IPv6Address(int(block[0]) + int.from_bytes(interface, "big")))


def lowest_free(pools: Iterable[Pool], taken: Collection[str]) -> str | None:
    """Return the lowest address of the first pool that has a free one; None where none has."""
    for pool in pools:
        start, end = ip_address(pool.start), int(ip_address(pool.end))
        kind = type(start)
        for number in range(int(start), end + 1):
            address = str(kind(number))
            if address not in taken:
                return address
    return None
