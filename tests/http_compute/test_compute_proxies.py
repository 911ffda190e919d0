"""What the compute API passed on until 2.35, usage reports, and what is no more at all."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig import Rig
from cellrig.http.compute.table_proxies import ROUTES

PROXY = "2.35"
NOBODY = "00000000-0000-4000-8000-000000000000"


def test_images_are_shown_and_deleted(compute: Any) -> None:
    image = compute.rig.images.create("own", id=NOBODY, properties={"a": "b"})
    (listed,) = compute.get("/images?name=own", PROXY)["images"]
    assert set(listed) == {"id", "name", "links"}
    assert {each["rel"] for each in listed["links"]} == {"self", "bookmark", "alternate"}
    (whole,) = compute.get("/images/detail?name=own", PROXY)["images"]
    shown = compute.get(f"/images/{image.id}", PROXY)["image"]
    assert shown == whole
    assert set(shown) == {
        *("id", "name", "links", "status", "progress", "created", "updated"),
        *("minDisk", "minRam", "metadata", "OS-EXT-IMG-SIZE:size"),
    }
    assert (shown["status"], shown["progress"], shown["metadata"]) == ("ACTIVE", 100, {"a": "b"})
    compute("DELETE", f"/images/{image.id}", version=PROXY, expect=204)
    compute("GET", f"/images/{image.id}", version=PROXY, expect=404)


def test_images_are_listed_in_pages(compute: Any) -> None:
    told = compute.get("/images?limit=1", PROXY)
    (link,) = told["images_links"]
    rest = compute.get(link["href"], PROXY)["images"]
    assert told["images"][0]["id"] not in {each["id"] for each in rest}


def test_images_are_found_by_the_server_that_they_are_of(compute: Any) -> None:
    server = compute.create()
    snapshot = compute.rig.servers.create_image(server, "now").id
    link = f"http://elsewhere/compute/v2.1/servers/{server}"
    for query in (f"server={server}", f"server={link}", "type=snapshot"):
        (told,) = compute.get(f"/images/detail?{query}", PROXY)["images"]
        assert (told["id"], told["server"]["id"]) == (snapshot, server)
    others = {each["id"] for each in compute.get("/images?type=base", PROXY)["images"]}
    assert others
    assert snapshot not in others


def test_metadata_of_an_image_is_changed_until_2_38(compute: Any) -> None:
    path = f"/images/{compute.rig.images.create('own', id=NOBODY).id}/metadata"

    def ask(method: str, end: str, body: Any = None, expect: int = 200) -> Any:
        return compute(method, f"{path}{end}", body, version="2.38", expect=expect)

    assert ask("POST", "", {"metadata": {"a": "1"}}).json() == {"metadata": {"a": "1"}}
    assert ask("PUT", "", {"metadata": {"b": "2"}}).json() == {"metadata": {"b": "2"}}
    assert ask("PUT", "/c", {"meta": {"c": "3"}}).json() == {"meta": {"c": "3"}}
    ask("PUT", "/c", {"meta": {"d": "3"}}, 400)
    ask("DELETE", "/b", None, 204)
    ask("GET", "/b", None, 404)
    assert ask("GET", "").json() == {"metadata": {"c": "3"}}
    compute("GET", path, version="2.39", expect=404)


def test_volumes_and_their_snapshots(compute: Any) -> None:
    body: dict[str, Any] = {"volume": {"size": 1, "display_name": "own"}}
    made = compute("POST", "/os-volumes", body, version=PROXY, expect=200).json()["volume"]
    assert set(made) == {
        *("id", "status", "displayName", "availabilityZone", "createdAt", "displayDescription"),
        *("volumeType", "snapshotId", "metadata", "size", "attachments"),
    }
    body = {"snapshot": {"volume_id": made["id"], "display_name": "now"}}
    taken = compute("POST", "/os-snapshots", body, version=PROXY, expect=200).json()["snapshot"]
    assert set(taken) == {
        *("id", "volumeId", "status", "size", "createdAt", "displayName", "displayDescription"),
    }
    for kind, one in (("volume", made), ("snapshot", taken)):
        for path in (f"/os-{kind}s", f"/os-{kind}s/detail"):
            (listed,) = compute.get(path, PROXY)[f"{kind}s"]
            assert (listed["id"], set(listed)) == (one["id"], set(one))
        assert compute.get(f"/os-{kind}s/{one['id']}", PROXY)[kind]["status"] == "available"
    compute("DELETE", f"/os-snapshots/{taken['id']}", version=PROXY, expect=202)
    compute("DELETE", f"/os-volumes/{made['id']}", version=PROXY, expect=202)
    assert compute.get("/os-volumes", PROXY)["volumes"] == []


def test_a_volume_shows_the_server_that_has_it(compute: Any) -> None:
    server, volume = compute.create(), compute.rig.volumes.create(size=1)
    compute.rig.servers.attach_volume(server, volume)
    (told,) = compute.get(f"/os-volumes/{volume.id}", PROXY)["volume"]["attachments"]
    assert (told["serverId"], told["volumeId"]) == (server, volume.id)


def test_security_groups_and_their_rules(compute: Any) -> None:
    path, group = "/os-security-groups", {"name": "web", "description": "of the web"}

    def ask(method: str, path: str, body: Any = None, expect: int = 200) -> Any:
        return compute(method, path, body, version=PROXY, expect=expect)

    made = ask("POST", path, {"security_group": group}).json()["security_group"]
    assert set(made) == {"id", "name", "tenant_id", "rules", "description"}
    rule: dict[str, Any] = {"parent_group_id": made["id"], "ip_protocol": "tcp"}
    rule |= {"from_port": "80", "to_port": 80, "cidr": "10.0.0.0/8"}
    told = ask("POST", "/os-security-group-rules", {"security_group_rule": rule}).json()
    added = told["security_group_rule"]
    assert set(added) == {
        *("id", "parent_group_id", "ip_protocol", "from_port", "to_port", "group", "ip_range"),
    }
    assert (added["from_port"], added["ip_range"]) == (80, {"cidr": "10.0.0.0/8"})
    assert ask("GET", f"{path}/{made['id']}").json()["security_group"]["rules"] == [added]
    body = {"security_group": {"name": "www", "description": None}}
    assert ask("PUT", f"{path}/{made['id']}", body).json()["security_group"]["name"] == "www"
    names = {each["name"] for each in ask("GET", path).json()["security_groups"]}
    assert names == {"default", "www"}
    for changed in ({}, {"parent_group_id": "web"}, {"ip_protocol": "carrier-pigeon"}):
        body = {"security_group_rule": {**rule, **changed}}
        ask("POST", "/os-security-group-rules", body, 400)
    ask("DELETE", f"/os-security-group-rules/{added['id']}", None, 202)
    ask("DELETE", f"{path}/{made['id']}", None, 202)
    ask("GET", f"{path}/{made['id']}", None, 404)


def test_a_rule_goes_with_the_group_that_it_lets_in(compute: Any) -> None:
    def make(name: str) -> str:
        body = {"security_group": {"name": name, "description": ""}}
        told = compute("POST", "/os-security-groups", body, version=PROXY, expect=200).json()
        return str(told["security_group"]["id"])

    web, database = make("web"), make("database")
    rule: dict[str, Any] = {
        "parent_group_id": database,
        "ip_protocol": "tcp",
        "group_id": web,
    }
    rule |= {"from_port": 5432, "to_port": 5432}
    body = {"security_group_rule": rule}
    compute("POST", "/os-security-group-rules", body, version=PROXY, expect=200)
    compute("DELETE", f"/os-security-groups/{web}", version=PROXY, expect=202)
    told = compute.get(f"/os-security-groups/{database}", PROXY)["security_group"]
    assert told["rules"] == []


def test_clients_find_what_have_been_extensions(compute: Any) -> None:
    told = compute.get("/extensions")["extensions"]
    assert {"os-hosts", "os-consoles"} <= {each["alias"] for each in told}
    assert compute.get("/extensions/os-hosts")["extension"]["name"] == "Hosts"
    compute("GET", "/extensions/os-nothing", expect=404)


def test_networks_are_no_more_than_names(compute: Any) -> None:
    network = compute.rig.networks.create("private")
    for path, fields in (("/os-networks", {"id", "label"}), ("/os-tenant-networks", {"cidr"})):
        (told,) = compute.get(path, PROXY)["networks"]
        assert (told["id"], told["label"]) == (network.id, "private")
        assert fields <= set(told)
        assert compute.get(f"{path}/{network.id}", PROXY)["network"] == told
        compute("GET", f"{path}/{NOBODY}", version=PROXY, expect=404)
        compute("POST", path, {}, expect=410)


def test_there_are_no_floating_addresses_and_no_bare_metal(compute: Any) -> None:
    assert compute.get("/os-floating-ips", PROXY) == {"floating_ips": []}
    assert compute.get("/os-floating-ip-pools", PROXY) == {"floating_ip_pools": []}
    compute("POST", "/os-floating-ips", {}, version=PROXY, expect=404)
    compute("GET", "/os-baremetal-nodes", version=PROXY, expect=501)


@pytest.mark.parametrize("version", ["2.1", "2.104"])
def test_each_route_is_gone_when_its_time_is_over(compute: Any, version: str) -> None:
    for route in ROUTES:
        path = route.path.removeprefix("/v2.1").replace("{", "").replace("}", "")
        status = compute(route.method, path, {}, version=version).status_code
        if not route.statuses:
            assert status == 410, path
        elif version == "2.104":
            assert status in (404, 410), path


def test_no_file_shares_and_no_console_tokens(compute: Any) -> None:
    path = f"/servers/{compute.create()}/shares"
    assert compute.get(path) == {"shares": []}
    compute("POST", path, {"share": {"share_id": NOBODY}}, expect=404)
    compute("GET", f"{path}/{NOBODY}", expect=404)
    compute("DELETE", f"{path}/{NOBODY}", expect=404)
    compute("GET", path, version="2.96", expect=404)
    compute("GET", "/os-console-auth-tokens/x", expect=404)


def test_usage_is_counted_by_the_hour(rig: Rig, compute: Any) -> None:
    kept, gone = compute.create(who="alice:project"), compute.create(who="alice:project")
    rig.advance(2 * 3600)
    compute("DELETE", f"/servers/{gone}", expect=204)
    rig.advance(3600)
    told = compute.get("/os-simple-tenant-usage/project", "2.1", who="alice:project")[
        "tenant_usage"
    ]
    servers = {each["instance_id"]: each for each in told["server_usages"]}
    assert round(servers[kept]["hours"], 3) == 3
    assert round(servers[gone]["hours"], 3) == 2
    assert (servers[kept]["state"], servers[gone]["state"]) == ("active", "terminated")
    assert round(told["total_hours"], 3) == 5
    assert round(told["total_memory_mb_usage"]) == 5 * 512
    (listed,) = compute.get("/os-simple-tenant-usage", "2.1")["tenant_usages"]
    assert "server_usages" not in listed
    assert listed["total_hours"] == told["total_hours"]
    (whole,) = compute.get("/os-simple-tenant-usage?detailed=1", "2.1")["tenant_usages"]
    assert whole == told
    compute("GET", "/os-simple-tenant-usage", who="alice:project", expect=403)
    compute("GET", "/os-simple-tenant-usage/other", who="alice:project", expect=403)
    compute("GET", "/os-simple-tenant-usage?start=2030-01-01&end=2029-01-01", expect=400)
    compute("GET", "/os-simple-tenant-usage?start=x", expect=400)
    assert compute.get("/os-simple-tenant-usage/nobody") == {"tenant_usage": {}}


def test_usage_is_told_in_pages_from_2_40_on(rig: Rig, compute: Any) -> None:
    servers = sorted(compute.create() for _each in range(3))
    rig.advance(3600)
    url, walked = "/os-simple-tenant-usage/admin?limit=2", []
    while url:
        told = compute.get(url, "2.40")
        walked += [each["instance_id"] for each in told["tenant_usage"].get("server_usages", [])]
        url = next((each["href"] for each in told.get("tenant_usage_links", [])), "")
    assert walked == servers
    whole = compute.get("/os-simple-tenant-usage?limit=2", "2.40")
    assert len(whole["tenant_usages_links"]) == 1


def test_the_log_of_audits_tells_that_no_host_makes_any(compute: Any) -> None:
    told = compute.get("/os-instance_usage_audit_log")["instance_usage_audit_logs"]
    assert set(told) == {
        *("hosts_not_run", "log", "num_hosts", "num_hosts_done", "num_hosts_not_run"),
        *("num_hosts_running", "overall_status", "period_beginning", "period_ending"),
        *("total_errors", "total_instances"),
    }
    path = "/os-instance_usage_audit_log/2020-03-05 00:00:00"
    told = compute.get(path)["instance_usage_audit_log"]
    assert told["period_beginning"] == "2020-02-01 00:00:00"
    compute("GET", "/os-instance_usage_audit_log/x", expect=400)
