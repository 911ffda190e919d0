"""Aggregates and traits through the microversions."""

from __future__ import annotations

from typing import Any

import pytest


def test_aggregates_come_with_1_1_without_a_generation(rest: Any) -> None:
    path = f"/resource_providers/{rest.provider(1)}/aggregates"
    rest("GET", path, version="1.0", expect=404)
    assert rest.get(path, "1.1") == {"aggregates": []}
    told = rest("PUT", path, [rest.uuid(5)], version="1.18", expect=200).json
    assert told == {"aggregates": [rest.uuid(5)]}
    after = {"aggregates": [rest.uuid(5)], "resource_provider_generation": 0}
    assert rest.get(path, "1.19") == after


def test_aggregates_are_under_the_generation_from_1_19_on(rest: Any) -> None:
    path = f"/resource_providers/{rest.provider(1)}/aggregates"
    body = {"aggregates": [rest.uuid(5)], "resource_provider_generation": 0}
    told = rest("PUT", path, body, version="1.19", expect=200).json
    assert told == {**body, "resource_provider_generation": 1}
    (error,) = rest("PUT", path, body, expect=409).json["errors"]
    assert error["code"] == "placement.concurrent_update"
    assert "is not of type 'object'" in rest.detail("PUT", path, [], version="1.19", expect=400)
    assert "is not of type 'array'" in rest.detail("PUT", path, body, version="1.18", expect=400)


@pytest.mark.parametrize("wrong", [["x"], [1], ["{one}", "{one}"]])
def test_aggregates_are_different_uuids(rest: Any, wrong: list[Any]) -> None:
    path = f"/resource_providers/{rest.provider(1)}/aggregates"
    given = [rest.uuid(5) if item == "{one}" else item for item in wrong]
    body = {"aggregates": given, "resource_provider_generation": 0}
    assert "JSON does not validate" in rest.detail("PUT", path, body, expect=400)


def test_a_trait_is_created_once_and_deleted_once(rest: Any) -> None:
    rest("PUT", "/traits/CUSTOM_FAST", version="1.5", expect=404)
    rest("GET", "/traits/CUSTOM_FAST", version="1.6", expect=404)
    made = rest("PUT", "/traits/CUSTOM_FAST", version="1.6", expect=201)
    assert made.headers["location"].endswith("/placement/traits/CUSTOM_FAST")
    assert made.text == ""
    rest("PUT", "/traits/CUSTOM_FAST", expect=204)
    rest("GET", "/traits/CUSTOM_FAST", expect=204)
    rest("DELETE", "/traits/CUSTOM_FAST", expect=204)
    rest("DELETE", "/traits/CUSTOM_FAST", expect=404)


@pytest.mark.parametrize("name", ["FAST", "CUSTOM_fast", "CUSTOM_", "CUSTOM_" + "A" * 249])
def test_a_trait_of_ones_own_is_custom(rest: Any, name: str) -> None:
    assert name in rest.detail("PUT", f"/traits/{name}", expect=400)


def test_standard_traits_stay(rest: Any) -> None:
    rest("GET", "/traits/HW_CPU_X86_AVX", expect=204)
    rest("DELETE", "/traits/HW_CPU_X86_AVX", expect=400)


def test_a_provider_has_traits_under_its_generation(rest: Any) -> None:
    path = f"/resource_providers/{rest.provider(1)}/traits"
    rest("PUT", "/traits/CUSTOM_FAST")
    body = {"traits": ["HW_CPU_X86_AVX", "CUSTOM_FAST"], "resource_provider_generation": 0}
    told = rest("PUT", path, body, expect=200).json
    assert told["traits"] == ["CUSTOM_FAST", "HW_CPU_X86_AVX"]
    assert told["resource_provider_generation"] == 1
    assert rest.get(path, "1.6") == told
    rest("PUT", path, body, expect=409)
    rest("DELETE", "/traits/CUSTOM_FAST", expect=409)
    rest("DELETE", path, expect=204)
    assert rest.get(path) == {"traits": [], "resource_provider_generation": 2}
    unknown = {"traits": ["CUSTOM_NOPE"], "resource_provider_generation": 2}
    assert "CUSTOM_NOPE" in rest.detail("PUT", path, unknown, expect=400)


def test_traits_are_listed_by_name_and_by_use(rest: Any) -> None:
    rest.provider(1)
    rest("PUT", "/traits/CUSTOM_IDLE")
    rest.tag(1, "CUSTOM_USED")

    def names(query: str) -> list[str]:
        found: list[str] = rest.get(f"/traits?{query}")["traits"]
        return found

    assert names("name=startswith:CUSTOM_") == ["CUSTOM_IDLE", "CUSTOM_USED"]
    assert names("name=startswith:CUSTOM_&associated=True") == ["CUSTOM_USED"]
    assert names("name=startswith:CUSTOM_&associated=false") == ["CUSTOM_IDLE"]
    assert names("associated=true") == ["CUSTOM_USED"]
    assert names("name=in:CUSTOM_USED,HW_CPU_X86_AVX,NOPE") == ["CUSTOM_USED", "HW_CPU_X86_AVX"]
    assert names("name=in:") == []
    assert "HW_CPU_X86_AVX" in names("")


@pytest.mark.parametrize("query", ["associated=1", "associated=", "name=x", "name=", "colour=red"])
def test_a_filter_of_traits_that_makes_no_sense_is_refused(rest: Any, query: str) -> None:
    assert query.partition("=")[0] in rest.detail("GET", f"/traits?{query}", expect=400)
