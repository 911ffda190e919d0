"""The network face: what clients send, and what they insist on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from cellrig import Rig

Face = Any  # the fixture of conftest.py
Ids = Callable[[str], list[str]]

_COMMON = {"id", "project_id", "tenant_id", "description", "created_at", "updated_at"}


def test_versions_are_told_without_a_token(face: Face) -> None:
    (version,) = face.get("/", who=None)["versions"]
    assert (version["id"], version["status"]) == ("v2.0", "CURRENT")
    assert version["links"][0]["href"].endswith("/v2.0/")
    assert face.get("/v2.0/", who=None)["resources"]
    refused = face("GET", "/v2.0/networks", who=None, expect=401).json()
    assert set(refused["NeutronError"]) == {"type", "message", "detail"}


def test_extensions_that_clients_look_for(face: Face) -> None:
    found = {each["alias"] for each in face.get("/v2.0/extensions")["extensions"]}
    assert {"binding", "security-group", "provider", "quotas", "external-net"} <= found
    assert face.get("/v2.0/extensions/binding")["extension"]["alias"] == "binding"
    missing = face("GET", "/v2.0/extensions/qos", expect=404).json()["NeutronError"]
    assert missing["type"] == "ExtensionNotFound"


def test_a_whole_number_may_have_a_point(face: Face) -> None:
    body = {"network": {"name": "wide", "mtu": 1400.0, "provider:segmentation_id": 7.0}}
    body["network"] |= {"provider:physical_network": "public", "provider:network_type": "vlan"}
    made = face("POST", "/v2.0/networks", body, expect=201).json()["network"]
    assert (made["mtu"], made["provider:segmentation_id"]) == (1400, 7)
    assert face.get("/v2.0/networks?name=wide")["networks"][0]["mtu"] == 1400
    body = {"quota": {"port": 9.0}}
    assert face("PUT", "/v2.0/quotas/admin", body, expect=200).json()["quota"]["port"] == 9
    face("POST", "/v2.0/networks", {"network": {"mtu": 1400.5}}, expect=400)


def test_what_there_is_none_of(face: Face) -> None:
    for path, name in {
        "routers": "routers",
        "floatingips": "floatingips",
        "subnetpools": "subnetpools",
        "address-scopes": "address_scopes",
        "agents": "agents",
    }.items():
        assert face.get(f"/v2.0/{path}") == {name: []}
        face("GET", f"/v2.0/{path}/x", expect=404)
    assert face.get("/v2.0/availability_zones")["availability_zones"][0]["name"] == "nova"
    face("GET", "/v2.0/qos/policies", expect=404)
    face("GET", "/v2.0/trunks", expect=404)


def test_the_life_of_a_network(face: Face) -> None:
    made = face.make("network", name="blue", **{"router:external": False})
    assert made.keys() >= _COMMON | {"subnets", "mtu", "router:external", "admin_state_up"}
    assert (made["provider:network_type"], made["status"]) == ("vxlan", "ACTIVE")
    subnet = face.make("subnet", network_id=made["id"], cidr="192.0.2.0/24", gateway_ip=None)
    assert subnet["allocation_pools"] == [{"start": "192.0.2.1", "end": "192.0.2.254"}]
    path = f"/v2.0/networks/{made['id']}"
    assert face.get(path)["network"]["subnets"] == [subnet["id"]]
    changed = face("PUT", path, {"network": {"name": "green"}}, expect=200).json()["network"]
    assert changed["name"] == "green"
    changed = face(
        "PUT", f"/v2.0/subnets/{subnet['id']}", {"subnet": {"dns_nameservers": ["192.0.2.53"]}}
    ).json()["subnet"]
    assert changed["dns_nameservers"] == ["192.0.2.53"]
    port = face.make("port", network_id=made["id"])
    in_use = face("DELETE", path, expect=409).json()["NeutronError"]
    assert in_use["type"] == "NetworkInUse"
    face("DELETE", f"/v2.0/ports/{port['id']}", expect=204)
    face("DELETE", f"/v2.0/subnets/{subnet['id']}", expect=204)
    face("DELETE", path, expect=204)
    assert face("GET", path, expect=404).json()["NeutronError"]["type"] == "NetworkNotFound"


def test_a_subnet_is_the_block_that_its_address_is_in(face: Face) -> None:
    network = face.make("network", name="blue")
    made = face.make("subnet", network_id=network["id"], cidr="192.0.2.77/24")
    assert (made["cidr"], made["gateway_ip"]) == ("192.0.2.0/24", "192.0.2.1")


def test_the_life_of_a_port(face: Face) -> None:
    (network,) = face.get("/v2.0/networks?name=private")["networks"]
    made = face.make(
        "port",
        network_id=network["id"],
        fixed_ips=[{"ip_address": "10.0.0.77"}],
        mac_address="FA:16:3E:00:00:01",
        **{"binding:profile": {"trusted": True}},
    )
    assert made["fixed_ips"][0]["ip_address"] == "10.0.0.77"
    assert (made["mac_address"], made["status"]) == ("fa:16:3e:00:00:01", "DOWN")
    assert (made["binding:vif_type"], made["binding:host_id"]) == ("unbound", "")
    path = f"/v2.0/ports/{made['id']}"
    changed = face("PUT", path, {"port": {"name": "p", "fixed_ips": []}}, expect=200).json()
    assert (changed["port"]["name"], changed["port"]["fixed_ips"]) == ("p", [])
    again = face.make("port", network_id=network["id"], fixed_ips=[{"ip_address": "10.0.0.77"}])
    taken = face("PUT", path, {"port": {"fixed_ips": [{"ip_address": "10.0.0.77"}]}}, expect=409)
    assert taken.json()["NeutronError"]["type"] == "IpAddressAlreadyAllocated"
    for port in (made, again):
        face("DELETE", f"/v2.0/ports/{port['id']}", expect=204)


def test_security_groups_and_their_rules(face: Face) -> None:
    group = face.make("security_group", name="web")
    rule = face.make(
        "security_group_rule",
        security_group_id=group["id"],
        direction="ingress",
        protocol="tcp",
        port_range_min=80,
        port_range_max=80,
        remote_ip_prefix="0.0.0.0/0",
    )
    shown = face.get(f"/v2.0/security-groups/{group['id']}")["security_group"]
    assert rule["id"] in {each["id"] for each in shown["security_group_rules"]}
    found = face.get("/v2.0/security-group-rules?direction=ingress&protocol=tcp")
    assert [each["id"] for each in found["security_group_rules"]] == [rule["id"]]
    face("DELETE", f"/v2.0/security-group-rules/{rule['id']}", expect=204)
    face("DELETE", f"/v2.0/security-groups/{group['id']}", expect=204)


def test_plain_users_see_and_set_less(face: Face) -> None:
    shown = face.get("/v2.0/networks", who="ann")["networks"]
    assert [each["name"] for each in shown] == ["private"]
    assert not any(key.startswith("provider:") for key in shown[0])
    port = face.make("port", network_id=shown[0]["id"], who="ann")
    assert "binding:host_id" not in port
    for path, body in (
        ("/v2.0/networks", {"network": {"shared": True}}),
        ("/v2.0/ports", {"port": {"network_id": shown[0]["id"], "binding:host_id": "host1"}}),
        ("/v2.0/networks", {"network": {"project_id": "another"}}),
    ):
        face("POST", path, body, who="ann", expect=403)
    face("GET", f"/v2.0/ports/{port['id']}", who="bob", expect=404)
    face("GET", "/v2.0/quotas/ann", who="bob", expect=403)
    assert face.get("/v2.0/ports", who="bob") == {"ports": []}


def test_lists_are_filtered_sorted_paged_and_cut(face: Face) -> None:
    for name in ("b", "c", "a"):
        face.make("network", name=name, admin_state_up=name != "c")

    def names(query: str) -> list[str]:
        return [each["name"] for each in face.get(f"/v2.0/networks?{query}")["networks"]]

    assert names("sort_key=name&sort_dir=desc") == ["wired", "private", "c", "b", "a"]
    assert names("name=a&name=b") == ["b", "a"]
    assert names("admin_state_up=False") == ["c"]
    assert names("shared=True") == ["private"]
    assert names("unknown=x&name=c") == ["c"]
    assert names("provider:physical_network=physnet1") == ["wired"]
    cut = face.get("/v2.0/networks?fields=id&fields=name&name=a")["networks"]
    assert [set(each) for each in cut] == [{"id", "name"}]
    seen: list[str] = []
    path = "/v2.0/networks?limit=2&sort_key=name"
    while path:
        page = face.get(path)
        seen += [each["name"] for each in page["networks"]]
        (link,) = page.get("networks_links", [{}])
        href = urlsplit(link.get("href", ""))
        path = href.path + (f"?{href.query}" if href.query else "")
    assert seen == ["a", "b", "c", "private", "wired"]
    for query, status in (
        ("limit=-1", 400),
        ("limit=x", 400),
        ("marker=nothing", 404),
        ("sort_key=nothing", 400),
        ("sort_key=name&sort_dir=up", 400),
        ("sort_dir=asc", 400),
    ):
        face("GET", f"/v2.0/networks?{query}", expect=status)


def test_ports_are_found_by_device_and_address(face: Face, served: Rig) -> None:
    private = served.networks.find("private")
    server = served.servers.create(networks=[private])
    served.networks.create_port(private)

    def count(query: str) -> int:
        return len(face.get(f"/v2.0/ports?{query}")["ports"])

    assert count(f"device_id={server.id}") == 1
    assert count(f"device_id={server.id}&device_owner=compute:nova") == 1
    assert count("fixed_ips=ip_address%3D10.0.0.3") == 1
    assert count("fixed_ips=ip_address_substr%3D10.0.0") == 2
    assert count(f"network_id={private.id}&status=ACTIVE") == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"network": {"mtu": "high"}},
        {"network": {"mtu": 1}},
        {"network": {"colour": "blue"}},
        {"network": {"name": "x" * 256}},
        {"network": {"provider:segmentation_id": 10**30}},
        {"network": {"provider:network_type": "pigeon"}},
        {"networks": []},
        {"network": {}, "networks": [{}]},
    ],
)
def test_bodies_that_cannot_be(face: Face, body: object) -> None:
    refused = face("POST", "/v2.0/networks", body, expect=400).json()["NeutronError"]
    assert refused["message"]
    assert len(face.get("/v2.0/networks")["networks"]) == 2


def test_quotas(face: Face) -> None:
    assert face.get("/v2.0/quotas/ann", who="ann")["quota"]["port"] == 500
    face("PUT", "/v2.0/quotas/ann", {"quota": {"port": 7}}, expect=200)
    assert face.get("/v2.0/quotas/ann")["quota"]["port"] == 7
    assert face.get("/v2.0/quotas/ann/default")["quota"]["port"] == 500
    used = face.get("/v2.0/quotas/ann/details.json")["quota"]["port"]
    assert used == {"limit": 7, "used": 0, "reserved": 0}
    face("PUT", "/v2.0/quotas/ann", {"quota": {"camels": 7}}, expect=400)
    face("PUT", "/v2.0/quotas/ann", {"quota": {"port": 7}}, who="ann", expect=403)
    face("DELETE", "/v2.0/quotas/ann", expect=204)
    assert face.get("/v2.0/quotas/ann")["quota"]["port"] == 500


def test_the_description_has_every_resource(face: Face) -> None:
    paths = face.get("/openapi.json", who=None)["paths"]
    for name in ("networks", "subnets", "ports", "security-groups", "security-group-rules"):
        assert {"get", "post"} <= set(paths[f"/v2.0/{name}"])
