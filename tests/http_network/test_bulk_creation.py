"""Several networks, subnets, ports, groups or rules by one request: all of them, or none."""

from __future__ import annotations

from typing import Any

import pytest

Face = Any  # the fixture of conftest.py


def several(face: Face, kind: str, *given: dict[str, Any], who: str = "admin") -> Any:
    path = f"/v2.0/{kind.replace('_', '-')}s"
    return face("POST", path, {f"{kind}s": list(given)}, expect=201, who=who).json()[f"{kind}s"]


def count(face: Face, kind: str) -> int:
    return len(face.get(f"/v2.0/{kind.replace('_', '-')}s")[f"{kind}s"])


def test_several_of_each_kind(face: Face) -> None:
    networks = several(face, "network", {"name": "a"}, {"name": "b"})
    assert [each["name"] for each in networks] == ["a", "b"]
    cidrs = ("192.0.2.0/25", "192.0.2.128/25")
    of_a = [{"network_id": networks[0]["id"], "cidr": cidr} for cidr in cidrs]
    subnets = several(face, "subnet", *of_a)
    assert [each["gateway_ip"] for each in subnets] == ["192.0.2.1", "192.0.2.129"]
    ports = several(
        face,
        "port",
        {"network_id": networks[0]["id"], "fixed_ips": [{"subnet_id": subnets[1]["id"]}]},
        {"network_id": networks[1]["id"], "security_groups": []},
    )
    assert [len(each["fixed_ips"]) for each in ports] == [1, 0]
    assert [len(each["security_groups"]) for each in ports] == [1, 0]
    groups = several(face, "security_group", {"name": "web"}, {"name": "db"})
    rules = several(
        face,
        "security_group_rule",
        *({"security_group_id": each["id"], "direction": "ingress"} for each in groups),
    )
    assert [each["security_group_id"] for each in rules] == [each["id"] for each in groups]


def test_one_that_cannot_be_takes_all_along(face: Face) -> None:
    network = face.make("network", name="a")
    taken = {"network_id": network["id"], "mac_address": "fa:16:3e:00:00:07"}
    group = face.make("security_group", name="web")
    rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"}
    block = {"network_id": network["id"], "cidr": "192.0.2.0/24"}
    for kind, given, status in (
        ("network", [{"name": "b"}, {"mtu": 1}], 400),
        ("subnet", [block, block], 400),
        ("port", [taken, taken], 409),
        ("security_group", [{"name": "db"}, {"name": "default"}], 409),
        ("security_group_rule", [rule, rule], 409),
    ):
        before = count(face, kind)
        path = f"/v2.0/{kind.replace('_', '-')}s"
        face("POST", path, {f"{kind}s": given}, expect=status)
        assert count(face, kind) == before, kind


def test_several_count_against_the_quota_together(face: Face) -> None:
    face("PUT", "/v2.0/quotas/ann", {"quota": {"network": 1}}, expect=200)
    body = {"networks": [{"name": "a"}, {"name": "b"}]}
    told = face("POST", "/v2.0/networks", body, who="ann", expect=409).json()["NeutronError"]
    assert told["type"] == "OverQuota"
    assert several(face, "network", {"name": "a"}, who="ann")


def test_plain_users_make_none_of_others_among_their_own(face: Face) -> None:
    body = {"networks": [{"name": "a"}, {"name": "b", "project_id": "another"}]}
    face("POST", "/v2.0/networks", body, who="ann", expect=403)
    assert face.get("/v2.0/networks?name=a")["networks"] == []


def test_a_block_that_is_taken_is_told_as_clients_know_it(face: Face) -> None:
    network = face.make("network", name="a")
    body = {"subnet": {"network_id": network["id"], "cidr": "192.0.2.0/24"}}
    face("POST", "/v2.0/subnets", body, expect=201)
    told = face("POST", "/v2.0/subnets", body, expect=400).json()["NeutronError"]["message"]
    assert "overlaps with another subnet" in told


