"""Resource providers through the microversions."""

from __future__ import annotations

from typing import Any

import pytest


def _links(provider: dict[str, Any]) -> list[str]:
    return [link["rel"] for link in provider["links"]]


def test_before_1_20_a_new_provider_is_only_located(rest: Any) -> None:
    body = {"name": "host", "uuid": rest.uuid(1)}
    result = rest("POST", "/resource_providers", body, version="1.19", expect=201)
    assert result.text == ""
    assert "content-type" not in result.headers
    path = f"/placement/resource_providers/{rest.uuid(1)}"
    assert result.headers["location"].endswith(path)


def test_since_1_20_a_new_provider_is_told(rest: Any) -> None:
    result = rest("POST", "/resource_providers", {"name": "host"}, version="1.20", expect=200)
    assert result.json["name"] == "host"
    assert result.json["generation"] == 0
    assert result.headers["location"].endswith(result.json["uuid"])
    assert rest.get(f"/resource_providers/{result.json['uuid']}", "1.20") == result.json


@pytest.mark.parametrize(
    ("version", "links"),
    [
        ("1.0", ["self", "inventories", "usages"]),
        ("1.1", ["self", "inventories", "usages", "aggregates"]),
        ("1.6", ["self", "inventories", "usages", "aggregates", "traits"]),
        ("1.11", ["self", "inventories", "usages", "aggregates", "traits", "allocations"]),
    ],
)
def test_links_grow_with_the_microversions(rest: Any, version: str, links: list[str]) -> None:
    told = rest.get(f"/resource_providers/{rest.provider(1)}", version)
    assert _links(told) == links
    assert told["links"][0]["href"] == f"/placement/resource_providers/{rest.uuid(1)}"
    assert "parent_provider_uuid" not in told


def test_a_provider_has_relatives_from_1_14_on(rest: Any) -> None:
    rest.provider(1)
    child = rest.get(f"/resource_providers/{rest.provider(2, parent=1)}", "1.14")
    assert child["parent_provider_uuid"] == rest.uuid(1)
    assert child["root_provider_uuid"] == rest.uuid(1)
    body = {"name": "x", "parent_provider_uuid": rest.uuid(1)}
    refused = rest.detail("POST", "/resource_providers", body, version="1.13", expect=400)
    assert "('parent_provider_uuid' was unexpected)" in refused


def test_a_uuid_may_be_written_in_any_form_and_is_kept_in_one(rest: Any) -> None:
    body = {"name": "host", "uuid": "ABCDEF00000040008000000000000013"}
    told = rest("POST", "/resource_providers", body, expect=200).json
    assert told["uuid"] == "abcdef00-0000-4000-8000-000000000013"
    rest("GET", "/resource_providers/ABCDEF00-0000-4000-8000-000000000013", expect=404)


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "x" * 201}, {"name": 1}, {}, [], None])
def test_a_provider_needs_a_name_of_up_to_200_characters(rest: Any, body: Any) -> None:
    told = {"Content_Type": "application/json"}
    rest("POST", "/resource_providers", body, expect=400, **told)


def test_names_and_uuids_are_taken_once(rest: Any) -> None:
    rest.provider(1, "host")
    for body in ({"name": "host"}, {"name": "another", "uuid": rest.uuid(1)}):
        (error,) = rest("POST", "/resource_providers", body, expect=409).json["errors"]
        assert error["code"] == "placement.duplicate_name"


def test_a_parent_must_exist(rest: Any) -> None:
    body = {"name": "child", "parent_provider_uuid": rest.uuid(9)}
    assert rest.uuid(9) in rest.detail("POST", "/resource_providers", body, expect=400)


def test_before_1_37_a_parent_is_given_once(rest: Any) -> None:
    for number in (1, 2, 3):
        rest.provider(number)
    path = f"/resource_providers/{rest.uuid(3)}"
    given = {"name": "child", "parent_provider_uuid": rest.uuid(1)}
    told = rest("PUT", path, given, version="1.14", expect=200).json
    assert told["root_provider_uuid"] == rest.uuid(1)
    rest("PUT", path, given, version="1.36", expect=200)
    for other in (rest.uuid(2), None):
        body = {"name": "child", "parent_provider_uuid": other}
        assert "1.37" in rest.detail("PUT", path, body, version="1.36", expect=400)
        rest("PUT", path, body, version="1.37", expect=200)
    assert rest.get(path)["parent_provider_uuid"] is None


def test_a_new_name_leaves_the_parent(rest: Any) -> None:
    rest.provider(1)
    rest.provider(2, parent=1)
    path = f"/resource_providers/{rest.uuid(2)}"
    for version in ("1.0", "1.14", "1.37"):
        rest("PUT", path, {"name": f"n-{version}"}, version=version, expect=200)
        told = rest.get(path)
        assert told["parent_provider_uuid"] == rest.uuid(1)
        assert told["name"] == f"n-{version}"


