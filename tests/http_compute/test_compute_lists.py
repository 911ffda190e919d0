"""Lists of servers: pages, filters, orders."""

from __future__ import annotations

from typing import Any

import pytest


def _names(compute: Any, query: str, **how: Any) -> list[str]:
    return [server["name"] for server in compute.get(f"/servers/detail?{query}", **how)["servers"]]


def _three(compute: Any) -> None:
    for name in ("one", "two", "three"):
        compute.create(name=name, metadata={"n": name})
        compute.rig.advance(1)


def test_pages_are_walked_by_their_links(compute: Any) -> None:
    _three(compute)
    seen: list[str] = []
    url = "/servers?limit=2&sort_key=created_at&sort_dir=asc"
    while url:
        told = compute.get(url)
        seen += [server["name"] for server in told["servers"]]
        links = told.get("servers_links", [])
        assert all(link["rel"] == "next" for link in links)
        url = links[0]["href"] if links else ""
    assert seen == ["one", "two", "three"]


def test_limit_0_is_an_empty_page(compute: Any) -> None:
    _three(compute)
    assert compute.get("/servers?limit=0") == {"servers": []}


@pytest.mark.parametrize(
    "query",
    [
        *("limit=-1", "limit=x", "marker=nobody", "sort_key=nonsense", "sort_dir=up"),
        *("all_tenants=perhaps", "changes-since=yesterday", "locked=perhaps"),
        "changes-since=2020-01-02T00:00:00Z&changes-before=2020-01-01T00:00:00Z",
    ],
)
def test_a_query_that_makes_no_sense(compute: Any, query: str) -> None:
    compute("GET", f"/servers?{query}", expect=400)


def test_parameters_that_nobody_knows_are_refused_from_2_75_on(compute: Any) -> None:
    compute("GET", "/servers?nonsense=1", version="2.74", expect=200)
    compute("GET", "/servers?nonsense=1", version="2.75", expect=400)
    compute("GET", "/servers?locked=true", version="2.72", expect=200)


def test_filters_find_what_they_name(compute: Any) -> None:
    _three(compute)
    compute.act(compute.get("/servers?name=two")["servers"][0]["id"], "os-stop")
    assert sorted(_names(compute, "name=t.%2B")) == ["three", "two"]
    assert _names(compute, "name=%5Eone%24") == ["one"]
    assert _names(compute, "status=shutoff") == ["two"]
    assert _names(compute, "status=nonsense") == []
    assert _names(compute, "vm_state=stopped") == ["two"]
    assert _names(compute, "power_state=4") == ["two"]
    assert len(_names(compute, f"image={compute.image}&flavor=1")) == 3
    assert _names(compute, "flavor=2") == []
    assert _names(compute, "ip=192.0.2.1") == []
    host = compute.get("/servers/detail?name=one")["servers"][0]["OS-EXT-SRV-ATTR:host"]
    assert "one" in _names(compute, f"host={host}")


def test_tags_are_a_filter_from_2_26_on(compute: Any) -> None:
    _three(compute)
    for name, tags in (("one", ["a"]), ("two", ["a", "b"])):
        server = compute.get(f"/servers?name={name}")["servers"][0]["id"]
        compute("PUT", f"/servers/{server}/tags", {"tags": tags}, expect=200)
    assert _names(compute, "tags=a,b") == ["two"]
    assert sorted(_names(compute, "tags-any=a,b")) == ["one", "two"]
    assert sorted(_names(compute, "not-tags=a,b")) == ["one", "three"]
    assert _names(compute, "not-tags-any=a,b") == ["three"]
    assert len(_names(compute, "tags=a,b", version="2.25")) == 3


def test_changes_since_shows_deleted_servers(compute: Any) -> None:
    server = compute.create(name="gone")
    compute("DELETE", f"/servers/{server}", expect=204)
    assert _names(compute, "") == []
    assert _names(compute, "changes-since=2000-01-01T00:00:00Z") == ["gone"]
    (told,) = compute.get("/servers/detail?deleted=true")["servers"]
    assert (told["status"], told["OS-EXT-STS:vm_state"]) == ("DELETED", "deleted")
    assert told["OS-SRV-USG:terminated_at"]


def test_locked_servers_are_found_from_2_73_on(compute: Any) -> None:
    _three(compute)
    compute.act(compute.get("/servers?name=two")["servers"][0]["id"], "lock")
    assert _names(compute, "locked=true") == ["two"]
    assert sorted(_names(compute, "locked=0")) == ["one", "three"]


def test_a_project_lists_its_own_servers(compute: Any) -> None:
    compute.create(name="mine", who="alice:first")
    compute.create(name="theirs")
    alice: dict[str, Any] = {"who": "alice:first"}
    assert _names(compute, "", **alice) == ["mine"]
    assert _names(compute, "all_tenants=False", **alice) == ["mine"]
    assert _names(compute, "host=nowhere", **alice) == ["mine"]
    for query in ("all_tenants=1", "deleted=1", "status=deleted"):
        compute("GET", f"/servers?{query}", expect=403, **alice)
    assert _names(compute, "") == ["theirs"]
    assert sorted(_names(compute, "all_tenants=1")) == ["mine", "theirs"]
    assert _names(compute, "all_tenants=1&project_id=first") == ["mine"]
