"""Inventories through the microversions."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def path(rest: Any) -> str:
    return f"/resource_providers/{rest.provider(1)}/inventories"


FULL = {
    "total": 16,
    "reserved": 0,
    "min_unit": 1,
    "max_unit": 2147483647,
    "step_size": 1,
    "allocation_ratio": 1.0,
}


def test_the_whole_set_is_replaced_under_the_generation(rest: Any, path: str) -> None:
    assert rest.get(path) == {"resource_provider_generation": 0, "inventories": {}}
    body = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 16}}}
    told = rest("PUT", path, body, expect=200).json
    assert told == {"resource_provider_generation": 1, "inventories": {"VCPU": FULL}}
    assert rest.get(path) == told
    (error,) = rest("PUT", path, body, expect=409).json["errors"]
    assert error["code"] == "placement.concurrent_update"


def test_one_class_is_added_changed_and_deleted(rest: Any, path: str) -> None:
    made = rest("POST", path, {"resource_class": "DISK_GB", "total": 16}, expect=201)
    assert made.json == {**FULL, "resource_provider_generation": 1}
    assert made.headers["location"].endswith(f"{path}/DISK_GB")
    rest("POST", path, {"resource_class": "DISK_GB", "total": 16}, expect=409)
    assert rest.get(f"{path}/DISK_GB") == made.json
    body = {"resource_provider_generation": 1, "total": 20, "allocation_ratio": 1.5}
    told = rest("PUT", f"{path}/DISK_GB", body, expect=200).json
    assert told["allocation_ratio"] == 1.5
    assert told["resource_provider_generation"] == 2
    rest("PUT", f"{path}/DISK_GB", body, expect=409)
    rest("DELETE", f"{path}/DISK_GB", expect=204)
    rest("DELETE", f"{path}/DISK_GB", expect=404)
    rest("GET", f"{path}/DISK_GB", expect=404)


def test_a_class_that_the_provider_lacks_is_not_updated(rest: Any, path: str) -> None:
    body = {"resource_provider_generation": 0, "total": 1}
    rest("PUT", f"{path}/VGPU", body, expect=400)
    rest("PUT", f"{path}/NOPE", body, expect=404)


def test_before_1_26_something_must_be_left(rest: Any, path: str) -> None:
    full = {"total": 4, "reserved": 4}
    whole = {"resource_provider_generation": 0, "inventories": {"VCPU": full}}
    one = {"resource_class": "VCPU", **full}
    assert "1.26" in rest.detail("PUT", path, whole, version="1.25", expect=400)
    assert "1.26" in rest.detail("POST", path, one, version="1.25", expect=400)
    rest("PUT", path, whole, version="1.26", expect=200)
    over = {"resource_provider_generation": 1, "total": 4, "reserved": 5}
    rest("PUT", f"{path}/VCPU", over, expect=400)


def test_all_are_deleted_at_once_from_1_5_on(rest: Any, path: str) -> None:
    rest.fill(1, VCPU=1, DISK_GB=1)
    allowed = rest("DELETE", path, version="1.4", expect=405).headers["allow"]
    assert allowed == "GET, POST, PUT"
    rest("DELETE", path, version="1.5", expect=204)
    assert rest.get(path) == {"resource_provider_generation": 2, "inventories": {}}


def test_what_is_allocated_stays(rest: Any, path: str) -> None:
    rest.fill(1, VCPU=4, DISK_GB=1)
    rest.claim(50, {1: {"VCPU": 1}})
    generation = rest.get(path)["resource_provider_generation"]
    empty = {"resource_provider_generation": generation, "inventories": {}}
    for method, where, body in (
        ("DELETE", path, None),
        ("DELETE", f"{path}/VCPU", None),
        ("PUT", path, empty),
    ):
        (error,) = rest(method, where, body, expect=409).json["errors"]
        assert error["code"] == "placement.inventory.inuse"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"total": 0}, "0 is less than the minimum of 1"),
        ({"total": "4"}, "'4' is not of type 'integer'"),
        ({"total": 4.5}, "4.5 is not of type 'integer'"),
        ({"total": 2147483648}, "2147483648 is greater than the maximum of 2147483647"),
        ({"total": 4, "reserved": -1}, "-1 is less than the minimum of 0"),
        ({"total": 4, "step_size": 0}, "0 is less than the minimum of 1"),
        ({"total": 4, "allocation_ratio": 3.5e38}, "is greater than the maximum of 3.40282e+38"),
        ({"total": 4, "colour": 1}, "Additional properties are not allowed ('colour' was"),
        ({}, "'total' is a required property"),
    ],
)
def test_an_inventory_that_cannot_be_is_explained(
    rest: Any, path: str, wrong: dict[str, Any], words: str
) -> None:
    body = {"resource_provider_generation": 0, "inventories": {"VCPU": wrong}}
    told = rest.detail("PUT", path, body, expect=400)
    assert told.startswith("JSON does not validate: ")
    assert words in told


def test_a_whole_float_is_an_integer(rest: Any, path: str) -> None:
    body = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 4.0}}}
    rest("PUT", path, body, expect=200)
    assert rest("GET", f"{path}/VCPU").text.startswith('{"total":4,')


def test_a_class_must_exist_and_so_must_the_provider(rest: Any, path: str) -> None:
    body = {"resource_provider_generation": 0, "inventories": {"CUSTOM_NO": {"total": 1}}}
    assert "CUSTOM_NO" in rest.detail("PUT", path, body, expect=400)
    elsewhere = f"/resource_providers/{rest.uuid(9)}/inventories"
    nothing = {"resource_provider_generation": 0, "inventories": {}}
    assert rest.uuid(9) in rest.detail("PUT", elsewhere, nothing, expect=404)
    assert rest.uuid(9) in rest.detail("GET", elsewhere, expect=404)
