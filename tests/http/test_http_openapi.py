"""The OpenAPI description says what the service takes."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest

from cellrig.http.placement.table import ROUTES


def test_the_description_needs_no_token_and_has_every_route(rest: Any) -> None:
    told = rest("GET", "/openapi.json", token=None, version=None, expect=200).json
    assert told["openapi"].startswith("3.1")
    assert told["info"]["version"] == "1.39"
    for route in ROUTES:
        operation = told["paths"][f"/placement{route.path}"][route.method.lower()]
        assert operation["summary"]
        assert {str(status) for status in route.statuses} <= set(operation["responses"])


def test_every_operation_is_named_once(rest: Any) -> None:
    told = rest("GET", "/openapi.json").json
    names = [one["operationId"] for path in told["paths"].values() for one in path.values()]
    assert len(set(names)) == len(names)


def test_every_segment_of_a_path_is_described(rest: Any) -> None:
    told = rest("GET", "/openapi.json").json
    for path, operations in told["paths"].items():
        for operation in operations.values():
            described = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert described == set(re.findall(r"{(\w+)}", path))


def test_bodies_are_described_by_valid_schemas(rest: Any) -> None:
    told = rest("GET", "/openapi.json").json
    found = 0
    for operations in told["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                found += 1
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                jsonschema.Draft202012Validator.check_schema(schema)
    assert found == 11


def test_suffixed_parameters_are_described_bare_and_once_with_a_suffix(rest: Any) -> None:
    told = rest("GET", "/openapi.json").json
    operation = told["paths"]["/placement/allocation_candidates"]["get"]
    names = {p["name"] for p in operation["parameters"]}
    assert {"resources", "resources1", "in_tree1", "limit", "same_subtree"} <= names


@pytest.mark.parametrize("version", ["1.0", "1.8", "1.13", "1.30", "1.39"])
def test_each_microversion_is_described_with_the_routes_that_it_knows(
    rest: Any, version: str
) -> None:
    told = rest("GET", f"/openapi.json?microversion={version}", version=None).json
    assert told["info"]["version"] == version
    described = {
        (method.upper(), path)
        for path, operations in told["paths"].items()
        for method in operations
        if not path.endswith("/openapi.json")
    }
    since = tuple(map(int, version.split(".")))
    known = {(r.method, f"/placement{r.path}") for r in ROUTES if r.since <= since}
    assert described == known


def test_each_microversion_is_described_with_the_bodies_that_it_takes(rest: Any) -> None:
    def taken(version: str) -> set[str]:
        told = rest("GET", f"/openapi.json?microversion={version}").json
        operation = told["paths"]["/placement/allocations/{consumer_uuid}"]["put"]
        return set(operation["requestBody"]["content"]["application/json"]["schema"]["properties"])

    assert taken("1.0") == {"allocations"}
    assert taken("1.8") == {"allocations", "project_id", "user_id"}
    assert taken("1.28") == taken("1.8") | {"consumer_generation"}
    assert taken("1.34") == taken("1.28") | {"mappings"}
    assert taken("latest") == taken("1.39") == taken("1.34") | {"consumer_type"}


@pytest.mark.parametrize(("given", "status"), [("1", 400), ("1.x", 400), ("1.40", 406)])
def test_an_unknown_microversion_is_not_described(rest: Any, given: str, status: int) -> None:
    told = rest("GET", f"/openapi.json?microversion={given}", version=None, expect=status).json
    assert given in told["errors"][0]["detail"]


def test_the_header_of_the_microversion_is_described_as_needed_after_the_first(rest: Any) -> None:
    def header(version: str) -> dict[str, Any]:
        told = rest("GET", f"/openapi.json?microversion={version}").json
        parameters = told["paths"]["/placement/resource_providers"]["get"]["parameters"]
        found: dict[str, Any]
        (found,) = [one for one in parameters if one["in"] == "header"]
        return found

    assert (header("1.0")["required"], header("1.20")["required"]) == (False, True)
    assert header("1.20")["schema"]["enum"] == ["placement 1.20"]
