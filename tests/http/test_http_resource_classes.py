"""Resource classes through the microversions."""

from __future__ import annotations

from typing import Any

import pytest


def test_the_standard_classes_are_there_from_1_2_on(rest: Any) -> None:
    rest("GET", "/resource_classes", version="1.1", expect=404)
    found = rest.get("/resource_classes", "1.2")["resource_classes"]
    assert [one["name"] for one in found[:3]] == ["VCPU", "MEMORY_MB", "DISK_GB"]
    self_link = {"rel": "self", "href": "/placement/resource_classes/VCPU"}
    assert found[0]["links"] == [self_link]
    assert rest.get("/resource_classes/VCPU") == found[0]
    rest("GET", "/resource_classes/NOPE", expect=404)


def test_a_class_is_posted_once(rest: Any) -> None:
    made = rest("POST", "/resource_classes", {"name": "CUSTOM_GOLD"}, expect=201)
    assert made.headers["location"].endswith("/resource_classes/CUSTOM_GOLD")
    assert "CUSTOM_GOLD" in rest.detail(
        "POST", "/resource_classes", {"name": "CUSTOM_GOLD"}, expect=409
    )


def test_a_class_is_put_without_a_body_from_1_7_on(rest: Any) -> None:
    rest("PUT", "/resource_classes/CUSTOM_GOLD", version="1.6", expect=415)
    made = rest("PUT", "/resource_classes/CUSTOM_GOLD", version="1.7", expect=201)
    assert made.headers["location"].endswith("/resource_classes/CUSTOM_GOLD")
    rest("PUT", "/resource_classes/CUSTOM_GOLD", expect=204)


def test_before_1_7_a_put_renames_and_everything_follows(rest: Any) -> None:
    rest("PUT", "/resource_classes/CUSTOM_GOLD")
    rest("PUT", "/resource_classes/CUSTOM_IRON")
    rest.provider(1)
    rest.fill(1, CUSTOM_GOLD=8)
    rest.claim(50, {1: {"CUSTOM_GOLD": 3}})
    assert len(rest.get("/allocation_candidates?resources=CUSTOM_GOLD:1")["provider_summaries"])
    path = "/resource_classes/CUSTOM_GOLD"
    told = rest("PUT", path, {"name": "CUSTOM_LEAD"}, version="1.6", expect=200).json
    assert told["name"] == "CUSTOM_LEAD"
    assert rest.get(f"/resource_providers/{rest.uuid(1)}/usages")["usages"] == {"CUSTOM_LEAD": 3}
    (held,) = rest.get(f"/allocations/{rest.uuid(50)}")["allocations"].values()
    assert held["resources"] == {"CUSTOM_LEAD": 3}
    found = rest.get("/allocation_candidates?resources=CUSTOM_LEAD:5")
    assert len(found["allocation_requests"]) == 1
    rest("PUT", path, {"name": "CUSTOM_LEAD"}, version="1.6", expect=404)
    taken = {"name": "CUSTOM_IRON"}
    rest("PUT", "/resource_classes/CUSTOM_LEAD", taken, version="1.6", expect=409)
    rest("PUT", "/resource_classes/VCPU", {"name": "CUSTOM_CPU"}, version="1.6", expect=400)


@pytest.mark.parametrize("name", ["VCPU", "CUSTOM_", "CUSTOM_a", "GOLD", "CUSTOM_" + "A" * 249, ""])
def test_a_class_of_ones_own_is_custom(rest: Any, name: str) -> None:
    told = rest.detail("POST", "/resource_classes", {"name": name}, expect=400)
    assert told.startswith(f"JSON does not validate: {name!r}")
    if name:
        rest("PUT", f"/resource_classes/{name}", expect=400)


def test_a_class_goes_when_nobody_has_it(rest: Any) -> None:
    rest("PUT", "/resource_classes/CUSTOM_GOLD")
    rest.provider(1)
    rest.fill(1, CUSTOM_GOLD=8)
    rest("DELETE", "/resource_classes/CUSTOM_GOLD", expect=409)
    rest.fill(1)
    rest("DELETE", "/resource_classes/CUSTOM_GOLD", expect=204)
    rest("DELETE", "/resource_classes/CUSTOM_GOLD", expect=404)
    rest("DELETE", "/resource_classes/VCPU", expect=400)
