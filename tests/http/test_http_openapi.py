"""The OpenAPI description says what the service takes."""

from __future__ import annotations

import re
from typing import Any

import jsonschema

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
