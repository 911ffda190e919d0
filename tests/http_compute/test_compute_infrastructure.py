"""Hosts and how they are grouped: aggregates, zones, hypervisors, services."""

from __future__ import annotations

from typing import Any

import pytest

_HOSTS = ["cell1-host1", "cell1-host2"]
NOBODY = "00000000-0000-4000-8000-000000000000"


def _aggregate(compute: Any, **more: Any) -> str:
    body = {"aggregate": {"name": "fast", **more}}
    made = compute("POST", "/os-aggregates", body, expect=200).json()["aggregate"]
    return f"/os-aggregates/{made['id']}"


def test_an_aggregate_is_made_changed_and_deleted(compute: Any) -> None:
    path = _aggregate(compute)
    compute("POST", "/os-aggregates", {"aggregate": {"name": "fast"}}, expect=409)
    body = {"aggregate": {"name": "faster", "availability_zone": "zone"}}
    told = compute("PUT", path, body, expect=200).json()["aggregate"]
    assert (told["name"], told["availability_zone"]) == ("faster", "zone")
    assert told["metadata"] == {"availability_zone": "zone"}
    compute("PUT", path, {"aggregate": {}}, expect=400)
    compute("DELETE", path, expect=200)
    for method in ("GET", "DELETE"):
        compute(method, path, expect=404)
    compute("GET", "/os-aggregates/nonsense", expect=404)


def test_hosts_come_into_an_aggregate_and_leave_it(compute: Any) -> None:
    path = _aggregate(compute, availability_zone="zone")
    add = {"add_host": {"host": _HOSTS[0]}}
    told = compute("POST", f"{path}/action", add, expect=200).json()["aggregate"]
    assert told["hosts"] == [_HOSTS[0]]
    compute("POST", f"{path}/action", add, expect=409)
    compute("POST", f"{path}/action", {"add_host": {"host": "nobody"}}, expect=404)
    compute("POST", f"{path}/action", {"remove_host": {"host": _HOSTS[1]}}, expect=404)
    compute("DELETE", path, expect=409)
    zones = {
        zone["zoneName"]: zone
        for zone in compute.get("/os-availability-zone/detail")["availabilityZoneInfo"]
    }
    assert set(zones) == {"zone", "nova"}
    assert list(zones["zone"]["hosts"]) == [_HOSTS[0]]
    assert zones["zone"]["hosts"][_HOSTS[0]]["nova-compute"]["active"] is True
    brief = compute.get("/os-availability-zone", who="alice")["availabilityZoneInfo"]
    assert [zone["hosts"] for zone in brief] == [None, None]
    compute("POST", f"{path}/action", {"remove_host": {"host": _HOSTS[0]}}, expect=200)
    told = compute.create(availability_zone="nova")
    assert compute.show(told)["OS-EXT-AZ:availability_zone"] == "nova"


def test_metadata_of_an_aggregate_is_set_and_taken_away(compute: Any) -> None:
    path = _aggregate(compute)
    body = {"set_metadata": {"metadata": {"ssd": "true", "gone": None}}}
    told = compute("POST", f"{path}/action", body, expect=200).json()["aggregate"]
    assert told["metadata"] == {"ssd": "true"}
    compute("POST", f"{path}/action", {"nonsense": {}}, expect=400)
    cache = {"cache": [{"id": NOBODY}]}
    compute("POST", f"{path}/images", cache, version="2.80", expect=404)
    compute("POST", f"{path}/images", cache, version="2.81", expect=202)


def test_a_hypervisor_is_the_resource_provider(compute: Any) -> None:
    found = compute.get("/os-hypervisors")["hypervisors"]
    providers = {p.uuid: p.name for p in compute.rig.placement.list_providers()}
    assert {each["id"]: each["hypervisor_hostname"] for each in found} == providers


def test_hypervisors_tell_what_is_used(compute: Any) -> None:
    server = compute.create(host=_HOSTS[0])
    by_name = {
        each["hypervisor_hostname"]: each
        for each in compute.get("/os-hypervisors/detail?with_servers=true", "2.87")["hypervisors"]
    }
    first, second = by_name[_HOSTS[0]], by_name[_HOSTS[1]]
    assert (first["vcpus_used"], first["memory_mb_used"], first["running_vms"]) == (1, 512, 1)
    assert first["servers"][0]["uuid"] == server
    assert (second["vcpus_used"], second["servers"]) == (0, [])
    total = compute.get("/os-hypervisors/statistics", "2.87")["hypervisor_statistics"]
    assert (total["count"], total["vcpus_used"]) == (2, 1)
    compute("GET", "/os-hypervisors/statistics", version="2.88", expect=404)