def test_a_tree_has_no_loop(rest: Any) -> None:
    rest.provider(1)
    rest.provider(2, parent=1)
    for below in (1, 2):
        body = {"name": "root", "parent_provider_uuid": rest.uuid(below)}
        rest("PUT", f"/resource_providers/{rest.uuid(1)}", body, expect=400)


def test_a_provider_goes_when_nothing_hangs_on_it(rest: Any) -> None:
    rest.provider(1)
    rest.provider(2, parent=1)
    rest.fill(2, VCPU=4)
    rest.claim(50, {2: {"VCPU": 1}})
    for number, code in ((1, "cannot_delete_parent"), (2, "inuse")):
        path = f"/resource_providers/{rest.uuid(number)}"
        (error,) = rest("DELETE", path, expect=409).json["errors"]
        assert error["code"] == f"placement.resource_provider.{code}"
    rest("DELETE", f"/allocations/{rest.uuid(50)}", expect=204)
    for number in (2, 1):
        rest("DELETE", f"/resource_providers/{rest.uuid(number)}", expect=204)
        rest("DELETE", f"/resource_providers/{rest.uuid(number)}", expect=404)


def _names(rest: Any, query: str, version: str = "1.39") -> list[str]:
    told = rest.get(f"/resource_providers?{query}", version)
    return [provider["name"] for provider in told["resource_providers"]]


@pytest.fixture
def forest(rest: Any) -> Any:
    rest.provider(1, "host-1")
    rest.fill(1, VCPU=8)
    rest.tag(1, "CUSTOM_FAST")
    rest.join(1, 101)
    rest.provider(2, "pf-1", parent=1)
    rest.tag(2, "CUSTOM_PF")
    rest.provider(3, "host-2")
    rest.fill(3, VCPU=2)
    rest.join(3, 102)
    return rest


def test_the_list_is_filtered(forest: Any) -> None:
    one, two = forest.uuid(101), forest.uuid(102)
    assert _names(forest, "") == ["host-1", "pf-1", "host-2"]
    assert _names(forest, "name=pf-1") == ["pf-1"]
    assert _names(forest, f"uuid={forest.uuid(3)}") == ["host-2"]
    assert _names(forest, f"in_tree={forest.uuid(2)}") == ["host-1", "pf-1"]
    assert _names(forest, "resources=VCPU:4") == ["host-1"]
    assert _names(forest, "required=CUSTOM_FAST") == ["host-1"]
    assert _names(forest, "required=!CUSTOM_FAST") == ["pf-1", "host-2"]
    assert _names(forest, "required=in:CUSTOM_FAST,CUSTOM_PF") == ["host-1", "pf-1"]
    assert _names(forest, "required=in:CUSTOM_FAST,CUSTOM_PF&required=!CUSTOM_PF") == ["host-1"]
    assert _names(forest, f"member_of={one}") == ["host-1"]
    assert _names(forest, f"member_of=in:{one},{two}") == ["host-1", "host-2"]
    assert _names(forest, f"member_of=!{one}") == ["pf-1", "host-2"]
    assert _names(forest, f"member_of={one}&member_of={two}") == []
    assert _names(forest, f"in_tree={forest.uuid(99)}") == []


@pytest.mark.parametrize(
    ("query", "since"),
    [
        ("member_of={aggregate}", "1.3"),
        ("resources=VCPU:1", "1.4"),
        ("in_tree={aggregate}", "1.14"),
        ("required=CUSTOM_FAST", "1.18"),
        ("required=!CUSTOM_FAST", "1.22"),
        ("member_of={aggregate}&member_of={aggregate}", "1.24"),
        ("member_of=!{aggregate}", "1.32"),
        ("required=in:CUSTOM_FAST,CUSTOM_PF", "1.39"),
    ],
)
def test_each_filter_came_with_its_microversion(forest: Any, query: str, since: str) -> None:
    path = "/resource_providers?" + query.format(aggregate=forest.uuid(101))
    major, minor = since.split(".")
    forest("GET", path, version=f"{major}.{int(minor) - 1}", expect=400)
    forest("GET", path, version=since, expect=200)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("colour=red", "('colour' was unexpected)"),
        ("uuid=x", "'x' is not a 'uuid'"),
        ("in_tree=x", "'x' is not a 'uuid'"),
        ("member_of=x", "'x', which is no uuid"),
        ("member_of=", "'', which is no uuid"),
        ("resources=", "resources=VCPU:2"),
        ("resources=VCPU", "'VCPU'"),
        ("resources=VCPU:0", "0 of VCPU"),
        ("resources=VCPU:many", "'many' of VCPU"),
        ("resources=NOPE:1", "NOPE"),
        ("required=", "a trait is empty"),
        ("required=CUSTOM_NOPE", "CUSTOM_NOPE"),
        ("required=in:CUSTOM_FAST,!CUSTOM_PF", "forbidden"),
        ("required=!in:CUSTOM_FAST", "!in:"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(forest: Any, query: str, words: str) -> None:
    assert words in forest.detail("GET", f"/resource_providers?{query}", expect=400)
