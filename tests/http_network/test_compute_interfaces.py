"""Interfaces of servers over the compute face, and with openstacksdk."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig import Rig

Face = Any  # the fixture of conftest.py


def _body(rig: Rig, **more: Any) -> dict[str, Any]:
    image = rig.images.list()[0].id
    return {"server": {"name": "s", "flavorRef": "1", "imageRef": image, **more}}


def _boot(compute: Face, **more: Any) -> str:
    body = _body(compute.rig, **more)
    made = compute("POST", "/v2.1/servers", body, expect=202, version="2.104").json()
    return str(made["server"]["id"])


def test_addresses_are_shown_in_each_form(served: Rig, compute: Face) -> None:
    private = served.networks.find("private")
    server = _boot(compute, networks=[{"uuid": private.id, "fixed_ip": "10.0.0.40"}])
    (entry,) = compute.get(f"/v2.1/servers/{server}")["server"]["addresses"]["private"]
    assert entry["OS-EXT-IPS-MAC:mac_addr"].startswith("fa:16:3e:")
    assert {key: entry[key] for key in ("addr", "version", "OS-EXT-IPS:type")} == {
        "addr": "10.0.0.40",
        "version": 4,
        "OS-EXT-IPS:type": "fixed",
    }
    plain = {"private": [{"addr": "10.0.0.40", "version": 4}]}
    assert compute.get(f"/v2.1/servers/{server}/ips") == {"addresses": plain}
    assert compute.get(f"/v2.1/servers/{server}/ips/private") == plain
    compute("GET", f"/v2.1/servers/{server}/ips/other", expect=404)
    changed = compute("PUT", f"/v2.1/servers/{server}", {"server": {"name": "t"}}, expect=200)
    assert changed.json()["server"]["addresses"] == plain
    (listed,) = compute.get("/v2.1/servers/detail?ip=10.0.0.4")["servers"]
    assert listed["addresses"] == {"private": [entry]}
    assert compute.get("/v2.1/servers?ip=10.0.0.5") == {"servers": []}
    compute("GET", "/v2.1/servers?ip=(", expect=400)


def test_interfaces_are_listed_attached_and_detached(served: Rig, compute: Face) -> None:
    private, wired = served.networks.find("private"), served.networks.find("wired")
    server = _boot(compute, networks=[{"uuid": private.id}])
    path = f"/v2.1/servers/{server}/os-interface"
    (first,) = compute.get(path)["interfaceAttachments"]
    fields = {"net_id", "port_id", "mac_addr", "port_state", "fixed_ips"}
    assert (set(first), first["port_state"]) == (fields, "ACTIVE")
    body = {"interfaceAttachment": {"net_id": wired.id, "tag": "second"}}
    compute("POST", path, body, expect=400, version="2.48")
    made = compute("POST", path, body, expect=200, version="2.70").json()["interfaceAttachment"]
    assert (set(made), made["tag"]) == (fields | {"tag"}, "second")
    assert len(compute.get(path)["interfaceAttachments"]) == 2
    assert compute.get(f"{path}/{made['port_id']}")["interfaceAttachment"]["net_id"] == wired.id
    compute("DELETE", f"{path}/{made['port_id']}", expect=202)
    compute("GET", f"{path}/{made['port_id']}", expect=404)
    compute("DELETE", f"{path}/{made['port_id']}", expect=404)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"net_id": "00000000-0000-0000-0000-000000000001"}, 404),
        ({"port_id": "00000000-0000-0000-0000-000000000001"}, 404),
        ({"fixed_ips": [{"ip_address": "10.0.0.9"}]}, 400),
        ({"net_id": "nonsense"}, 400),
    ],
)
def test_interfaces_that_cannot_be(
    served: Rig, compute: Face, given: dict[str, Any], status: int
) -> None:
    server = _boot(compute, networks="none")
    path = f"/v2.1/servers/{server}/os-interface"
    compute("POST", path, {"interfaceAttachment": given}, expect=status, version="2.104")
    assert served.networks.ports() == ()


@pytest.mark.parametrize(
    ("networks", "status"),
    [
        ("auto", 409),
        ([{"uuid": "00000000-0000-0000-0000-000000000001"}], 400),
        ([{"port": "00000000-0000-0000-0000-000000000001"}], 400),
        ([{"fixed_ip": "10.0.0.9"}], 400),
        ([{}], 400),
    ],
)
def test_networks_that_a_server_cannot_have(compute: Face, networks: Any, status: int) -> None:
    body = _body(compute.rig, networks=networks)
    compute("POST", "/v2.1/servers", body, expect=status, version="2.104")
    assert compute.get("/v2.1/servers") == {"servers": []}


def test_a_port_in_use_and_one_too_many(served: Rig, compute: Face) -> None:
    port = served.networks.create_port(served.networks.find("private"))
    _boot(compute, networks=[{"port": port.id}])
    body = _body(served, networks=[{"port": port.id}])
    compute("POST", "/v2.1/servers", body, expect=409, version="2.104")
    served.networks.set_quota("admin", port=1)
    body = _body(served, networks=[{"uuid": served.networks.find("private").id}])
    compute("POST", "/v2.1/servers", body, expect=403, version="2.104")


def test_security_groups_are_those_of_the_ports(served: Rig, compute: Face) -> None:
    private = served.networks.find("private")
    web, db = (served.networks.create_group(name) for name in ("web", "db"))
    server = _boot(compute, networks=[{"uuid": private.id}], security_groups=[{"name": "web"}])
    assert served.networks.ports(server)[0].security_groups == (web.id,)
    path = f"/v2.1/servers/{server}/action"
    compute("POST", path, {"addSecurityGroup": {"name": "db"}}, expect=202)
    assert served.networks.ports(server)[0].security_groups == (web.id, db.id)
    compute("POST", path, {"removeSecurityGroup": {"name": "web"}}, expect=202)
    assert served.networks.ports(server)[0].security_groups == (db.id,)
    assert compute.get(f"/v2.1/servers/{server}")["server"]["security_groups"] == [{"name": "db"}]
    (told,) = compute.get(f"/v2.1/servers/{server}/os-security-groups")["security_groups"]
    assert (told["id"], told["name"], len(told["rules"])) == (db.id, "db", 0)
    compute("DELETE", f"/v2.1/os-security-groups/{db.id}", expect=400)
    compute("DELETE", f"/v2.1/os-security-groups/{web.id}", expect=202)
    compute("POST", path, {"addSecurityGroup": {"name": "nothing"}}, expect=404)
    body = _body(served, networks=[{"uuid": private.id}], security_groups=[{"name": "nothing"}])
    compute("POST", "/v2.1/servers", body, expect=400, version="2.104")


def test_plugged_interfaces_may_be_told(served: Rig, compute: Face) -> None:
    server = _boot(compute, networks=[{"uuid": served.networks.find("private").id}])
    events = [
        {"name": name, "server_uuid": server, "status": "completed", "tag": "x"}
        for name in ("network-vif-plugged", "network-changed")
    ]
    compute(
        "POST", "/v2.1/os-server-external-events", {"events": events}, expect=200, version="2.104"
    )


@pytest.mark.filterwarnings("ignore")  # of openstacksdk, about itself
def test_openstacksdk_boots_servers_on_networks_and_ports(served: Rig) -> None:
    pytest.importorskip("openstack", reason="openstacksdk is not installed (extra: test)")
    connection = served.connection()
    network = connection.network.find_network("private", ignore_missing=False)
    assert [each.name for each in connection.network.subnets(network_id=network.id)] == [""]
    image = served.images.list()[0].id
    plain = connection.compute.create_server(
        name="plain", flavor_id="1", image_id=image, networks=[{"uuid": network.id}]
    )
    wired = connection.network.find_network("wired", ignore_missing=False)
    port = connection.network.create_port(network_id=wired.id, binding_vnic_type="direct")
    direct = connection.compute.create_server(
        name="direct", flavor_id="1", image_id=image, networks=[{"port": port.id}]
    )
    assert connection.compute.wait_for_server(direct, wait=5).status == "ACTIVE"
    bound = connection.network.get_port(port.id)
    assert (bound.binding_host_id, bound.binding_vif_type) == ("host1", "hw_veb")
    assert bound.binding_profile["pci_slot"].startswith("0000:81:")
    shown = connection.get_server(plain.id)
    assert shown["private_v4"] == "10.0.0.2"
    extra = connection.compute.create_server_interface(plain.id, net_id=wired.id)
    ports = list(connection.network.ports(device_id=plain.id))
    assert {each.network_id for each in ports} == {network.id, wired.id}
    connection.compute.delete_server_interface(extra.port_id, server=plain.id)
    for server in (plain, direct):
        connection.compute.delete_server(server)
    assert [each.id for each in connection.network.ports()] == [port.id]
    connection.network.delete_port(port.id)
    names = [each.name for each in connection.network.security_groups()]
    assert names == ["default"]
    assert connection.network.get_quota("admin").ports == 500