#: What a rule says, and what is said of it.
WRONG_RULES: list[tuple[dict[str, Any], str]] = [
    ({"protocol": "pigeon"}, "protocol 'pigeon'"),
    ({"protocol": "256"}, "protocol '256'"),
    ({"protocol": "tcp", "port_range_min": -1, "port_range_max": 1}, "Invalid value for port -1"),
    ({"protocol": "tcp", "port_range_min": 1, "port_range_max": 65536}, "port 65536"),
    ({"protocol": "udp", "port_range_min": 2, "port_range_max": 1}, "port_range_min must be <="),
    ({"protocol": "tcp", "port_range_max": 1}, "port_range_min must be <="),
    ({"port_range_min": 1, "port_range_max": 2}, "takes a protocol"),
    ({"protocol": "icmp", "port_range_min": 256}, "Invalid value for ICMP type"),
    ({"protocol": "icmp", "port_range_min": 8, "port_range_max": 256}, "value for ICMP code"),
    ({"protocol": "icmp", "port_range_max": 0}, "ICMP type (port-range-min) is missing"),
    ({"remote_ip_prefix": "192.0.2.1/33"}, "remote_ip_prefix '192.0.2.1/33'"),
    ({"remote_ip_prefix": "somewhere"}, "remote_ip_prefix 'somewhere'"),
    ({"remote_ip_prefix": "2001:db8::/64"}, "Conflicting value ethertype IPv4"),
    ({"ethertype": "IPv6", "remote_ip_prefix": "192.0.2.0/24"}, "value ethertype IPv6"),
    ({"ethertype": "IPv5"}, "ethertype 'IPv5'"),
    ({"direction": "up"}, "direction 'up'"),
]


@pytest.mark.parametrize(("wrong", "told"), WRONG_RULES)
def test_rules_that_cannot_be(face: Face, wrong: dict[str, Any], told: str) -> None:
    group = face.make("security_group", name="web")
    given = {"security_group_id": group["id"], "direction": "ingress", **wrong}
    answer = face("POST", "/v2.0/security-group-rules", {"security_group_rule": given}, expect=400)
    assert told in answer.json()["NeutronError"]["message"]


@pytest.mark.parametrize(
    "right",
    [
        {"protocol": "ICMP", "port_range_min": 8, "port_range_max": 0},
        {"protocol": "icmp", "port_range_min": 8},
        {"protocol": 47},
        {"protocol": "vrrp"},
        {"protocol": "tcp"},
        {"protocol": "ipv6-icmp", "ethertype": "IPv6", "port_range_min": 128},
    ],
)
def test_rules_that_can_be(face: Face, right: dict[str, Any]) -> None:
    group = face.make("security_group", name="web")
    made = face.make(
        "security_group_rule", security_group_id=group["id"], direction="ingress", **right
    )
    assert made["protocol"] == str(right["protocol"]).lower()


def test_a_prefix_may_name_an_address_within_its_block(face: Face) -> None:
    group = face.make("security_group", name="web")
    given = {"security_group_id": group["id"], "direction": "ingress"}
    made = face.make("security_group_rule", **given, remote_ip_prefix="192.0.2.77/24")
    assert (made["remote_ip_prefix"], made["normalized_cidr"]) == ("192.0.2.77/24", "192.0.2.0/24")


def test_only_the_default_group_is_called_so(face: Face) -> None:
    group = face.make("security_group", name="web")
    (default,) = face.get("/v2.0/security-groups?name=default&project_id=admin")["security_groups"]
    for group_id, name in ((group["id"], "default"), (default["id"], "other")):
        path = f"/v2.0/security-groups/{group_id}"
        face("PUT", path, {"security_group": {"name": name}}, expect=409)
    path = f"/v2.0/security-groups/{default['id']}"
    face("PUT", path, {"security_group": {"name": "default", "description": "d"}}, expect=200)
