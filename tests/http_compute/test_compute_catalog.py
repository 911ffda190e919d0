"""Flavors, key pairs, server groups, quotas."""

from __future__ import annotations

from typing import Any

import pytest

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILZ3xq0rEeUuKbBpVq9uVf0a8H9nGg7rwBqwuJ7VnJ5m me"
_ALICE = "alice:project"


def _flavor(compute: Any, **more: Any) -> dict[str, Any]:
    body = {"flavor": {"name": "new", "ram": 64, "vcpus": 1, "disk": 0, **more}}
    told: dict[str, Any] = compute("POST", "/flavors", body, expect=200).json()["flavor"]
    return told


# -- flavors -------------------------------------------------------------------------------------


def test_a_flavor_is_made_found_described_and_deleted(compute: Any) -> None:
    more = {"OS-FLV-EXT-DATA:ephemeral": 3, "swap": "5", "description": "small"}
    told = _flavor(compute, id="7", **more)
    assert (told["id"], told["swap"], told["OS-FLV-EXT-DATA:ephemeral"]) == ("7", 5, 3)
    assert compute.get("/flavors/7")["flavor"] == told
    body = {"flavor": {"description": "smaller"}}
    compute("PUT", "/flavors/7", body, version="2.54", expect=404)
    changed = compute("PUT", "/flavors/7", body, version="2.55", expect=200).json()["flavor"]
    assert changed["description"] == "smaller"
    compute("DELETE", "/flavors/7", expect=202)
    compute("DELETE", "/flavors/7", expect=404)


def test_a_flavor_is_found_by_its_id_alone(compute: Any) -> None:
    compute("GET", "/flavors/m1.tiny", expect=404)
    made = _flavor(compute, id="auto")
    assert len(made["id"]) == 36


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"name": "m1.tiny"}, 409),
        ({"id": "1"}, 409),
        ({"vcpus": 0}, 400),
        ({"ram": "x"}, 400),
        ({"disk": -1}, 400),
        ({"name": ""}, 400),
        ({"rxtx_factor": 2.0}, 400),
        ({"nonsense": 1}, 400),
        ({"ram": 2**40}, 400),
    ],
)
def test_a_flavor_that_cannot_be(compute: Any, more: dict[str, Any], status: int) -> None:
    body = {"flavor": {"name": "new", "ram": 64, "vcpus": 1, "disk": 0, **more}}
    compute("POST", "/flavors", body, expect=status)
    compute("POST", "/flavors", body, who=_ALICE, expect=403)


def test_rxtx_factor_is_taken_until_2_101(compute: Any) -> None:
    body = {"flavor": {"name": "new", "ram": 64, "vcpus": 1, "disk": 0, "rxtx_factor": "2.5"}}
    told = compute("POST", "/flavors", body, version="2.101", expect=200).json()["flavor"]
    assert told["rxtx_factor"] == 2.5


def test_a_private_flavor_is_for_the_projects_that_have_access(compute: Any) -> None:
    _flavor(compute, id="p", **{"os-flavor-access:is_public": False})
    alice: dict[str, Any] = {"who": _ALICE}
    compute("GET", "/flavors/p", expect=404, **alice)
    compute("POST", "/servers", compute.body(flavorRef="p"), expect=400, **alice)
    action = "/flavors/p/action"
    add = {"addTenantAccess": {"tenant": "project"}}
    told = compute("POST", action, add, expect=200).json()
    assert told == {"flavor_access": [{"flavor_id": "p", "tenant_id": "project"}]}
    compute("POST", action, add, expect=409)
    assert compute.get("/flavors/p/os-flavor-access") == told
    compute("GET", "/flavors/p", expect=200, **alice)
    assert "p" in {each["id"] for each in compute.get("/flavors", **alice)["flavors"]}
    remove = {"removeTenantAccess": {"tenant": "project"}}
    assert compute("POST", action, remove, expect=200).json() == {"flavor_access": []}
    compute("POST", action, remove, expect=404)
    compute("GET", "/flavors/1/os-flavor-access", expect=404)
    compute("POST", "/flavors/1/action", add, expect=409)


