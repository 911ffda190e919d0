"""Servers: what a creation takes, and what is refused."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from cellrig import Cell, Rig, Topology

NOBODY = "00000000-0000-4000-8000-000000000000"


def _refused(compute: Any, status: int = 400, version: str = "2.104", **more: Any) -> str:
    told: str = compute.refusal(
        "POST", "/servers", compute.body(**more), version=version, expect=status
    )
    return told


def test_a_server_is_what_was_asked_for(compute: Any) -> None:
    compute("POST", "/os-keypairs", {"keypair": {"name": "key"}}, version="2.91", expect=201)
    data = b64encode(b"#!/bin/sh").decode()
    server = compute.create(
        name=" web ".strip(),
        description="first of all",
        metadata={"role": "web"},
        tags=["b", "a"],
        key_name="key",
        hostname="web-1.example",
        user_data=data,
        config_drive=True,
        accessIPv4="192.0.2.1",
        accessIPv6="2001:0DB8:0000:0000:0000:0000:0000:0001",
        trusted_image_certificates=["certificate"],
        security_groups=[{"name": "web"}, {"name": "web"}],
        **{"OS-DCF:diskConfig": "AUTO"},
    )
    told = compute.show(server)
    assert told["status"] == "ACTIVE"
    assert (told["name"], told["description"]) == ("web", "first of all")
    assert (told["metadata"], told["tags"]) == ({"role": "web"}, ["a", "b"])
    assert (told["key_name"], told["config_drive"]) == ("key", "True")
    assert told["OS-EXT-SRV-ATTR:hostname"] == "web-1.example"
    assert told["OS-EXT-SRV-ATTR:user_data"] == data
    assert told["accessIPv4"] == "192.0.2.1"
    assert told["accessIPv6"] == "2001:db8::1"
    assert told["trusted_image_certificates"] == ["certificate"]
    assert told["security_groups"] == [{"name": "web"}]
    assert told["OS-DCF:diskConfig"] == "AUTO"


def test_the_action_of_a_creation_has_the_request_id_of_the_answer(compute: Any) -> None:
    answer = compute("POST", "/servers", compute.body(), expect=202)
    server, request_id = answer.json()["server"]["id"], answer.headers["x-openstack-request-id"]
    assert answer.headers["Location"] == f"http://compute.rig/v2.1/servers/{server}"
    path = f"/servers/{server}/os-instance-actions/{request_id}"
    assert compute.get(path)["instanceAction"]["action"] == "create"


def test_several_servers_are_told_by_their_reservation(compute: Any) -> None:
    body = compute.body(min_count="1", max_count=2, return_reservation_id=True)
    told = compute("POST", "/servers", body, expect=202).json()
    path = f"/servers/detail?reservation_id={told['reservation_id']}"
    names = {server["name"] for server in compute.get(path)["servers"]}
    assert names == {"server-1", "server-2"}


@pytest.mark.parametrize(
    "more",
    [
        {"min_count": 0},
        {"max_count": "abc"},
        {"min_count": 3, "max_count": 2},
        {"flavorRef": "nonsense"},
        {"imageRef": NOBODY},
        {"imageRef": "cirros"},
        {"imageRef": ""},
        {"key_name": "nobody's"},
        {"availability_zone": "nowhere"},
        {"host": "nowhere"},
        {"hypervisor_hostname": "nowhere"},
        {"networks": "some"},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 256},
        {"accessIPv4": "999.0.0.1"},
        {"user_data": "!"},
        {"tags": ["a/b"]},
        {"nonsense": 1},
        {"personality": []},
        {"block_device_mapping_v2": [{"source_type": "volume", "uuid": NOBODY, "boot_index": 0}]},
    ],
)
def test_a_creation_that_asks_for_what_there_is_not(compute: Any, more: dict[str, Any]) -> None:
    _refused(compute, 400, **more)
    assert compute.get("/servers?all_tenants=1")["servers"] == []


def test_networks_must_be_named_from_2_37_on(compute: Any) -> None:
    body = compute.body()
    del body["server"]["networks"]
    compute("POST", "/servers", body, version="2.36", expect=202)
    assert "networks" in compute.refusal("POST", "/servers", body, version="2.37", expect=400)


@pytest.mark.parametrize(
    ("field", "value", "since"),
    [
        ("description", "x", "2.19"),
        ("tags", ["x"], "2.52"),
        ("trusted_image_certificates", ["x"], "2.63"),
        ("hostname", "name", "2.90"),
    ],
)
def test_fields_are_taken_from_their_microversion_on(
    compute: Any, field: str, value: Any, since: str
) -> None:
    before = f"2.{int(since[2:]) - 1}"
    assert field in _refused(compute, 400, before, networks=[], **{field: value})
    compute.create(since, **{field: value})


def test_personality_is_taken_until_2_56(compute: Any) -> None:
    files = [{"path": "/a", "contents": "YQ=="}]
    compute.create("2.56", personality=files)
    assert "personality" in _refused(compute, 400, "2.57", personality=files)


def test_a_server_boots_from_a_volume_in_either_syntax(compute: Any) -> None:
    rig, image = compute.rig, compute.image
    first, second = (rig.volumes.create(size=1, image=image).id for _each in range(2))
    newer = compute.create(
        imageRef="",
        block_device_mapping_v2=[
            {
                "source_type": "volume",
                "uuid": first,
                "boot_index": "0",
                "destination_type": "volume",
            }
        ],
    )
    body = compute.body(block_device_mapping=[{"device_name": "vda", "volume_id": second}])
    del body["server"]["imageRef"]
    older = compute("POST", "/servers", body, expect=202).json()["server"]["id"]
    for server, volume in ((newer, first), (older, second)):
        told = compute.show(server)
        assert told["image"] == ""
        assert told["os-extended-volumes:volumes_attached"] == [
            {"id": volume, "delete_on_termination": False}
        ]


def test_the_local_disk_that_clients_always_name_is_the_image(compute: Any) -> None:
    disk = {
        "uuid": compute.image,
        "source_type": "image",
        "destination_type": "local",
        "boot_index": 0,
        "delete_on_termination": True,
    }
    server = compute.create(block_device_mapping_v2=[disk], min_count=1, max_count=1)
    assert compute.show(server)["image"]["id"] == compute.image


def test_hints_and_groups_are_shown_as_they_were_given(compute: Any) -> None:
    body = {"server_group": {"name": "group", "policy": "anti-affinity"}}
    group = compute("POST", "/os-server-groups", body, expect=200).json()["server_group"]["id"]
    first = compute.create()
    hints = {"group": group, "different_host": [first]}
    asked = {**compute.body(), "os:scheduler_hints": hints}
    server = compute("POST", "/servers", asked, expect=202).json()["server"]["id"]
    told = compute.show(server)
    assert told["scheduler_hints"] == {"group": group, "different_host": first}
    assert told["server_groups"] == [group]
    assert told["OS-EXT-SRV-ATTR:host"] != compute.show(first)["OS-EXT-SRV-ATTR:host"]
    members = compute.get(f"/os-server-groups/{group}")["server_group"]["members"]
    assert members == [server]


def test_a_host_is_chosen_by_name_by_administrators_only(compute: Any) -> None:
    for field in ("host", "hypervisor_hostname"):
        server = compute.create(**{field: "cell1-host2"})
        assert compute.show(server)["OS-EXT-SRV-ATTR:host"] == "cell1-host2"
    body = compute.body(host="cell1-host2")
    compute("POST", "/servers", body, who="alice:project", expect=403)
    body = compute.body(availability_zone="nova:cell1-host1")
    server = compute("POST", "/servers", body, expect=202).json()["server"]["id"]
    assert compute.show(server)["OS-EXT-SRV-ATTR:host"] == "cell1-host1"


def test_a_pinned_zone_is_the_one_that_was_asked_for(compute: Any) -> None:
    assert compute.show(compute.create())["pinned_availability_zone"] is None
    pinned = compute.create(availability_zone="nova")
    assert compute.show(pinned)["pinned_availability_zone"] == "nova"
    body: dict[str, Any] = {"server": {"pinned_availability_zone": None}}
    assert compute("PUT", f"/servers/{pinned}", body, version="2.103").status_code == 400
    told = compute("PUT", f"/servers/{pinned}", body, expect=200).json()["server"]
    assert told["pinned_availability_zone"] is None
    body = {"server": {"pinned_availability_zone": "nowhere"}}
    compute("PUT", f"/servers/{pinned}", body, expect=400)


def test_a_server_that_no_host_could_take_shows_why(compute: Any) -> None:
    compute("PUT", "/os-quota-sets/admin", {"quota_set": {"cores": -1, "ram": -1}}, expect=200)
    body = {"flavor": {"name": "huge", "id": "9", "ram": 99999, "vcpus": 999, "disk": 1}}
    compute("POST", "/flavors", body, expect=200)
    told = compute.show(compute.create(flavorRef="9"))
    assert told["status"] == "ERROR"
    assert told["fault"]["code"] == 500
    assert "no valid host" in told["fault"]["message"].lower()
    assert "progress" not in told
    assert (told["hostId"], told["host_status"]) == ("", "")


def test_an_update_changes_what_it_names_and_nothing_else(compute: Any) -> None:
    server = compute.create(description="old", accessIPv4="192.0.2.1")
    body: dict[str, Any] = {"server": {"name": "new", "accessIPv6": "::1", "hostname": "box-1"}}
    told = compute("PUT", f"/servers/{server}", body, expect=200).json()["server"]
    assert (told["name"], told["description"]) == ("new", "old")
    assert (told["accessIPv4"], told["accessIPv6"]) == ("192.0.2.1", "::1")
    assert told["OS-EXT-SRV-ATTR:hostname"] == "box-1"
    body = {"server": {"description": None}}
    told = compute("PUT", f"/servers/{server}", body, expect=200).json()["server"]
    assert told["description"] is None


def test_a_locked_server_is_deleted_by_administrators_only(compute: Any) -> None:
    server = compute.create(who="alice:project")
    compute.act(server, "lock", {"locked_reason": "mine"}, who="alice:project")
    assert compute.show(server)["locked_reason"] == "mine"
    told = compute("DELETE", f"/servers/{server}", who="alice:project")
    assert told.status_code == 409
    assert "locked" in told.json()["conflictingRequest"]["message"]
    compute("DELETE", f"/servers/{server}", expect=204)
    compute("DELETE", f"/servers/{server}", expect=404)


def test_another_projects_server_does_not_exist(compute: Any) -> None:
    server = compute.create(who="alice:first")
    other = {"who": "bob:second"}
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/metadata"),
        ("GET", "/tags"),
        ("GET", "/os-volume_attachments"),
        ("GET", "/os-instance-actions"),
        ("GET", "/ips"),
    ):
        compute(method, f"/servers/{server}{path}", expect=404, **other)
    compute.act(server, "os-stop", expect=404, **other)
    assert compute.get("/servers", **other)["servers"] == []


def test_metadata_is_changed_whole_and_item_by_item(compute: Any) -> None:
    path = f"/servers/{compute.create(metadata={'a': '1'})}/metadata"
    assert compute("POST", path, {"metadata": {"b": "2"}}, expect=200).json() == {
        "metadata": {"a": "1", "b": "2"}
    }
    compute("PUT", f"{path}/c", {"meta": {"c": "3"}}, expect=200)
    compute("PUT", f"{path}/c", {"meta": {"d": "3"}}, expect=400)
    compute("PUT", f"{path}/c", {"meta": {"c": "x" * 256}}, expect=400)
    assert compute.get(f"{path}/b") == {"meta": {"b": "2"}}
    compute("DELETE", f"{path}/b", expect=204)
    compute("DELETE", f"{path}/b", expect=404)
    compute("PUT", path, {"metadata": {"only": "one"}}, expect=200)
    assert compute.get(path) == {"metadata": {"only": "one"}}


def test_tags_come_and_go(compute: Any) -> None:
    path = f"/servers/{compute.create()}/tags"
    compute("GET", path, version="2.25", expect=404)
    made = compute("PUT", f"{path}/red", expect=201)
    assert made.headers["Location"].endswith("/tags/red")
    compute("PUT", f"{path}/red", expect=204)
    compute("GET", f"{path}/red", expect=204)
    compute("GET", f"{path}/blue", expect=404)
    assert compute("PUT", path, {"tags": ["b", "a", "a"]}, expect=200).json() == {
        "tags": ["a", "b"]
    }
    compute("PUT", path, {"tags": ["x"] * 51}, expect=400)
    compute("DELETE", f"{path}/a", expect=204)
    assert compute.get(path) == {"tags": ["b"]}
    compute("DELETE", path, expect=204)
    assert compute.get(path) == {"tags": []}


TWO_CELLS = Topology(cells=[Cell("cell1", hosts=1), Cell("cell2", hosts=1)])


@pytest.mark.topology(TWO_CELLS)
def test_servers_of_a_cell_that_is_down_are_unknown_from_2_69_on(rig: Rig, compute: Any) -> None:
    up, down = (compute.create(host=f"cell{number}-host1") for number in (1, 2))
    rig.faults.take_down("cell2")
    try:
        found = {server["id"]: server for server in compute.get("/servers/detail")["servers"]}
        assert found[up]["status"] == "ACTIVE"
        assert set(found[down]) == {"id", "status", "links", "tenant_id", "created"}
        assert found[down]["status"] == "UNKNOWN"
        brief = {server["id"]: server for server in compute.get("/servers")["servers"]}
        assert set(brief[down]) == {"id", "status", "links"}
        assert set(compute.show(down)) == {
            *("id", "status", "links", "tenant_id", "created", "user_id", "flavor", "image"),
            *("OS-EXT-AZ:availability_zone", "OS-EXT-STS:power_state"),
        }
        (old,) = compute.get("/servers", "2.68")["servers"]
        assert old["id"] == up
        compute("GET", f"/servers/{down}", version="2.68", expect=503)
        services = {each["host"]: each for each in compute.get("/os-services")["services"]}
        assert services["cell2-host1"]["status"] == "UNKNOWN"
    finally:
        rig.faults.bring_back("cell2")
