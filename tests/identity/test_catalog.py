"""The catalog: our own services, and those that administrators add."""

from __future__ import annotations

from typing import Any

import pytest

Identity = Any  # the fixture of conftest.py
PLAIN = "mallory:other"


@pytest.fixture
def service(identity: Identity) -> Any:
    return identity.make("service", type="key-manager", name="vault", description="keys")


def urls(identity: Identity, type_: str) -> dict[str, list[str]]:
    """Return the endpoints of a service in the catalog of a new token, by their regions."""
    project, user = identity.make("project", name="p"), identity.user("u")
    path = f"projects/{project['id']}/users/{user['id']}/roles/{identity.roles['reader']}"
    identity("PUT", path, expect=204)
    token = identity.sign_in(user, {"project": {"id": project["id"]}}).json()["token"]
    identity("DELETE", f"users/{user['id']}", expect=204)
    identity("DELETE", f"projects/{project['id']}", expect=204)
    found: dict[str, list[str]] = {}
    for each in token["catalog"]:
        for endpoint in each["endpoints"] if each["type"] == type_ else ():
            url = endpoint["url"].replace(project["id"], "PROJECT")
            found.setdefault(endpoint["region"], []).append(url)
    return found


def test_a_service_that_is_added_is_in_the_catalog(identity: Identity, service: Any) -> None:
    assert (service["enabled"], service["description"]) == (True, "keys")
    assert identity.ids("services?type=key-manager") == {service["id"]}
    made = identity.make(
        "endpoint",
        service_id=service["id"],
        interface="public",
        url="http://vault/$(project_id)s",
        region="Moon",
    )
    assert (made["region"], made["region_id"], made["enabled"]) == ("Moon", "Moon", True)
    assert identity.get("regions/Moon")["region"]["parent_region_id"] is None
    assert urls(identity, "key-manager") == {"Moon": ["http://vault/PROJECT"]}
    path = f"endpoints/{made['id']}"
    identity("PATCH", path, {"endpoint": {"enabled": False}}, expect=200)
    assert urls(identity, "key-manager") == {}
    identity("PATCH", path, {"endpoint": {"enabled": True}}, expect=200)
    identity("PATCH", f"services/{service['id']}", {"service": {"enabled": False}}, expect=200)
    assert urls(identity, "key-manager") == {}
    assert identity.ids(f"endpoints?service_id={service['id']}") == {made["id"]}
    identity("DELETE", f"services/{service['id']}", expect=204)
    identity("GET", path, expect=404)


def test_our_own_services_stay_and_take_endpoints_elsewhere(identity: Identity) -> None:
    (compute,) = identity.get("services?type=compute")["services"]
    (public,) = identity.get(f"endpoints?service_id={compute['id']}&interface=public")["endpoints"]
    for path, kind in (
        (f"services/{compute['id']}", "service"),
        (f"endpoints/{public['id']}", "endpoint"),
        ("regions/RegionOne", "region"),
    ):
        identity("GET", path, expect=200)
        identity("PATCH", path, {kind: {}}, expect=403)
        identity("DELETE", path, expect=403)
    given = {"service_id": compute["id"], "interface": "public", "url": "http://other"}
    identity.make("endpoint", **given, region="Two")
    found = urls(identity, "compute")
    assert found["Two"] == ["http://other"]
    assert len(found["RegionOne"]) == 3


def test_endpoints_that_cannot_be(identity: Identity, service: Any) -> None:
    good = {"service_id": service["id"], "interface": "public", "url": "http://here"}
    for wrong in (
        {"service_id": "nothing"},
        {"interface": "private"},
        {"region_id": "Nowhere"},
        {"enabled": "True"},
        {"url": ""},
    ):
        identity("POST", "endpoints", {"endpoint": {**good, **wrong}}, expect=400)
    identity("POST", "services", {"service": {"name": "no type"}}, expect=400)


def test_regions_are_in_regions(identity: Identity) -> None:
    sun = identity("PUT", "regions/Sun", {"region": {"description": "hot"}}, expect=201).json()
    assert sun["region"]["id"] == "Sun"
    identity("PUT", "regions/Sun", {"region": {}}, expect=409)
    earth = identity.make("region", parent_region_id="Sun")
    assert identity.ids("regions?parent_region_id=Sun") == {earth["id"]}
    identity("DELETE", "regions/Sun", expect=403)
    identity("POST", "regions", {"region": {"parent_region_id": "Nowhere"}}, expect=400)
    circle = {"region": {"parent_region_id": earth["id"]}}
    identity("PATCH", "regions/Sun", circle, expect=400)
    identity("DELETE", f"regions/{earth['id']}", expect=204)
    service = identity.make("service", type="x")
    identity.make(
        "endpoint", service_id=service["id"], interface="public", url="x", region_id="Sun"
    )
    identity("DELETE", "regions/Sun", expect=403)
    identity("DELETE", f"services/{service['id']}", expect=204)
    identity("DELETE", "regions/Sun", expect=204)


@pytest.mark.parametrize(
    ("path", "kind", "given", "change"),
    [
        ("policies", "policy", {"type": "json", "blob": "{}"}, {"blob": "[]"}),
        (
            "OS-EP-FILTER/endpoint_groups",
            "endpoint_group",
            {"name": "g", "filters": {"interface": "public"}},
            {"description": "told"},
        ),
    ],
)
def test_what_is_only_kept(
    identity: Identity, path: str, kind: str, given: dict[str, Any], change: dict[str, Any]
) -> None:
    made = identity.make(kind, path, **given)
    assert made["links"]["self"].endswith(f"/v3/{path}/{made['id']}")
    one = f"{path}/{made['id']}"
    identity("HEAD", one, expect=200)
    changed = identity("PATCH", one, {kind: change}, expect=200).json()[kind]
    assert changed == {**made, **change}
    assert identity.ids(path) == {made["id"]}
    identity("DELETE", one, expect=204)
    identity("DELETE", one, expect=404)
    identity("POST", path, {kind: {}}, expect=400)


def test_only_administrators_change_the_catalog(identity: Identity, service: Any) -> None:
    identity("POST", "services", {"service": {"type": "x"}}, token=PLAIN, expect=403)
    identity("DELETE", f"services/{service['id']}", token=PLAIN, expect=403)
    identity("POST", "regions", {"region": {}}, token=PLAIN, expect=403)