def test_flavors_are_listed_in_pages_and_by_size(compute: Any) -> None:
    _flavor(compute, id="p", **{"os-flavor-access:is_public": False})

    def ids(query: str, **how: Any) -> list[str]:
        return [each["id"] for each in compute.get(f"/flavors{query}", **how)["flavors"]]

    assert ids("") == ["1", "2", "3", "4"]
    assert ids("?is_public=None") == ["1", "2", "3", "4", "p"]
    assert ids("?is_public=false") == ["p"]
    assert ids("?minRam=4096") == ["3", "4"]
    assert ids("?minDisk=80") == ["4"]
    assert ids("?sort_key=memory_mb&sort_dir=desc") == ["4", "3", "2", "1"]
    first = compute.get("/flavors?limit=3")
    assert [each["id"] for each in first["flavors"]] == ["1", "2", "3"]
    rest = compute.get(first["flavors_links"][0]["href"])
    assert [each["id"] for each in rest["flavors"]] == ["4"]
    for query in ("limit=x", "marker=nobody", "minRam=x", "is_public=perhaps", "sort_key=x"):
        compute("GET", f"/flavors?{query}", expect=400)


def test_extra_specs_are_changed_one_by_one(compute: Any) -> None:
    path = "/flavors/1/os-extra_specs"
    body = {"extra_specs": {"hw:numa_nodes": "1", "hw:cpu_policy": "shared"}}
    assert compute("POST", path, body, expect=200).json() == body
    assert compute.get(path) == body
    one = {"hw:numa_nodes": "2"}
    assert compute("PUT", f"{path}/hw:numa_nodes", one, expect=200).json() == one
    compute("PUT", f"{path}/other", one, expect=400)
    assert compute.get(f"{path}/hw:numa_nodes") == one
    assert compute("DELETE", f"{path}/hw:numa_nodes", expect=200).content == b""
    for method in ("GET", "DELETE"):
        compute(method, f"{path}/hw:numa_nodes", expect=404)
    compute("POST", path, body, who=_ALICE, expect=403)


# -- key pairs -----------------------------------------------------------------------------------