def test_hypervisors_are_found_by_name_from_2_53_on(compute: Any) -> None:
    query = "/os-hypervisors?hypervisor_hostname_pattern=host1"
    (told,) = compute.get(query)["hypervisors"]
    assert told["hypervisor_hostname"] == _HOSTS[0]
    compute("GET", "/os-hypervisors?hypervisor_hostname_pattern=nobody", expect=404)
    compute("GET", f"{query}&limit=1", expect=400)
    (old,) = compute.get("/os-hypervisors/host1/search", "2.52")["hypervisors"]
    assert old["hypervisor_hostname"] == _HOSTS[0]
    assert isinstance(old["id"], int)
    compute("GET", "/os-hypervisors/host1/search", version="2.53", expect=404)
    compute.get(f"/os-hypervisors/{old['id']}", "2.52")
    compute("GET", f"/os-hypervisors/{NOBODY}", expect=404)
    compute("GET", "/os-hypervisors/nonsense", expect=400)


def test_hypervisors_are_listed_in_pages_from_2_33_on(compute: Any) -> None:
    first = compute.get("/os-hypervisors?limit=1")
    rest = compute.get(first["hypervisors_links"][0]["href"])
    names = {each["hypervisor_hostname"] for each in first["hypervisors"] + rest["hypervisors"]}
    assert names == set(_HOSTS)


def test_a_service_is_disabled_and_placement_knows(compute: Any) -> None:
    found = {each["host"]: each for each in compute.get("/os-services")["services"]}
    path = f"/os-services/{found[_HOSTS[0]]['id']}"
    body = {"status": "disabled", "disabled_reason": "broken"}
    told = compute("PUT", path, body, expect=200).json()["service"]
    assert (told["status"], told["disabled_reason"], told["state"]) == ("disabled", "broken", "up")
    node = next(p for p in compute.rig.placement.list_providers() if p.name == _HOSTS[0])
    (record,) = compute.rig.placement.get_provider_tree(node.uuid)
    assert "COMPUTE_STATUS_DISABLED" in record.traits
    for _each in range(2):
        assert compute.show(compute.create())["OS-EXT-SRV-ATTR:host"] == _HOSTS[1]
    compute("PUT", path, {"status": "enabled"}, expect=200)
    compute("PUT", path, {"status": "enabled", "disabled_reason": "x"}, expect=400)
    compute("PUT", path, {"nonsense": 1}, expect=400)
    compute("PUT", "/os-services/nonsense", body, expect=400)
    compute("PUT", f"/os-services/{NOBODY}", body, expect=404)


@pytest.mark.parametrize("version", ["2.1", "2.53"])
def test_a_service_is_deleted_when_its_host_has_no_servers(compute: Any, version: str) -> None:
    (service,) = compute.get(f"/os-services?host={_HOSTS[0]}", version)["services"]
    path = f"/os-services/{service['id']}"
    server = compute.create(host=_HOSTS[0])
    refused = compute("DELETE", path, version=version, expect=409).json()
    assert "has 1 servers" in refused["conflictingRequest"]["message"]
    compute.rig.servers.delete(server)
    compute("DELETE", path, version=version, expect=204)
    compute("DELETE", path, version=version, expect=404)
    assert {each["host"] for each in compute.get("/os-services")["services"]} == {_HOSTS[1]}
    compute("DELETE", "/os-services/nonsense", version="2.53", expect=400)
    compute("DELETE", "/os-services/nonsense", version="2.1", expect=404)


def test_a_host_shows_in_its_servers(compute: Any) -> None:
    server = compute.create(host=_HOSTS[0])
    (service,) = compute.get(f"/os-services?host={_HOSTS[0]}&binary=nova-compute")["services"]
    path = f"/os-services/{service['id']}"
    for change, status in (
        ({"status": "disabled"}, "MAINTENANCE"),
        ({"forced_down": True}, "DOWN"),
        ({"forced_down": False, "status": "enabled"}, "UP"),
    ):
        compute("PUT", path, change, expect=200)
        assert compute.show(server)["host_status"] == status
    assert compute.get("/os-services?binary=nova-scheduler")["services"] == []


