"""What today's clients insist on, rule by rule: each of these has broken one of them somewhere."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.http.front_door import front_door
from cellrig.http.session import FaceSession
from cellrig.network.starting import NetworkTopology

#: The microversions that the resource classes of today's command line ask for, with a call each.
_ASKED = {
    "2.100": "/servers/detail",
    "2.61": "/flavors/detail?is_public=None",
    "2.69": "/os-services",
    "2.88": "/os-hypervisors/detail",
    "2.81": "/os-aggregates",
    "2.80": "/os-migrations",
    "2.64": "/os-server-groups",
    "2.10": "/os-keypairs",
    "2.56": "/os-quota-sets/admin",
    "2.1": "/os-hosts",
}


# -- 1: answers that are validated strictly ------------------------------------------------------


@pytest.mark.parametrize("version", ["2.1", "2.74", "2.75", "2.100"])
def test_addresses_of_changed_and_rebuilt_servers_are_plain_before_2_75(version: str) -> None:
    networks = [NetworkTopology("private", subnets=["10.0.0.0/24"])]
    with Rig(Topology(cells=[Cell("here", hosts=1)], networks=networks)) as rig:
        session = rig.session("compute")
        session.headers["OpenStack-API-Version"] = f"compute {version}"
        path = f"/v2.1/servers/{rig.servers.create().id}"
        image = {"rebuild": {"imageRef": rig.images.list()[0].id}}
        changed = session.put(path, json={"server": {"name": "other"}}).json()["server"]
        rebuilt = session.post(f"{path}/action", json=image).json()["server"]
        shown = session.get(path).json()["server"]
    whole = version in ("2.75", "2.100")
    extended = {"OS-EXT-IPS:type", "OS-EXT-IPS-MAC:mac_addr"}
    for told, fields in (
        (changed, extended if whole else set()),
        (rebuilt, extended if whole else set()),
        (shown, extended),
    ):
        (address,) = told["addresses"]["private"]
        assert set(address) == {"addr", "version"} | fields
    assert ("OS-EXT-STS:vm_state" in rebuilt) == whole
    assert "OS-EXT-SRV-ATTR:user_data" not in rebuilt


def test_quotas_that_are_sent_as_words_come_back_as_numbers(compute: Any) -> None:
    body = {"quota_set": {"cores": "30", "ram": "-1", "force": "True"}}
    told = compute("PUT", "/os-quota-sets/project", body, expect=200).json()["quota_set"]
    assert (told["cores"], told["ram"]) == (30, -1)
    assert all(isinstance(value, int) for value in told.values())


# -- 2: microversions ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", _ASKED)
def test_each_resource_is_asked_in_a_microversion_of_its_own(compute: Any, version: str) -> None:
    answer = compute("GET", _ASKED[version], version=version, expect=200)
    assert answer.headers["OpenStack-API-Version"] == f"compute {version}"
    assert answer.headers["X-OpenStack-Nova-API-Version"] == version
    vary = {each.strip().lower() for each in answer.headers["Vary"].split(",")}
    assert {"openstack-api-version", "x-openstack-nova-api-version"} <= vary


def test_actions_of_aggregates_are_asked_without_a_microversion(compute: Any) -> None:
    body = {"aggregate": {"name": "a", "availability_zone": "z"}}
    made = compute("POST", "/os-aggregates", body, version="2.81", expect=200).json()["aggregate"]
    assert "hosts" not in made
    assert "metadata" not in made
    path = f"/os-aggregates/{made['id']}/action"
    told = compute("POST", path, {"add_host": {"host": "cell1-host1"}}, version=None, expect=200)
    assert told.json()["aggregate"]["hosts"] == ["cell1-host1"]


def test_a_microversion_that_cannot_be_had_tells_which_can(compute: Any) -> None:
    answer = compute("GET", "/servers", version="2.999", expect=406)
    (error,) = answer.json()["errors"]
    assert (error["min_version"], error["max_version"]) == ("2.1", "2.104")
    assert "computeFault" not in answer.text


# -- 3: request ids ------------------------------------------------------------------------------


def test_every_answer_has_a_request_id_of_its_own(compute: Any) -> None:
    told = [
        compute("GET", path, who=who, version=version).headers["x-openstack-request-id"]
        for path, who, version in (
            *(("/servers", "admin", "2.1"), ("/servers/x", "admin", "2.1")),
            *(("/servers", None, "2.1"), ("/nonsense", "admin", "2.1")),
            *(("/os-agents", "admin", "2.1"), ("/servers", "admin", "2.999")),
        )
    ]
    assert len(set(told)) == len(told)
    assert all(each.startswith("req-") and len(each) == 40 for each in told)


def test_the_request_id_of_an_action_finds_the_action(compute: Any) -> None:
    server = compute.create()
    request_id = compute.act(server, "os-stop").headers["x-openstack-request-id"]
    path = f"/servers/{server}/os-instance-actions/{request_id}"
    assert compute.get(path)["instanceAction"]["action"] == "stop"


# -- 4: names where ids are wanted ---------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *("/servers/my server", "/flavors/m1.nonsense", "/os-aggregates/name"),
        *("/os-server-groups/name", "/os-keypairs/name", "/os-hypervisors/host1"),
        *("/servers/x/metadata", "/servers/x/os-volume_attachments", "/servers/x/tags"),
    ],
)
def test_what_is_looked_up_by_name_is_not_there(compute: Any, path: str) -> None:
    status = 400 if path == "/os-hypervisors/host1" else 404
    compute("GET", path, expect=status)


def test_then_servers_are_found_in_the_list_by_a_regular_expression(compute: Any) -> None:
    compute.create(name="web-1")
    compute.create(name="db-1")
    for words, names in (("^web", ["web-1"]), ("-1$", ["db-1", "web-1"]), ("^$", [])):
        told = compute.get(f"/servers?name={words}")["servers"]
        assert sorted(each["name"] for each in told) == names


# -- 5: discovery --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(("/identity/v3", 200), ("/identity/v3/", 200), ("/identity", 300), ("/identity/", 300)),
        *(("/compute", 200), ("/compute/", 200), ("/compute/v2.1", 200), ("/compute/v2.1/", 200)),
        *(("/compute/v2", 200), ("/compute/v2/", 200), ("/volume", 300), ("/volume/", 300)),
        *(("/volume/v3", 200), ("/volume/v3/", 200), ("/placement", 200), ("/placement/", 200)),
        *(("/image", 300), ("/image/", 300), ("/network", 200), ("/network/", 200)),
    ],
)
def test_every_service_tells_its_versions_without_a_token(rig: Rig, path: str, status: int) -> None:
    door = FaceSession(front_door(rig), "http://rig")
    answer = door.get(path, headers={"X-Auth-Token": None})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    (key, *_others) = answer.json()
    assert key in ("version", "versions", "choices")


# -- 6: a slash at the end -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/servers/", "/flavors/", "/os-keypairs/", "/os-aggregates/", "/os-server-groups/"]
)
def test_an_empty_id_is_not_the_list(compute: Any, path: str) -> None:
    compute("GET", path, expect=404)
    compute("DELETE", path, expect=404)


# -- 7: addresses, markers, limits ---------------------------------------------------------------


def test_addresses_of_ipv6_are_written_in_one_way(compute: Any) -> None:
    server = compute.create(accessIPv6="2001:0DB8:0:0::0001")
    assert compute.show(server)["accessIPv6"] == "2001:db8::1"
    body = {"server": {"accessIPv6": "FE80:0::00A"}}
    told = compute("PUT", f"/servers/{server}", body, expect=200).json()["server"]
    assert told["accessIPv6"] == "fe80::a"


@pytest.mark.parametrize(
    "path",
    [
        *("/servers", "/servers/detail", "/flavors", "/os-keypairs", "/os-hypervisors"),
        *("/os-migrations", "/os-simple-tenant-usage"),
    ],
)
def test_an_unknown_marker_is_refused_and_a_limit_of_0_is_an_empty_page(
    compute: Any, path: str
) -> None:
    compute.create()
    compute("GET", f"{path}?marker=00000000-0000-4000-8000-000000000000", expect=400)
    (told,) = compute.get(f"{path}?limit=0").values()
    assert told == []


# -- 8: what the command line sends --------------------------------------------------------------


def test_the_bodies_that_the_command_line_sends_are_taken(compute: Any) -> None:
    image = {
        "uuid": compute.image,
        "boot_index": 0,
        "source_type": "image",
        "destination_type": "local",
        "delete_on_termination": True,
    }
    more = {"min_count": 1, "max_count": 1, "block_device_mapping_v2": [image], "networks": "none"}
    server = compute.create("2.100", **more)
    assert compute.get("/servers?all_tenants=False&deleted=False", "2.100")["servers"]
    compute.act(server, "migrate", None, version="2.100")
    compute.act(server, "confirmResize", None, version="2.100", expect=204)
    host = compute.show(server)["OS-EXT-SRV-ATTR:host"]
    service = compute.get(f"/os-services?host={host}&binary=nova-compute", "2.69")["services"][0]
    body = {"forced_down": True}
    compute("PUT", f"/os-services/{service['id']}", body, version="2.69", expect=200)
    compute.act(server, "evacuate", {}, version="2.100", expect=200)
    assert compute.show(server)["OS-EXT-SRV-ATTR:host"] != host


@pytest.mark.parametrize("count", [0, "abc", -1, "0"])
def test_counts_that_are_none_are_refused(compute: Any, count: object) -> None:
    compute("POST", "/servers", compute.body(min_count=count), expect=400)


# -- 9: what lists of servers also ask for -------------------------------------------------------


def test_a_list_with_names_also_asks_for_images_by_id_and_for_all_flavors(rig: Rig) -> None:
    ids = [image.id for image in rig.images.list()]
    door = rig.session("image")
    told = door.get(f"/v2/images?id=in:{','.join(ids)}").json()["images"]
    assert sorted(each["id"] for each in told) == sorted(ids)
    compute = rig.session("compute")
    body = {"flavor": {"name": "own", "ram": 1, "vcpus": 1, "disk": 0}}
    body["flavor"]["os-flavor-access:is_public"] = False
    compute.post("/v2.1/flavors", json=body)
    for words, seen in (("?is_public=None", True), ("", False), ("?is_public=False", True)):
        names = [each["name"] for each in compute.get(f"/v2.1/flavors{words}").json()["flavors"]]
        assert ("own" in names) == seen


# -- pages ---------------------------------------------------------------------------------------


def _make_two(compute: Any) -> str:
    """Make two of everything that is listed in pages; return a server's id."""
    first, _second = compute.create(), compute.create()
    for name in "ab":
        compute("POST", "/os-keypairs", {"keypair": {"name": name}}, version="2.91", expect=201)
    for _each in "ab":
        compute.act(first, "migrate")
        compute.act(first, "confirmResize", expect=204)
    return str(first)


@pytest.mark.parametrize(
    ("path", "key", "links", "id_"),
    [
        ("/servers", "servers", "servers_links", "id"),
        ("/servers/detail", "servers", "servers_links", "id"),
        ("/flavors", "flavors", "flavors_links", "id"),
        ("/flavors/detail", "flavors", "flavors_links", "id"),
        ("/os-keypairs", "keypairs", "keypairs_links", "keypair"),
        ("/os-migrations", "migrations", "migrations_links", "uuid"),
        ("/os-hypervisors", "hypervisors", "hypervisors_links", "id"),
        ("/os-hypervisors/detail", "hypervisors", "hypervisors_links", "id"),
        ("/servers/{server}/os-instance-actions", "instanceActions", "links", "request_id"),
    ],
)
def test_pages_lead_through_the_whole_list(
    compute: Any, path: str, key: str, links: str, id_: str
) -> None:
    path = path.format(server=_make_two(compute))
    whole = [each[id_] for each in compute.get(path)[key]]
    url, walked = f"{path}?limit=1", []
    while url:
        told = compute.get(url)
        walked += [each[id_] for each in told[key]]
        url = next((each["href"] for each in told.get(links, []) if each["rel"] == "next"), "")
    assert len(whole) >= 2
    assert walked == whole