def test_a_new_key_pair_tells_the_private_key_once_and_until_2_91(compute: Any) -> None:
    body: dict[str, Any] = {"keypair": {"name": "new"}}
    compute("POST", "/os-keypairs", body, version="2.92", expect=400)
    made = compute("POST", "/os-keypairs", body, version="2.91", expect=201).json()["keypair"]
    assert made["private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert made["public_key"].startswith("ssh-ed25519 ")
    assert "private_key" not in compute.get("/os-keypairs/new")["keypair"]


def test_a_new_certificate_is_made_with_its_key(compute: Any) -> None:
    body = {"keypair": {"name": "new", "type": "x509"}}
    made = compute("POST", "/os-keypairs", body, version="2.2", expect=201).json()["keypair"]
    assert made["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert made["public_key"].startswith("-----BEGIN CERTIFICATE-----")
    assert (made["type"], len(made["fingerprint"].split(":"))) == ("x509", 20)


def test_a_fingerprint_is_that_of_the_key(compute: Any) -> None:
    body = {"keypair": {"name": "key", "public_key": _KEY, "type": "ssh"}}
    made = compute("POST", "/os-keypairs", body, expect=201).json()["keypair"]
    assert made["fingerprint"] == "73:99:83:e5:56:cc:eb:62:71:88:14:5b:5d:aa:9c:27"
    compute("POST", "/os-keypairs", body, expect=409)


@pytest.mark.parametrize(
    "more",
    [
        {"public_key": "nonsense"},
        {"public_key": "ssh-rsa ***"},
        {"public_key": "ssh-rsa " + "A" * 2048},
        {"public_key": _KEY.replace("ssh-ed25519", "ssh-rsa")},
        {"public_key": _KEY, "type": "x509"},
        {"public_key": _KEY, "type": "gpg"},
        {"public_key": _KEY, "name": "a/b"},
        {"public_key": _KEY, "name": ""},
    ],
)
def test_a_key_pair_that_cannot_be(compute: Any, more: dict[str, Any]) -> None:
    compute("POST", "/os-keypairs", {"keypair": {"name": "key", **more}}, expect=400)


def test_key_pairs_are_their_users(compute: Any) -> None:
    body = {"keypair": {"name": "key", "public_key": _KEY, "user_id": "alice"}}
    compute("POST", "/os-keypairs", body, version="2.9", expect=400)
    compute("POST", "/os-keypairs", body, version="2.10", expect=201)
    compute("GET", "/os-keypairs/key", expect=404)
    compute("GET", "/os-keypairs/key?user_id=alice", expect=200)
    compute("GET", "/os-keypairs/key", who=_ALICE, expect=200)
    compute("GET", "/os-keypairs/key?user_id=alice", who="bob", expect=403)
    compute("DELETE", "/os-keypairs/key", who=_ALICE, expect=204)
    compute("DELETE", "/os-keypairs/key", who=_ALICE, expect=404)


def test_key_pairs_are_listed_in_pages_from_2_35_on(compute: Any) -> None:
    for name in ("a", "b", "c"):
        body = {"keypair": {"name": name, "public_key": _KEY}}
        compute("POST", "/os-keypairs", body, expect=201)
    assert len(compute.get("/os-keypairs?limit=2", "2.34")["keypairs"]) == 3
    first = compute.get("/os-keypairs?limit=2")
    assert len(first["keypairs"]) == 2
    (last,) = compute.get(first["keypairs_links"][0]["href"])["keypairs"]
    assert last["keypair"]["name"] == "c"


# -- server groups -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "group", "status"),
    [
        ("2.14", {"policies": ["soft-affinity"]}, 400),
        ("2.15", {"policies": ["soft-affinity"]}, 200),
        ("2.15", {"policies": ["affinity", "anti-affinity"]}, 400),
        ("2.63", {"policy": "affinity"}, 400),
        ("2.64", {"policies": ["affinity"]}, 400),
        ("2.64", {"policy": "anti-affinity", "rules": {"max_server_per_host": "2"}}, 200),
        ("2.64", {"policy": "affinity", "rules": {"max_server_per_host": 2}}, 400),
        ("2.64", {"policy": "anti-affinity", "rules": {"max_server_per_host": 0}}, 400),
    ],
)
def test_what_a_group_may_be(
    compute: Any, version: str, group: dict[str, Any], status: int
) -> None:
    body = {"server_group": {"name": "group", **group}}
    compute("POST", "/os-server-groups", body, version=version, expect=status)


def test_groups_are_their_projects(compute: Any) -> None:
    body = {"server_group": {"name": "group", "policy": "affinity"}}
    made = compute("POST", "/os-server-groups", body, who=_ALICE, expect=200).json()
    path = f"/os-server-groups/{made['server_group']['id']}"
    compute("GET", path, who="bob:other", expect=404)
    assert compute.get("/os-server-groups")["server_groups"] == []
    assert len(compute.get("/os-server-groups?all_projects=True")["server_groups"]) == 1
    compute("DELETE", path, who=_ALICE, expect=204)
    compute("DELETE", path, who=_ALICE, expect=404)


# -- quotas --------------------------------------------------------------------------------------


def _set(compute: Any, expect: int = 200, **limits: Any) -> Any:
    body = {"quota_set": limits}
    return compute("PUT", "/os-quota-sets/project", body, expect=expect).json()


def test_quotas_are_set_shown_and_forgotten(compute: Any) -> None:
    assert _set(compute, cores="7", instances=-1)["quota_set"]["cores"] == 7
    told = compute.get("/os-quota-sets/project")["quota_set"]
    assert (told["id"], told["cores"], told["instances"]) == ("project", 7, -1)
    compute("GET", "/os-quota-sets/project", who=_ALICE, expect=200)
    compute("GET", "/os-quota-sets/other", who=_ALICE, expect=403)
    compute("PUT", "/os-quota-sets/project", {"quota_set": {}}, who=_ALICE, expect=403)
    _set(compute, 400, nonsense=1)
    _set(compute, 400, cores=-2)
    _set(compute, 400, floating_ips=1)
    compute("DELETE", "/os-quota-sets/project", expect=202)
    told = compute.get("/os-quota-sets/project")["quota_set"]
    assert told["cores"] == compute.get("/os-quota-sets/project/defaults")["quota_set"]["cores"]


def test_the_default_class_is_what_projects_have(compute: Any) -> None:
    body = {"quota_class_set": {"instances": 3}}
    compute("PUT", "/os-quota-class-sets/default", body, expect=200)
    assert compute.get("/os-quota-class-sets/default")["quota_class_set"]["id"] == "default"
    assert compute.get("/os-quota-sets/project")["quota_set"]["instances"] == 3


@pytest.mark.parametrize("limits", [{"instances": 1}, {"cores": 1}, {"ram": 600}])
def test_a_project_gets_no_more_servers_than_its_quota(
    compute: Any, limits: dict[str, int]
) -> None:
    _set(compute, **limits)
    server = compute.create(who=_ALICE)
    told = compute("POST", "/servers", compute.body(), who=_ALICE, expect=403).json()
    assert told["forbidden"]["message"].startswith(f"Quota exceeded for {next(iter(limits))}")
    compute.create(who="bob:other")
    compute("DELETE", f"/servers/{server}", who=_ALICE, expect=204)
    compute.create(who=_ALICE)


def test_of_several_servers_as_many_are_made_as_the_quota_allows(compute: Any) -> None:
    _set(compute, instances=2)
    body = compute.body(min_count=3, max_count=4)
    compute("POST", "/servers", body, who=_ALICE, expect=403)
    body = compute.body(min_count=1, max_count=4)
    compute("POST", "/servers", body, who=_ALICE, expect=202)
    assert len(compute.get("/servers", who=_ALICE)["servers"]) == 2


def test_a_resize_counts_what_is_more(compute: Any) -> None:
    server = compute.create(who=_ALICE)
    _set(compute, ram=1024)
    compute.act(server, "resize", {"flavorRef": "2"}, who=_ALICE, expect=403)
    _set(compute, ram=4096)
    compute.act(server, "resize", {"flavorRef": "2"}, who=_ALICE)


def test_other_quotas(compute: Any) -> None:
    _set(compute, metadata_items=1, key_pairs=0, server_groups=0, server_group_members=0)
    many = {"a": "1", "b": "2"}
    alice: dict[str, Any] = {"who": _ALICE}
    compute("POST", "/servers", compute.body(metadata=many), expect=403, **alice)
    server = compute.create(**alice)
    compute("PUT", f"/servers/{server}/metadata", {"metadata": many}, expect=403, **alice)
    body = {"keypair": {"name": "key", "public_key": _KEY}}
    compute("POST", "/os-keypairs", body, expect=403, **alice)
    group = {"server_group": {"name": "group", "policy": "affinity"}}
    compute("POST", "/os-server-groups", group, expect=403, **alice)
    _set(compute, server_groups=1)
    made = compute("POST", "/os-server-groups", group, expect=200, **alice).json()
    hints = {"os:scheduler_hints": {"group": made["server_group"]["id"]}}
    compute("POST", "/servers", {**compute.body(), **hints}, expect=403, **alice)


def test_limits_tell_what_is_used(compute: Any) -> None:
    compute.create(who=_ALICE)
    told = compute.get("/limits", who=_ALICE)["limits"]["absolute"]
    used = (told["totalInstancesUsed"], told["totalCoresUsed"], told["totalRAMUsed"])
    assert used == (1, 1, 512)
    assert compute.get("/limits?tenant_id=project")["limits"]["absolute"] == told
    compute("GET", "/limits?tenant_id=other", who=_ALICE, expect=403)
    detail = compute.get("/os-quota-sets/project/detail")["quota_set"]["instances"]
    assert detail == {"limit": 10, "in_use": 1, "reserved": 0}
    _set(compute, 400, instances=0)
    _set(compute, instances=0, force=True)
