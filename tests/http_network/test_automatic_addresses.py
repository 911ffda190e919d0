"""IPv6 subnets where ports give themselves their addresses, by their MAC addresses (RFC 4291)."""

from __future__ import annotations

from typing import Any

import pytest

Face = Any  # the fixture of conftest.py
MAC = "fa:16:3e:01:02:03"
#: What an interface with this MAC address calls itself in the block of the subnet below.
OWN = "2001:db8::f816:3eff:fe01:203"


@pytest.fixture
def network(face: Face) -> str:
    return str(face.make("network", name="six")["id"])


def subnet(face: Face, network: str, cidr: str = "2001:db8::/64", **modes: Any) -> Any:
    return face.make("subnet", network_id=network, cidr=cidr, **modes)


def addresses(port: Any) -> dict[str, str]:
    return {each["subnet_id"]: each["ip_address"] for each in port["fixed_ips"]}


@pytest.mark.parametrize(
    "modes",
    [
        {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"},
        {"ipv6_address_mode": "dhcpv6-stateless"},
        {"ipv6_ra_mode": "slaac"},
    ],
)
def test_a_port_gives_itself_its_address(face: Face, network: str, modes: Any) -> None:
    made = subnet(face, network, **modes)
    port = face.make("port", network_id=network, mac_address=MAC)
    assert addresses(port) == {made["id"]: OWN}
    asked = [{"subnet_id": made["id"]}]
    path = f"/v2.0/ports/{port['id']}"
    same = face("PUT", path, {"port": {"fixed_ips": asked}}, expect=200).json()["port"]
    assert addresses(same) == {made["id"]: OWN}
    other = [{"subnet_id": made["id"], "ip_address": "2001:db8::7"}]
    face("PUT", path, {"port": {"fixed_ips": other}}, expect=400)


@pytest.mark.parametrize("modes", [{}, {"ipv6_address_mode": "dhcpv6-stateful"}])
def test_a_port_gets_the_lowest_address_elsewhere(face: Face, network: str, modes: Any) -> None:
    made = subnet(face, network, **modes)
    port = face.make("port", network_id=network, mac_address=MAC)
    assert addresses(port) == {made["id"]: "2001:db8::2"}


def test_a_port_has_addresses_of_all_sorts(face: Face, network: str) -> None:
    automatic = subnet(face, network, ipv6_address_mode="slaac")
    given = subnet(face, network, "2001:db8:1::/64", ipv6_address_mode="dhcpv6-stateful")
    four = subnet(face, network, "192.0.2.0/24")
    port = face.make("port", network_id=network, mac_address=MAC)
    assert addresses(port) == {
        automatic["id"]: OWN,
        given["id"]: "2001:db8:1::2",
        four["id"]: "192.0.2.2",
    }


def test_such_a_subnet_goes_while_ports_have_addresses_of_it(face: Face, network: str) -> None:
    automatic = subnet(face, network, ipv6_address_mode="slaac")
    four = subnet(face, network, "192.0.2.0/24")
    port = face.make("port", network_id=network)
    refused = face("DELETE", f"/v2.0/subnets/{four['id']}", expect=409).json()["NeutronError"]
    assert refused["type"] == "SubnetInUse"
    face("DELETE", f"/v2.0/subnets/{automatic['id']}", expect=204)
    left = face.get(f"/v2.0/ports/{port['id']}")["port"]
    assert addresses(left) == {four["id"]: "192.0.2.2"}


def test_a_subnet_stays_while_a_server_has_an_address_of_it(face: Face, network: str) -> None:
    automatic = subnet(face, network, ipv6_address_mode="slaac")
    face.rig.servers.create(networks=[face.rig.networks.find("six")])
    face("DELETE", f"/v2.0/subnets/{automatic['id']}", expect=409)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "dhcpv6-stateful"},
        {"ipv6_address_mode": "magic"},
        {"ipv6_address_mode": "slaac", "enable_dhcp": False},
        {"ipv6_address_mode": "slaac", "cidr": "2001:db8::/80"},
        {"ipv6_ra_mode": "slaac", "cidr": "192.0.2.0/24"},
    ],
)
def test_modes_that_cannot_be(face: Face, network: str, wrong: Any) -> None:
    given = {"network_id": network, "cidr": "2001:db8::/64", **wrong}
    face("POST", "/v2.0/subnets", {"subnet": given}, expect=400)
