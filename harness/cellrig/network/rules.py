"""What a rule of a security group may say."""

from __future__ import annotations

from ipaddress import ip_network

from msgspec.structs import replace

from cellrig.errors import Invalid
from cellrig.network.types import SecurityGroupRule

FAMILIES = ("IPv4", "IPv6")
_WITH_PORTS = ("tcp", "udp", "dccp", "sctp", "udplite", "6", "17", "33", "132", "136")
_WITH_TYPES = ("icmp", "icmpv6", "ipv6-icmp", "1", "58")
#: The protocols that the API knows by name, after IANA's list; all others have numbers.
_NAMED = frozenset(
    {
        *("ah", "dccp", "egp", "esp", "gre", "hopopt", "icmp", "icmpv6", "igmp", "ip", "ipip"),
        *("ipv6-encap", "ipv6-frag", "ipv6-icmp", "ipv6-nonxt", "ipv6-opts", "ipv6-route"),
        *("ospf", "pgm", "rsvp", "sctp", "tcp", "udp", "udplite", "vrrp"),
    }
)
_MOST_PORT = 65535
_MOST_OF_A_BYTE = 255


def checked_rule(rule: SecurityGroupRule) -> SecurityGroupRule:
    """Return a rule that has been checked; its protocol is in small letters.

    Raises:
        Invalid: it says what no rule can.
    """
    if rule.direction not in ("ingress", "egress"):
        raise Invalid(f"direction {rule.direction!r}: it takes ingress or egress")
    if rule.ethertype not in FAMILIES:
        raise Invalid(f"ethertype {rule.ethertype!r}: it takes IPv4 or IPv6")
    if rule.remote_ip_prefix is not None and rule.remote_group_id is not None:
        raise Invalid("a rule takes a remote_ip_prefix or a remote_group_id, not both")
    if rule.remote_ip_prefix is not None:
        _check_prefix(rule.remote_ip_prefix, rule.ethertype)
    protocol = None if rule.protocol is None else rule.protocol.lower()
    if protocol is not None:
        _check_protocol(protocol)
    least, most = rule.port_range_min, rule.port_range_max
    if protocol in _WITH_TYPES:
        _check_types(least, most)
    elif least is not None or most is not None:
        if protocol is None:
            raise Invalid("a rule with ports takes a protocol")
        _check_ports(protocol, least, most)
    return replace(rule, protocol=protocol)


def normalized(prefix: str) -> str:
    """Return the block of addresses that a prefix is in: ``10.0.0.0/8`` of ``10.1.2.3/8``."""
    return str(ip_network(prefix, strict=False))


def _check_prefix(prefix: str, family: str) -> None:
    try:
        block = ip_network(prefix, strict=False)
    except ValueError as error:
        raise Invalid(
            f"remote_ip_prefix {prefix!r}: it takes a block such as 192.0.2.0/24"
        ) from error
    if family != f"IPv{block.version}":
        raise Invalid(f"Conflicting value ethertype {family} for remote_ip_prefix {prefix}")


def _check_protocol(protocol: str) -> None:
    is_number = protocol.isascii() and protocol.isdigit() and int(protocol) <= _MOST_OF_A_BYTE
    if not is_number and protocol not in _NAMED:
        told = f"it takes a number up to {_MOST_OF_A_BYTE}, or one of {', '.join(sorted(_NAMED))}"
        raise Invalid(f"protocol {protocol!r}: {told}")


def _check_ports(protocol: str, least: int | None, most: int | None) -> None:
    for port in (least, most):
        if port is not None and not 0 <= port <= _MOST_PORT:
            raise Invalid(f"Invalid value for port {port}: it takes 0 to {_MOST_PORT}")
    if protocol in _WITH_PORTS and (least is None or most is None or least > most):
        raise Invalid(f"of protocol {protocol} port_range_min must be <= port_range_max")


def _check_types(kind: int | None, code: int | None) -> None:
    told = f"it takes 0 to {_MOST_OF_A_BYTE}"
    if kind is not None and not 0 <= kind <= _MOST_OF_A_BYTE:
        raise Invalid(f"Invalid value for ICMP type (port_range_min) {kind}: {told}")
    if code is not None and not 0 <= code <= _MOST_OF_A_BYTE:
        raise Invalid(f"Invalid value for ICMP code (port_range_max) {code}: {told}")
    if kind is None and code is not None:
        raise Invalid(f"with ICMP code {code} the ICMP type (port-range-min) is missing")