def test_services_were_changed_by_name_until_2_52(compute: Any) -> None:
    body: dict[str, Any] = {"host": _HOSTS[0], "binary": "nova-compute"}
    how: dict[str, Any] = {"version": "2.52", "expect": 200}
    told = compute("PUT", "/os-services/disable", body, **how).json()
    assert told == {"service": {**body, "status": "disabled"}}
    reason = {**body, "disabled_reason": "why"}
    told = compute("PUT", "/os-services/disable-log-reason", reason, **how).json()
    assert told == {"service": {**reason, "status": "disabled"}}
    compute("PUT", "/os-services/enable", body, **how)
    down = {**body, "forced_down": True}
    assert compute("PUT", "/os-services/force-down", down, **how).json() == {"service": down}
    compute("PUT", "/os-services/force-down", {**down, "forced_down": "false"}, **how)
    compute("PUT", "/os-services/enable", {**body, "host": "nobody"}, version="2.52", expect=404)
    compute("PUT", "/os-services/enable", body, version="2.53", expect=404)


def test_hosts_are_told_until_2_42(compute: Any) -> None:
    compute.create(host=_HOSTS[0])
    found = compute.get("/os-hosts?zone=", "2.42")["hosts"]
    assert [each["host_name"] for each in found] == _HOSTS
    assert set(found[0]) == {"host_name", "service", "zone"}
    told = compute.get(f"/os-hosts/{_HOSTS[0]}", "2.42")["host"]
    used = {each["resource"]["project"]: each["resource"]["cpu"] for each in told}
    assert used == {"(total)": used["(total)"], "(used_now)": 1, "(used_max)": 1, "admin": 1}
    path = f"/os-hosts/{_HOSTS[0]}"
    answer = compute("PUT", path, {"status": "disable"}, version="2.42", expect=200).json()
    assert answer == {"host": _HOSTS[0], "status": "disabled"}
    compute("PUT", path, {"status": "enable"}, version="2.42", expect=200)
    compute("GET", f"{path}/reboot", version="2.42", expect=501)
    for method, gone in (("GET", "/os-hosts"), ("GET", path)):
        compute(method, gone, version="2.43", expect=404)


def test_migrations_are_listed_in_pages_from_2_59_on(compute: Any) -> None:
    server = compute.create()
    for _each in range(3):
        compute.act(server, "migrate")
        compute.act(server, "revertResize")
    first = compute.get("/os-migrations?limit=2")
    rest = compute.get(first["migrations_links"][0]["href"])
    uuids = [each["uuid"] for each in first["migrations"] + rest["migrations"]]
    assert len(set(uuids)) == len(uuids) == 3
    assert "migrations_links" not in compute.get("/os-migrations?limit=2", "2.58")
    assert compute.get("/os-migrations?status=nonsense")["migrations"] == []
    assert compute.get(f"/os-migrations?instance_uuid={NOBODY}")["migrations"] == []
    assert len(compute.get("/os-migrations?user_id=admin")["migrations"]) == 3
    assert compute.get("/os-migrations?project_id=other")["migrations"] == []
    compute("GET", f"/os-migrations?marker={NOBODY}", expect=400)
    compute("GET", "/os-migrations?changes-before=2020-01-01", version="2.65", expect=200)


def test_migrations_are_found_by_when_they_changed(compute: Any) -> None:
    server = compute.create()
    compute.act(server, "migrate")
    compute.act(server, "revertResize")
    compute.rig.advance(3600)
    middle = "2018-02-28T00:30:00Z"
    compute.act(server, "migrate")
    for query, version, statuses in (
        (f"changes-since={middle}", "2.58", ["finished", "reverted"]),
        (f"changes-since={middle}", "2.59", ["finished"]),
        (f"changes-before={middle}", "2.65", ["finished", "reverted"]),
        (f"changes-before={middle}", "2.66", ["reverted"]),
    ):
        found = compute.get(f"/os-migrations?{query}", version)["migrations"]
        assert [each["status"] for each in found] == statuses, (query, version)


@pytest.mark.parametrize("path", ["/os-agents", "/os-fixed-ips/10.0.0.1", "/os-cells", "/os-fping"])
def test_what_is_no_more_is_gone(compute: Any, path: str) -> None:
    compute("GET", path, expect=410)
